"""Telling others on (GDPR Art. 19): whoever got a person's data hears of its correction, erasure or restriction.

Promise: when data is corrected, erased or restricted, there is one row for each recipient that really got it (those
that carried messages, print houses, everybody an export went to), in the same transaction; it stays open until somebody
says how the recipient was told. What the controller's own systems hold is not told. The rows hold numbers and names of
fields, never a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.errors import InputError, NotFound
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.register.processors import SELF
from campaigns.rights.reach import Person, conditions
from campaigns.store import data_map, schema

What = Literal["correction", "erasure", "restriction", "restriction_lifted"]
_THE_PERSON: Final = "the person"


@dataclass(frozen=True)
class News:
    """What is to be told: of which kind, which fields it is about, by which request."""

    what: What
    fields: Sequence[str] = ()
    request: int | None = None


def note(connection: sa.Connection, whose: Person, news: News, principal: Principal) -> int:
    """Note whom to tell, within the caller's transaction; how many recipients."""
    recipients = recipients_of(connection, whose)
    rows = [
        {
            "contact_id": whose.contact,
            "request_id": news.request,
            "what": news.what,
            "fields": sorted(news.fields),
            "recipient": recipient,
            "recorded_at": utc_now(),
            "recorded_by": principal.name,
        }
        for recipient in recipients
    ]
    if rows:
        connection.execute(sa.insert(schema.rights_telling), rows)
    return len(rows)


def recipients_of(connection: sa.Connection, whose: Person) -> list[str]:
    """Who really got the person's data, apart from the person and our own systems: `processor:KEY`, else in words."""
    attempt, given, subject = schema.attempt, schema.disclosure.c, schema.disclosure_subject.c
    record = data_map.record_of(attempt)
    found: set[str] = set()
    for condition in conditions(attempt, record, whose) if record else ():
        carried = connection.execute(sa.select(attempt.c.processor).where(condition).distinct()).scalars()
        found |= {f"processor:{key}" for key in carried if key != SELF}
    exported = connection.execute(
        sa.select(given.recipient)
        .join_from(schema.disclosure, schema.disclosure_subject, subject.disclosure_id == given.id)
        .where(subject.contact_id.in_(whose.contacts), given.recipient != _THE_PERSON)
        .distinct()
    ).scalars()
    return sorted(found.union(exported))


def tellings(connection: sa.Connection, *, told: bool = False, limit: int = 100) -> list[dict[str, Any]]:
    """What is to be told to whom, the oldest first (or what was told)."""
    table = schema.rights_telling.c
    wanted = table.told_at.is_not(None) if told else table.told_at.is_(None)
    statement = sa.select(schema.rights_telling).where(wanted).order_by(table.id).limit(limit)
    return [dict(row) for row in connection.execute(statement).mappings()]


def told(connection: sa.Connection, number: int, how: str, principal: Principal) -> None:
    """Record that a recipient was told, within the caller's transaction.

    Raises:
        InputError: it does not say how.
        NotFound: there is no such telling to be done.
    """
    demand(principal, Operation.REQUEST_DECIDE)
    if not how.strip():
        raise InputError("say how the recipient was told, e.g. mail of 2026-11-12")
    table = schema.rights_telling
    row = connection.execute(
        sa.update(table)
        .where(table.c.id == number, table.c.told_at.is_(None))
        .values(told_at=utc_now(), told_by=principal.name, told_how=how.strip())
        .returning(table.c.contact_id)
    ).one_or_none()
    if row is None:
        raise NotFound(f"nothing is to be told under {number}; `utskick rights tellings` shows what is")
    subjects = [f"telling:{number}", f"contact:{row.contact_id}"]
    audit.write(connection, audit.Entry(principal, "rights:telling:told", subjects, ""))
