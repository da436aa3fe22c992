"""`utskick feedback`: read and apply mail that came back."""

from __future__ import annotations

import csv
import io
import json as jsonlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from campaigns.errors import InputError
from campaigns.feedback import listing
from campaigns.feedback.ingest import ingest as apply_mail
from campaigns.feedback.mime import MESSAGE_OCTETS
from campaigns.feedback.reader import read_report
from campaigns.feedback.scoring import score as score_of
from workers.cli import waiting_mail
from workers.cli.given import standard_input
from workers.cli.output import Json, answer, answer_table
from workers.wiring import opened, operator

#: Files, or `-` for standard input, which would else read as an option.
Files = Annotated[
    str,
    Parameter(allow_leading_hyphen=True, help="Files with one message each; - is standard input."),
]

feedback = App(name="feedback")
waiting_mail.add_to(feedback)


@feedback.command
def parse(
    *files: Files,
    why: bool = False,
    json: Json = False,  # noqa: ARG001 (the answer is JSON Lines either way)
) -> None:
    """Say what messages report, as JSON Lines; changes nothing.

    Parameters
    ----------
    why
        Say also by which rule and how surely each verdict was reached, and which mail system wrote the message.
    """
    for file in _named(files):
        report = read_report(_read(file))
        shown = report.explained() if why else report.as_contract()
        print(jsonlib.dumps({"file": file, **shown}, ensure_ascii=False))


@feedback.command
def score(
    folder: Annotated[Path, Parameter(help="Messages, and beside them what they are labelled as.")],
    *,
    json: Json = False,
) -> None:
    """Measure the reader against a folder of labelled mail: labels.csv, and the messages beside it or in mail/."""
    labels = _labels(folder)
    mail = folder / "mail" if (folder / "mail").is_dir() else folder
    reports = {row["sample"]: read_report(_read(str(mail / row["sample"]))) for row in labels}
    found = score_of(labels, reports).as_dict()
    lines = [
        f"{name.removesuffix('_percent'):20} {value}"
        for name, value in found.items()
        if name != "disagreements"
    ]
    lines += [
        "{sample}: {about}: labelled {label!r}, read {reader!r}".format(**it) for it in found["disagreements"]
    ]
    answer(found, "\n".join(lines), as_json=json)


@feedback.command
def ingest(*files: Files, json: Json = False) -> None:
    """Apply messages to the register; - reads one from standard input."""
    installation = opened()
    done = [
        {
            "file": file,
            "consequences": apply_mail(
                installation.engine, installation.tokens, _read(file), None, operator(), installation.ring
            ),
        }
        for file in _named(files)
    ]
    text = "\n".join(f"{item['file']}: {', '.join(item['consequences'])}" for item in done)
    answer({"messages": done}, text, as_json=json)


@feedback.command(name="list")
def list_(*, alarms: bool = False, kind: str = "", limit: int = 50, json: Json = False) -> None:
    """Show what was heard of late, or with --alarms the hours with a flood of unproved reports.

    Parameters
    ----------
    alarms
        Show hours in which more reports came without a token of ours than mishaps explain: somebody forges them.
    kind
        Only events of this kind, such as hard or unreadable.
    limit
        So many events at most.
    """
    engine = opened().engine
    rows = listing.alarms(engine) if alarms else listing.events(engine, kind=kind, limit=limit)
    answer_table({"alarms" if alarms else "events": rows}, rows, as_json=json)


def _named(files: Sequence[str]) -> Sequence[str]:
    if not files:
        raise InputError("name files with a message each, or - for standard input")
    return files


def _labels(folder: Path) -> list[dict[str, str]]:
    try:
        text = (folder / "labels.csv").read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{folder / 'labels.csv'}: {error.strerror}") from None
    rows = list(csv.DictReader(io.StringIO(text)))
    missing = {"sample", "recipient", "hardbounce"} - set(rows[0] if rows else ())
    if missing:
        raise InputError(f"{folder / 'labels.csv'} lacks the columns {', '.join(sorted(missing))}.")
    return rows


def _read(file: str) -> bytes:
    """The beginning of a message, as much as the reader wants."""
    try:
        if file == "-":
            return standard_input().read(MESSAGE_OCTETS)
        with Path(file).open("rb") as opened:
            return opened.read(MESSAGE_OCTETS)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
