"""Pauses: a person wants to hear nothing for a while, in any channel.

Promise: a pause is a "no" like any other until its end, and binds like one: call it inside `permit.answering_a_no`.
It ends by itself; nobody has to lift it. Asking for the same pause again changes nothing.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.principal import Principal
from campaigns.register import objections, own_words
from campaigns.store import schema


@dataclass(frozen=True)
class Evidence:
    """Where a wish came in, and what proves it."""

    origin: str
    proof: str


def months_later(day: date, months: int) -> date:
    """The same day so many months later, or the last day of that month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def paused_until(connection: sa.Connection, keys: Sequence[objections.SubjectKey]) -> datetime | None:
    """When the pause of a person with these keys is over; None where there is none."""
    return max((until for _, until in _standing(connection, keys) if until > utc_now()), default=None)


def pause(
    connection: sa.Connection,
    keys: Sequence[objections.SubjectKey],
    until: datetime,
    evidence: Evidence,
    principal: Principal,
) -> None:
    """Pause a person until then; another pause of theirs gives way to it."""
    demand(principal, Operation.SUPPRESSION_ADD)
    own = own_words.takeable(connection, keys)
    for standing, its_end in _standing(connection, keys):
        if its_end < until or (its_end > until and standing in own):
            objections.lift(connection, standing, f"another pause: {evidence.proof}", principal)
    for key in keys:
        no = objections.No("on_pause", key, objections.Scope(), evidence.origin, evidence.proof, until)
        objections.suppress(connection, no, principal)


def end_pause(
    connection: sa.Connection, keys: Sequence[objections.SubjectKey], evidence: Evidence, principal: Principal
) -> None:
    """End a pause before its time, on the person's own word."""
    demand(principal, Operation.SUPPRESSION_LIFT)
    own = own_words.takeable(connection, keys)
    for standing, its_end in _standing(connection, keys):
        if standing in own and its_end > utc_now():
            objections.lift(connection, standing, evidence.proof, principal)


def _standing(connection: sa.Connection, keys: Sequence[objections.SubjectKey]) -> list[tuple[int, datetime]]:
    table = schema.suppression.c
    rows = connection.execute(
        sa.select(table.id, table.until)
        .where(
            table.kind == "on_pause",
            table.until.is_not(None),
            table.lifted_at.is_(None),
            table.subject_key.in_([key.key for key in keys]),
        )
        .order_by(table.id)
    )
    return [(row.id, row.until) for row in rows]


def end_of(last_day: date, zone: str) -> datetime:
    """The end of a pause that lasts up to and including a local day."""
    return datetime.combine(last_day + timedelta(days=1), time(), ZoneInfo(zone)).astimezone(UTC)


def last_day_of(end: datetime, zone: str) -> date:
    """The last local day of a pause."""
    return (end.astimezone(ZoneInfo(zone)) - timedelta(seconds=1)).date()
