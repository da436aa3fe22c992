"""Recurring schedules as the register keeps them.

Promise: one row per accepted recurring submission; `advance` moves the next firing only from the one that the caller
saw, so that two schedulers move it once. What fires is said by `campaigns.planning.firing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import iso, utc_now
from campaigns.errors import NotFound
from campaigns.planning.moments import next_firing
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from campaigns.store.upsert import insert_into


def keep(connection: sa.Connection, values: Mapping[str, Any], next_at: datetime) -> int:
    """Keep an accepted recurring submission, within the caller's transaction; returns its id, also when it is there.

    `values` are submission_id, document, cron, time_zone, until and created_by.
    """
    table = schema.recurrence
    kept: int | None = connection.execute(
        insert_into(table, connection)
        .values(**values, status="active", next_at=next_at, created_at=utc_now())
        .on_conflict_do_nothing(index_elements=["submission_id"])
        .returning(table.c.id)
    ).scalar_one_or_none()
    if kept is None:
        there: int = connection.execute(
            sa.select(table.c.id).where(table.c.submission_id == values["submission_id"])
        ).scalar_one()
        return there
    return kept


def due(engine: sa.Engine) -> list[sa.RowMapping]:
    """The schedules whose next firing has come."""
    table = schema.recurrence
    statement = sa.select(table).where(table.c.status == "active", table.c.next_at <= utc_now())
    with reading(engine) as connection:
        return list(connection.execute(statement.order_by(table.c.next_at, table.c.id)).mappings())


def advance(engine: sa.Engine, seen: sa.RowMapping, fired_at: datetime) -> bool:
    """Move a schedule past a firing; False where somebody else has moved or stopped it."""
    table = schema.recurrence
    following = next_firing(seen["cron"], seen["time_zone"], fired_at, seen["until"])
    with writing(engine) as connection:
        moved = connection.execute(
            sa.update(table)
            .where(table.c.id == seen["id"], table.c.status == "active", table.c.next_at == seen["next_at"])
            .values(next_at=following, status="active" if following else "ended")
        ).rowcount
    return moved == 1


def stop(engine: sa.Engine, recurrence_id: int, principal: Principal) -> bool:
    """Stop a schedule for good; campaigns that it has started go on. False where it had ended.

    Raises:
        NotAllowed, NotFound: not by this principal; there is no such schedule.
        Unreachable: the database is away or the outcome is unknown; say it again.
    """
    demand(principal, Operation.SCHEDULE_STOP)
    table = schema.recurrence.c
    with writing(engine) as connection:
        if connection.execute(sa.select(table.id).where(table.id == recurrence_id)).first() is None:
            raise NotFound(
                f"there is no schedule {recurrence_id}; `utskick schedules list` shows those that are"
            )
        return stop_in(connection, recurrence_id, principal)


def stop_in(connection: sa.Connection, recurrence_id: int, principal: Principal) -> bool:
    """As `stop`, within the transaction of a caller who has seen that the principal may."""
    table = schema.recurrence
    stopped = connection.execute(
        sa.update(table)
        .where(table.c.id == recurrence_id, table.c.status == "active")
        .values(status="stopped", next_at=None)
    ).rowcount
    if stopped:
        subjects, old, new = [f"schedule:{recurrence_id}"], {"status": "active"}, {"status": "stopped"}
        entry = audit.Entry(principal, "register:schedule:stop", subjects, "a person's word", old, new)
        audit.write(connection, entry)
    return stopped == 1


def list_schedules(engine: sa.Engine) -> list[dict[str, Any]]:
    """All recurring schedules, the newest first."""
    table = schema.recurrence.c
    columns = (table.id, table.submission_id, table.cron, table.time_zone, table.status)
    statement = sa.select(*columns, table.next_at, table.until).order_by(table.id.desc())
    with reading(engine) as connection:
        rows = connection.execute(statement).mappings().all()
    moments = ("next_at", "until")
    return [{**row, **{name: iso(row[name]) if row[name] else None for name in moments}} for row in rows]
