"""`utskick campaigns preview`: the messages of a submission as files to look at."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from campaigns.address import parse_email
from campaigns.delivery.preview import Preview, find_contact, previews
from campaigns.errors import InputError
from campaigns.planning.campaign import plan_campaign
from workers.cli.documents import Assignments, FileName, read_submission
from workers.cli.output import Json, answer
from workers.wiring import Installation, opened, operator


def preview(
    file: FileName,
    *,
    out: Annotated[Path, Parameter(help="The folder to write to; it is made where it is missing.")],
    contact: Annotated[
        str | None,
        Parameter(
            help="Number or address of a contact of the register; without it, a made-up one in every language."
        ),
    ] = None,
    assignments: Assignments = (),
    json: Json = False,
) -> None:
    """Write the messages of a submission as files. Nothing is planned or sent, and its links do nothing."""
    document = read_submission(file, assignments)
    # An id of its own, so that a changed document can be looked at before it gets a new one.
    document["submission_id"] = f"preview-{secrets.token_hex(8)}"
    by = operator()
    document.setdefault("submitted_by", by.name)
    installation = opened()
    chosen = None if contact is None else _contact(installation, contact)
    plan = plan_campaign(installation.planning, document)
    author = installation.author(plan.submission.sender.key)
    made = previews(installation.engine, plan, author, installation.stationery, by, chosen)
    written = [
        _write(out, f"{plan.submission.campaign.key}-{one.language}", one, installation) for one in made
    ]
    lines = [f"{item['language']}: {item['eml']}, .html, .txt ({item['octets']} octets)" for item in written]
    lines += [f"warning: {warning}" for item in written for warning in item["warnings"]]
    answer({"previews": written}, "\n".join(lines), as_json=json)


def _contact(installation: Installation, named: str) -> int:
    if named.isascii() and named.isdigit():
        return int(named)
    text = parse_email(named).comparison_text
    return find_contact(installation.engine, list(installation.ring.fingerprints("address", text).values()))


def _write(folder: Path, name: str, made: Preview, installation: Installation) -> dict[str, Any]:
    """Write one message; in the page, pictures come from the folder instead of the web."""
    pictures = folder / "pictures"
    served = f"{installation.settings.public_url}/a/"
    try:
        pictures.mkdir(mode=0o700, parents=True, exist_ok=True)
        for asset in made.assets:
            (pictures / f"{asset.hash}.{asset.extension}").write_bytes(asset.content)
        (folder / f"{name}.eml").write_bytes(made.message)
        (folder / f"{name}.html").write_text(made.html.replace(served, "pictures/"), encoding="utf-8")
        (folder / f"{name}.txt").write_text(made.text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}") from None
    return {
        "language": made.language,
        "subject": made.subject,
        "eml": str(folder / f"{name}.eml"),
        "html": str(folder / f"{name}.html"),
        "text": str(folder / f"{name}.txt"),
        "octets": len(made.message),
        "warnings": list(made.warnings),
    }
