"""Answers to a survey that come as a table, from paper or from another system.

Promise: the heads are the keys of the questions, and `contact` where the survey keeps answers with the contact; a bad
row is refused with its number and reason, the others go on; the same table again changes nothing (of equal rows as many
count as stand in one table). Where answers are kept apart, a column that says whose they are is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.errors import Fault, FaultyInput, InputError
from campaigns.principal import Principal
from campaigns.register import audit, surveys
from campaigns.register.intake_encoding import TableFile
from campaigns.register.intake_file import TableRow, TableRows
from campaigns.register.surveys import Survey
from campaigns.store import schema
from campaigns.store.engine import writing

WHOSE = "contact"


@dataclass
class AnswerReport:
    """Counts of rows; `rows` is the sum of the other three."""

    rows: int = 0
    taken: int = 0
    unchanged: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)


def import_answers(engine: sa.Engine, key: str, table: TableFile, principal: Principal) -> AnswerReport:
    """Take a table of answers, in one transaction; also of a survey that is closed, since paper comes late.

    Raises:
        NotFound: there is no such survey.
        InputError: the file or its columns cannot be used; nothing was written.
    """
    demand(principal, Operation.SURVEY_KEEP)
    report, seen, people = AnswerReport(), Counter[str](), set[int]()
    with writing(engine) as connection:
        survey = surveys.get(connection, key)
        lines = iter(TableRows(table))
        head = next(lines, None)
        heads = [cell.strip().casefold() for cell in head.cells] if head else []
        _check(survey, heads)
        for line in lines:
            report.rows += 1
            try:
                new = _taken(connection, survey, _values(heads, line), (seen, people))
            except InputError as error:
                report.refused.append({"row": line.number, "reason": str(error)})
            else:
                report.taken += new
                report.unchanged += not new
        subjects = [f"survey:{survey.id}", *(f"contact:{contact}" for contact in sorted(people))]
        audit.write(connection, audit.Entry(principal, "register:survey:import", subjects, table.digest))
    return report


def _check(survey: Survey, heads: list[str]) -> None:
    known = {question["key"] for question in survey.form["questions"]}
    wanted = known | ({WHOSE} if survey.identified else set())
    faults = [Fault(f"column {name!r}", _why(name, survey)) for name in heads if name not in wanted]
    faults += [
        Fault(f"column {name!r}", "stands there twice") for name in set(heads) if heads.count(name) > 1
    ]
    if survey.identified and WHOSE not in heads:
        faults.append(Fault(f"column {WHOSE!r}", "is missing: the contacts' numbers"))
    if faults or not known & set(heads):
        raise FaultyInput(faults or [Fault("columns", f"are the questions: {', '.join(sorted(known))}")])


def _why(name: str, survey: Survey) -> str:
    if name == WHOSE:
        return "must not be there: this survey keeps answers apart from who gave them"
    return f"is no question of survey {survey.key}"


def _values(heads: list[str], line: TableRow) -> dict[str, str]:
    if line.problem:
        raise InputError(line.problem)
    return dict(zip(heads, line.cells, strict=False))


def _taken(
    connection: sa.Connection,
    survey: Survey,
    values: Mapping[str, str],
    so_far: tuple[Counter[str], set[int]],
) -> bool:
    seen, people = so_far
    answers = surveys.sound(survey, values)
    if survey.identified:
        contact = _contact(connection, values.get(WHOSE, "").strip())
        people.add(contact)
        return surveys.take(connection, survey, contact, answers)
    text = json.dumps([survey.id, answers], sort_keys=True)
    seen[text] += 1
    number = hashlib.sha256(f"{seen[text]} {text}".encode()).hexdigest()[:32]
    return surveys.put(connection, survey, number, answers)


def _contact(connection: sa.Connection, text: str) -> int:
    table = schema.contact.c
    if text.isascii() and text.isdecimal() and len(text) < len("1" * 18):
        found = connection.execute(
            sa.select(table.id).where(table.id == int(text), table.erased_at.is_(None))
        ).scalar_one_or_none()
        if found is not None:
            return int(found)
    raise InputError("contact: names nobody in the register")
