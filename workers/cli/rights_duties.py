"""`utskick rights`: what is done to data on request, who must be told of it, whom a wrong send concerned."""

from __future__ import annotations

import csv
import os
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from cyclopts import App, Parameter

from campaigns.errors import InputError
from campaigns.register.cells import safe_cell
from campaigns.register.permit import answering_a_no
from campaigns.store.engine import reading, writing
from workers.cli.output import Json, answer, answer_table, record
from workers.cli.words import IN_RANGE, ContactNumber, Limit
from workers.wiring import opened, operator

RequestNumber = Annotated[
    int, Parameter(validator=IN_RANGE, help="Its number, as `utskick rights list` shows it.")
]
_OWNER_ONLY = 0o600


def add_to(app: App) -> None:
    """Add this file's commands."""
    for command in (rectify, restrict, unrestrict, tellings, told, incident):
        app.command(command)


def rectify(
    request: RequestNumber,
    *values: Annotated[str, Parameter(help="FIELD=VALUE; nothing after the sign empties the field.")],
    json: Json = False,
) -> None:
    """Correct what an identified request says; when it ends with 0, nothing goes to an old address any more."""
    from campaigns.rights.rectification import rectify as rectified

    installation = opened()
    wanted = dict(_assignment(value) for value in values)
    changed = rectified(installation.engine, installation.ring, request, wanted, operator())
    text = f"Corrected: {', '.join(changed)}." if changed else "Stood so already."
    answer({"request": request, "changed": list(changed)}, text, as_json=json)


def restrict(request: RequestNumber, *, json: Json = False) -> None:
    """Freeze the person of an identified request: kept, and nothing is sent; binds when the command ends with 0."""
    from campaigns.rights.rectification import restrict as restricted

    installation = opened()
    number = restricted(installation.engine, installation.ring, request, operator())
    text = f"Restricted. {number} recipients are to be told: `utskick rights tellings`."
    answer({"request": request, "to_be_told": number}, text, as_json=json)


def unrestrict(
    contact: ContactNumber,
    *,
    informed: Annotated[str, Parameter(help="The day on which the person was told, YYYY-MM-DD.")],
    json: Json = False,
) -> None:
    """Lift the restriction of somebody who has been told so before."""
    from campaigns.rights.rectification import lift_restriction

    installation = opened()
    day = _moment(informed).date()
    with answering_a_no(installation.engine) as connection:  # for the epoch and the opt-out log
        lifted = lift_restriction(connection, installation.ring, contact, day, operator())
    answer({"contact": contact, "lifted": lifted}, f"Lifted {lifted}.", as_json=json)


def tellings(
    *,
    done: Annotated[bool, Parameter(negative=(), help="What was told instead.")] = False,
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """Show who has to be told of corrections, erasures and restrictions."""
    from campaigns.rights import listing, telling

    with reading(opened().engine) as connection:
        rows = [listing.plain(row) for row in telling.tellings(connection, told=done, limit=limit)]
    answer_table({"tellings": rows}, rows, as_json=json)


def told(
    telling: Annotated[
        int, Parameter(validator=IN_RANGE, help="Its number, as `utskick rights tellings` shows it.")
    ],
    *,
    how: Annotated[str, Parameter(help="How they were told, e.g. mail of 2026-11-12.")],
    json: Json = False,
) -> None:
    """Record that a recipient was told."""
    from campaigns.rights import telling as telling_on

    with writing(opened().engine) as connection:
        telling_on.told(connection, telling, how, operator())
    answer({"telling": telling}, f"Told under {telling}.", as_json=json)


def incident(
    campaign: Annotated[
        int | None, Parameter(validator=IN_RANGE, help="The campaign that was wrong.")
    ] = None,
    *,
    since: Annotated[str | None, Parameter(help="From when, YYYY-MM-DD or with a time.")] = None,
    until: Annotated[str | None, Parameter(help="Until when.")] = None,
    with_addresses: Annotated[
        Path | None,
        Parameter(help="A new file for numbers, addresses and languages; reading them is logged."),
    ] = None,
    json: Json = False,
) -> None:
    """Say whom a wrong send concerned, with a draft of a notice to them in Swedish, Finnish and English."""
    from campaigns.rights import incident as wrong_sends
    from workers.cli.rights_package import keeper

    installation = opened()
    zone = ZoneInfo(installation.settings.time_zone)
    wrong = wrong_sends.Wrong(campaign, _local(since, zone), _local(until, zone))
    found = wrong_sends.concerned(installation.engine, wrong)
    notices = wrong_sends.drafts(found, keeper(installation.settings).controller)
    if with_addresses is not None:
        with os.fdopen(_new_file(with_addresses), "w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\r\n")
            writer.writerow(("contact", "email", "language"))
            for row in wrong_sends.with_addresses(installation.engine, wrong, operator()):
                writer.writerow(safe_cell(str(cell)) for cell in row.values())
    told = record({name: value for name, value in found.items() if name != "contacts"})
    answer({**found, "notices": notices}, "\n".join([told, "", *notices.values()]), as_json=json)


def _new_file(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OWNER_ONLY)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None


def _assignment(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise InputError(f"{text!r}: write FIELD=VALUE")
    return name.strip(), value


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is no moment; write YYYY-MM-DD or YYYY-MM-DDTHH:MM") from None


def _local(text: str | None, zone: ZoneInfo) -> datetime | None:
    """A moment as our clocks show it, unless it names its own zone."""
    if text is None:
        return None
    moment = _moment(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
