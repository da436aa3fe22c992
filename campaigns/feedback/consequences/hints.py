"""News without proof is counted. Enough of it about one person is a case for a person, and never more."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from campaigns.feedback import cases
from campaigns.feedback.event import FeedbackEvent
from campaigns.principal import Principal
from campaigns.store import schema

#: So many hints about one address within so long make a case.
LIMIT: Final = 5
WINDOW: Final = timedelta(days=30)
#: So many hints within an hour are a flood: somebody forges them, or something of ours is broken.
FLOOD: Final = 100
_HOUR: Final = timedelta(hours=1)
_COUNTED: Final = frozenset({"hard", "complaint", "stop"})


def count(connection: sa.Connection, event: FeedbackEvent, principal: Principal, now: datetime) -> str:
    """Count a hint; open a case where an address that is in the register reaches the limit."""
    if event.about is None or event.kind not in _COUNTED:
        return "hint"
    table = schema.feedback_event.c
    since = now - WINDOW
    counted = sa.select(table.id).where(table.about_key == event.about, table.received_at > since)
    found = connection.execute(sa.select(sa.func.count()).select_from(counted.limit(LIMIT).subquery()))
    if found.scalar_one() < LIMIT:
        return "hint"
    contact = schema.contact.c
    person = connection.execute(
        sa.select(contact.id).where(contact.email_key == event.about).order_by(contact.id).limit(1)
    ).scalar_one_or_none()
    if person is not None:
        evidence = f"{LIMIT} unproved reports within {WINDOW.days} days"
        matter = cases.Matter("hints", f"contact:{person}", evidence, contact_id=person)
        cases.open_case(connection, matter, principal)
    return "hint"


def floods(connection: sa.Connection, now: datetime, hours: int = 24) -> list[tuple[datetime, int]]:
    """The hours of late with more hints than FLOOD: when each began, and how many."""
    table = schema.feedback_event.c
    found = []
    for back in range(hours):
        end = now - back * _HOUR
        number = connection.execute(
            sa.select(sa.func.count())
            .select_from(schema.feedback_event)
            .where(table.consequence == "hint", table.received_at > end - _HOUR, table.received_at <= end)
        ).scalar_one()
        if number >= FLOOD:
            found.append((end - _HOUR, number))
    return found
