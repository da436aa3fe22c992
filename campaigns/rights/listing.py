"""Requests for people to look at: one with its history, those that are open or due, and how many there were in a year.

Promise: no address and no name in any of it. Numbers of a year count the day on which a request was received.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

import sqlalchemy as sa

from campaigns.clock import iso
from campaigns.errors import NotFound
from campaigns.rights.deadlines import HOME, local_day
from campaigns.store import schema

_SHOWN: Final = ("id", "kind", "status", "contact_id", "came_by", "received_at", "due_on", "extended_at")


def show(connection: sa.Connection, request: int) -> dict[str, Any]:
    """Everything on one request: who did what when, and whom others must be told of.

    Raises:
        NotFound: there is no such request.
    """
    table, telling = schema.rights_request, schema.rights_telling
    row = connection.execute(sa.select(table).where(table.c.id == request)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no request {request}")
    tellings = connection.execute(
        sa.select(telling.c.id, telling.c.what, telling.c.recipient, telling.c.told_at, telling.c.told_how)
        .where(telling.c.request_id == request)
        .order_by(telling.c.id)
    ).mappings()
    shown = {name: value for name, value in row.items() if name != "subject_key" and value is not None}
    if row["contact_id"] is not None:
        year_ago = local_day(row["received_at"]) - timedelta(days=365)
        shown["of_this_person_within_a_year"] = of_contact(connection, row["contact_id"], year_ago)
    return {**plain(shown), "tellings": [plain(it) for it in tellings]}


def requests(
    connection: sa.Connection, *, closed: bool = False, due_by: date | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """The open requests, the most pressing first (or those that are due by a day, or the closed ones)."""
    table = schema.rights_request.c
    wanted: list[sa.ColumnElement[bool]] = [
        table.closed_at.is_not(None) if closed else table.closed_at.is_(None)
    ]
    if due_by is not None:
        wanted.append(table.due_on <= due_by)
    statement = sa.select(*(table[name] for name in _SHOWN)).where(*wanted).order_by(table.due_on, table.id)
    return [plain(row) for row in connection.execute(statement.limit(limit)).mappings()]


def pressing(connection: sa.Connection, today: date, soon_days: int = 7) -> dict[str, int]:
    """How many requests are open, due soon, and overdue."""
    table = schema.rights_request.c
    days = connection.execute(sa.select(table.due_on).where(table.closed_at.is_(None))).scalars().all()
    soon = today + timedelta(days=soon_days)
    return {
        "open": len(days),
        "due_soon": sum(today <= day <= soon for day in days),
        "overdue": sum(day < today for day in days),
    }


def figures(connection: sa.Connection, year: int, time_zone: str = HOME) -> dict[str, Any]:
    """The requests of a year: how many of each kind, what became of them, how long it took, how many were late."""
    table = schema.rights_request.c
    columns = (table.kind, table.status, table.received_at, table.due_on, table.extended_at, table.closed_at)
    rows = [
        row
        for row in connection.execute(sa.select(*columns)).mappings()
        if local_day(row["received_at"], time_zone).year == year
    ]
    took = [(row["closed_at"] - row["received_at"]).days for row in rows if row["closed_at"] is not None]
    late = [
        row for row in rows if row["closed_at"] and local_day(row["closed_at"], time_zone) > row["due_on"]
    ]
    return {
        "year": year,
        "received": len(rows),
        "by_kind": dict(sorted(Counter(row["kind"] for row in rows).items())),
        "by_status": dict(sorted(Counter(row["status"] for row in rows).items())),
        "extended": sum(row["extended_at"] is not None for row in rows),
        "answered_late": len(late),
        "longest_days": max(took, default=None),
        "mean_days": round(sum(took) / len(took), 1) if took else None,
    }


def of_contact(connection: sa.Connection, contact_id: int, since: date) -> int:
    """How many requests of one person came since a day: for judging whether they are excessive, never a limit."""
    table = schema.rights_request.c
    days = connection.execute(sa.select(table.received_at).where(table.contact_id == contact_id)).scalars()
    return sum(local_day(day) >= since for day in days)


def plain(row: Mapping[str, Any] | sa.RowMapping) -> dict[str, Any]:
    """A row with its moments and days as text."""
    return {str(name): _text(value) for name, value in row.items()}


def _text(value: Any) -> Any:
    if hasattr(value, "astimezone"):
        return iso(value)
    return value.isoformat() if isinstance(value, date) else value
