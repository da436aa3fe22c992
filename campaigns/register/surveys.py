"""Surveys: market and opinion research whose answers are kept apart from who gave them, unless a survey says otherwise.

Promise: a person answers once; answering again changes nothing. That somebody answered is one row, what was answered
another, and nothing stored leads from the one to the other: the answer has no time, no contact and a drawn number. (An
identified survey's answer is the contact's, and goes where the contact's data goes.) Numbers are told when the survey
is closed, so that nobody can subtract one look from the next, and none that could stand for fewer than the smallest
group.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import iso, utc_now
from campaigns.errors import Fault, FaultyInput, NotFound, RefusedOperation
from campaigns.principal import Principal
from campaigns.register import audit, mailing_lists, persons
from campaigns.register.survey_form import Declared, options, read_answers, said
from campaigns.store import schema
from campaigns.store.upsert import insert_into

_ID_OCTETS: Final = 16


@dataclass(frozen=True)
class Survey:
    """One survey; `list_id` is the list through which it asks people (None: any)."""

    id: int
    key: str
    form: Mapping[str, Any]
    identified: bool
    list_id: int | None
    closes_at: datetime

    @property
    def is_open(self) -> bool:
        """Whether it still takes answers."""
        return utc_now() < self.closes_at


def add(connection: sa.Connection, declared: Declared, time_zone: str, principal: Principal) -> Survey:
    """Open a survey until the end of its last day; the same declaration again changes nothing but that day.

    Raises:
        NotFound: there is no such list.
        RefusedOperation: the key is taken by a survey that asks something else.
    """
    demand(principal, Operation.SURVEY_KEEP)
    list_id = mailing_lists.get(connection, declared.list_key).id if declared.list_key else None
    end = datetime.combine(declared.closes + timedelta(days=1), time(), ZoneInfo(time_zone))
    table = schema.survey
    there = _find(connection, table.c.key == declared.key)
    same = (declared.form, declared.identified, list_id)
    if there is not None and (there.form, there.identified, there.list_id) != same:
        raise RefusedOperation(f"survey {declared.key} asks something else; choose another key")
    if there is not None:
        connection.execute(sa.update(table).where(table.c.id == there.id).values(closes_at=end))
        number, what = there.id, "prolong"
    else:
        number = connection.execute(
            sa.insert(table)
            .values(
                key=declared.key,
                form=declared.form,
                identified=declared.identified,
                list_id=list_id,
                closes_at=end,
                created_at=utc_now(),
                created_by=principal.name,
            )
            .returning(table.c.id)
        ).scalar_one()
        what = "open"
    entry = audit.Entry(
        principal, f"register:survey:{what}", [f"survey:{number}"], f"until {declared.closes}"
    )
    audit.write(connection, entry)
    return get(connection, declared.key)


def close(connection: sa.Connection, key: str, principal: Principal) -> None:
    """Take no more answers from now on.

    Raises:
        NotFound: there is no such survey.
        RefusedOperation: it is closed.
    """
    demand(principal, Operation.SURVEY_KEEP)
    found = get(connection, key)
    if not found.is_open:
        raise RefusedOperation(f"survey {key} is closed")
    table = schema.survey
    connection.execute(sa.update(table).where(table.c.id == found.id).values(closes_at=utc_now()))
    audit.write(connection, audit.Entry(principal, "register:survey:close", [f"survey:{found.id}"], ""))


def get(connection: sa.Connection, key: str) -> Survey:
    """The survey with this key.

    Raises:
        NotFound: there is none.
    """
    found = _find(connection, schema.survey.c.key == key)
    if found is None:
        raise NotFound(f"there is no survey {key!r}; `utskick surveys list` shows them")
    return found


def all_surveys(connection: sa.Connection) -> list[dict[str, Any]]:
    """All surveys, the newest first, with how many answered."""
    table, taken = schema.survey, schema.survey_answer
    many = sa.select(sa.func.count()).where(taken.c.survey_id == table.c.id).scalar_subquery()
    rows = connection.execute(sa.select(table, many.label("answers")).order_by(table.c.id.desc()))
    return [
        {
            "key": row.key,
            "title": said(row.form["title"], ""),
            "identified": row.identified,
            "open": utc_now() < row.closes_at,
            "closes_at": iso(row.closes_at),
            "answers": row.answers,
        }
        for row in rows
    ]


def open_to(connection: sa.Connection, contact_id: int, list_id: int) -> list[Survey]:
    """What somebody who was reached through a list may answer and has not answered yet."""
    table, taken = schema.survey, schema.survey_taken
    asked = sa.and_(
        table.c.closes_at > utc_now(), sa.or_(table.c.list_id.is_(None), table.c.list_id == list_id)
    )
    found = [_read(row) for row in connection.execute(sa.select(table).where(asked).order_by(table.c.id))]
    if not found:
        return []
    person = [member.contact for member in persons.members(connection, contact_id)]
    done = set(
        connection.execute(sa.select(taken.c.survey_id).where(taken.c.contact_id.in_(person))).scalars()
    )
    return [survey for survey in found if survey.id not in done]


def answer(
    connection: sa.Connection, survey: Survey, contact_id: int, given: Mapping[str, str], principal: Principal
) -> bool:
    """Take a person's answers; False where they have answered before, which stands.

    Raises:
        RefusedOperation: the survey is closed.
        FaultyInput: answers are missing or cannot be used; the places are the questions.
    """
    demand(principal, Operation.SURVEY_ANSWER)
    if not survey.is_open:
        raise RefusedOperation(f"survey {survey.key} is closed")
    answers = sound(survey, given)
    if not take(connection, survey, contact_id, answers):
        return False
    subjects = [f"survey:{survey.id}", f"contact:{persons.root(connection, contact_id)}"]
    audit.write(connection, audit.Entry(principal, "contact:survey:answer", subjects, ""))
    return True


def take(connection: sa.Connection, survey: Survey, contact_id: int, answers: Mapping[str, str]) -> bool:
    """Keep what a person answered, as the survey keeps it; False where they have answered before."""
    person = [member.contact for member in persons.members(connection, contact_id)]
    taken = schema.survey_taken
    before = sa.select(taken.c.survey_id).where(
        taken.c.survey_id == survey.id, taken.c.contact_id.in_(person)
    )
    if connection.execute(before.limit(1)).first() is not None:
        return False
    values = {"survey_id": survey.id, "contact_id": person[0]}
    first = insert_into(taken, connection).values(values).on_conflict_do_nothing()
    if connection.execute(first.returning(taken.c.contact_id)).first() is None:
        return False
    contact = person[0] if survey.identified else None
    return put(connection, survey, secrets.token_hex(_ID_OCTETS), answers, contact)


def put(
    connection: sa.Connection,
    survey: Survey,
    number: str,
    answers: Mapping[str, str],
    contact: int | None = None,
) -> bool:
    """Keep an answer under a number; False where there is one under it."""
    table = schema.survey_answer
    values = {"id": number, "survey_id": survey.id, "contact_id": contact, "answers": dict(answers)}
    put_in = insert_into(table, connection).values(values).on_conflict_do_nothing()
    return connection.execute(put_in.returning(table.c.id)).first() is not None


def results(connection: sa.Connection, key: str, minimum: int, principal: Principal) -> dict[str, Any]:
    """What a survey found: numbers for each question, and the words that were written, in no order that tells anything.
    None stands for what could be fewer than `minimum` people, or be worked out from it.

    Raises:
        NotFound: there is no such survey.
        RefusedOperation: it still takes answers.
    """
    demand(principal, Operation.SURVEY_SEE)
    survey = get(connection, key)
    if survey.is_open:
        raise RefusedOperation(
            f"survey {key} takes answers until {iso(survey.closes_at)}; see its results then"
        )
    table = schema.survey_answer.c
    rows = connection.execute(sa.select(table.answers).where(table.survey_id == survey.id)).scalars().all()
    enough = len(rows) >= minimum
    told = [_told(question, rows, minimum) for question in survey.form["questions"]] if enough else []
    return {
        "key": key,
        "title": survey.form["title"],
        "answers": len(rows) if enough else None,
        "minimum_group": minimum,
        "questions": told,
    }


def _told(question: Mapping[str, Any], rows: Sequence[Mapping[str, str]], minimum: int) -> dict[str, Any]:
    given = [row[question["key"]] for row in rows if row.get(question["key"])]
    told: dict[str, Any] = {"key": question["key"], "text": question["text"], "kind": question["kind"]}
    if question["kind"] == "text":
        return {**told, "texts": sorted(given) if len(given) >= minimum else None}
    counted = Counter(given)
    counts = {option: counted[option] for option in (*options(question), "")}
    counts[""] = len(rows) - len(given)
    return {**told, "counts": without_small_groups(counts, minimum)}


def without_small_groups(counts: Mapping[str, int], minimum: int) -> dict[str, int | None]:
    """Counts without groups below the minimum; where only one is hidden, the next smallest is too, since the sum is
    known."""
    hidden = {name for name, count in counts.items() if 0 < count < minimum}
    others = sorted((name for name, count in counts.items() if count >= minimum), key=lambda it: counts[it])
    while hidden and others and (len(hidden) == 1 or sum(counts[it] for it in hidden) < minimum):
        hidden.add(others.pop(0))
    return {name or "none": None if name in hidden else count for name, count in counts.items()}


def sound(survey: Survey, given: Mapping[str, str]) -> dict[str, str]:
    """The answers as they are kept.

    Raises:
        FaultyInput: answers are missing or cannot be used; the places are the questions.
    """
    answers, wrong = read_answers(survey.form, given)
    faults = [Fault(key, "is missing, or cannot be used") for key in wrong]
    if faults or not answers:
        raise FaultyInput(faults or [Fault("answers", "nothing was answered")])
    return answers


def _find(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> Survey | None:
    row = connection.execute(sa.select(schema.survey).where(condition)).one_or_none()
    return None if row is None else _read(row)


def _read(row: sa.Row[Any]) -> Survey:
    return Survey(row.id, row.key, row.form, row.identified, row.list_id, row.closes_at)
