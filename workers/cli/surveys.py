"""`utskick surveys`: ask people, import answers from paper, and see what was found."""

from __future__ import annotations

import tomllib
from dataclasses import asdict
from typing import Annotated

from cyclopts import App, Parameter

from campaigns.errors import InputError
from campaigns.register import surveys as register
from campaigns.register.intake_encoding import examine
from campaigns.register.survey_form import read_survey, said
from campaigns.register.survey_table import import_answers
from campaigns.store.engine import reading, writing
from workers.cli import given
from workers.cli.given import TableName
from workers.cli.output import Json, answer, answer_table
from workers.wiring import opened, operator

surveys = App(name="surveys")
SurveyKey = Annotated[str, Parameter(help="The survey's key, as `utskick surveys list` shows it.")]
_SHOWN = 20


@surveys.command
def add(
    file: Annotated[
        str, Parameter(allow_leading_hyphen=True, help="The survey's TOML file; - is standard input.")
    ],
    *,
    json: Json = False,
) -> None:
    """Open a survey until the end of its last day. The same file with another day moves that day."""
    installation = opened()
    try:
        declared = read_survey(tomllib.loads(given.text(file)))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{file}: {error}") from None
    with writing(installation.engine) as connection:
        made = register.add(connection, declared, installation.settings.time_zone, operator())
    value = {"key": made.key, "identified": made.identified, "closes": declared.closes.isoformat()}
    apart = "with" if made.identified else "apart from"
    answer(
        value,
        f"Survey {made.key} is open until {declared.closes}; answers are kept {apart} the people.",
        as_json=json,
    )


@surveys.command(name="list")
def show(*, json: Json = False) -> None:
    """Show all surveys, and how many have answered."""
    with reading(opened().engine) as connection:
        rows = register.all_surveys(connection)
    answer_table({"surveys": rows}, rows, as_json=json)


@surveys.command
def close(key: SurveyKey, *, json: Json = False) -> None:
    """Take no more answers."""
    with writing(opened().engine) as connection:
        register.close(connection, key, operator())
    answer({"key": key, "open": False}, f"Survey {key} is closed.", as_json=json)


@surveys.command(name="import")
def take(key: SurveyKey, file: TableName, *, json: Json = False) -> None:
    """Import answers from a table whose heads are the questions' keys. The same table again changes nothing."""
    installation = opened()
    with given.table(file) as (path, name):
        report = import_answers(installation.engine, key, examine(path, name), operator())
    lines = [
        f"{report.rows} rows: {report.taken} taken, {report.unchanged} unchanged, {len(report.refused)} refused"
    ]
    lines += [f"row {refusal['row']}: {refusal['reason']}" for refusal in report.refused[:_SHOWN]]
    answer(asdict(report), "\n".join(lines), as_json=json)


@surveys.command
def results(key: SurveyKey, *, json: Json = False) -> None:
    """Tell what a closed survey found; groups below the minimum are not told."""
    installation = opened()
    settings = installation.settings
    with reading(installation.engine) as connection:
        found = register.results(connection, key, settings.segments.minimum_group, operator())
    fewer = f"fewer than {found['minimum_group']}"
    lines = [f"{said(found['title'], settings.default_language)}: {found['answers'] or fewer} answers"]
    for question in found["questions"]:
        lines.append(said(question["text"], settings.default_language))
        if question["kind"] == "text":
            texts = question["texts"]
            lines += [f"  {text}" for text in texts] if texts is not None else [f"  {fewer}"]
        else:
            lines += [
                f"  {name}: {'not told' if count is None else count}"
                for name, count in question["counts"].items()
            ]
    answer(found, "\n".join(lines), as_json=json)
