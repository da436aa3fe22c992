"""What was heard, for people to look at: events by kind and consequence, and hours with too many hints."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from campaigns.clock import iso, utc_now
from campaigns.feedback.consequences import hints
from campaigns.store import schema
from campaigns.store.engine import reading


def events(engine: sa.Engine, *, kind: str = "", limit: int = 50) -> list[dict[str, Any]]:
    """The last events, newest first; of one kind where it is named.

    Raises:
        Unreachable: the database is away.
    """
    table = schema.feedback_event.c
    columns = (table.id, table.received_at, table.source, table.kind, table.campaign_id, table.number)
    statement = sa.select(*columns, table.status_code, table.verified, table.consequence)
    if kind:
        statement = statement.where(table.kind == kind)
    with reading(engine) as connection:
        rows = connection.execute(statement.order_by(table.id.desc()).limit(limit)).mappings().all()
    return [{**row, "received_at": iso(row["received_at"])} for row in rows]


def alarms(engine: sa.Engine) -> list[dict[str, Any]]:
    """The hours of the last day with a flood of unproved reports: from when, and how many.

    Raises:
        Unreachable: the database is away.
    """
    with reading(engine) as connection:
        found = hints.floods(connection, utc_now())
    return [{"from": iso(begin), "hints": number, "limit": hints.FLOOD} for begin, number in found]
