"""What time does to the ledger when nobody works on it: leases run out, deadlines pass, starts are missed.

Promise: each action is one short transaction per batch and conditional on what it saw, so that any number of
schedulers may do it at once; a batch with a living owner is left to that owner. A lease that ran out makes rows up to
the watermark `uncertain` and returns those above it; the fence is raised, so that its owner begins nothing more.
Campaigns are looked for before they are changed: on PostgreSQL an update that meets no row raises the gate's epoch
too, and every sender would ask its predicate again with each look of a scheduler.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.delivery.ledger import BatchRef, settle_by_watermark
from campaigns.delivery.status import OPEN
from campaigns.planning.status import CLOSED, HELD
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from campaigns.store.here import here

#: At most this many batches are looked at in one go.
BATCHES_AT_A_TIME: Final = 1_000


def free_batch(connection: sa.Connection, ref: BatchRef) -> Any:
    """Lock an open batch and, where its lease ran out, take it from its owner; the batch as it was, None where it is
    closed. Its `is_held` tells whether the owner lives."""
    table = schema.batch
    held = sa.and_(table.c.lease_until.is_not(None), table.c.lease_until >= here()).label("is_held")
    this = (table.c.campaign_id == ref.campaign, table.c.batch_no == ref.batch_no)
    batch = connection.execute(
        sa.select(table, held).where(*this, table.c.closed_at.is_(None)).with_for_update()
    ).one_or_none()
    if batch is None or batch.lease_until is None or batch.is_held:
        return batch
    settle_by_watermark(connection, batch)
    connection.execute(
        sa.update(table)
        .where(*this)
        .values(fence=table.c.fence + 1, owner=None, lease_until=None, opened_to=None)
    )
    return batch


def settle_held_leases(engine: sa.Engine) -> int:
    """Settle leases that ran out in campaigns that are held, whose batches nobody claims; returns how many."""
    batch, campaign = schema.batch.c, schema.campaign.c
    statement = _batches(campaign.status.in_(HELD), batch.lease_until < here())
    return sum(_free(engine, ref) for ref in _refs(engine, statement))


def expire_waiting(engine: sa.Engine) -> list[int]:
    """Expire what still waits in campaigns whose deadline has passed; returns the campaigns that were touched."""
    now, campaign = utc_now(), schema.campaign.c
    statement = _batches(campaign.deadline_at <= now, campaign.status.not_in(CLOSED))
    touched = set()
    for ref in _refs(engine, statement):
        with writing(engine) as connection:
            if _expire_batch(connection, ref, now):
                touched.add(ref.campaign)
    _complete_held(engine, now)
    return sorted(touched)


def hold_missed(engine: sa.Engine) -> list[int]:
    """Hold campaigns that nobody started in time, so that a late start surprises nobody; returns which."""
    table = schema.campaign
    missed = (table.c.status == "scheduled", table.c.start_by < utc_now())
    if not _there_are(engine, *missed):
        return []
    with writing(engine) as connection:
        held = connection.execute(
            sa.update(table)
            .where(*missed)
            .values(status="paused", hold_reason="missed_start")
            .returning(table.c.id)
        )
        return sorted(held.scalars())


def _there_are(engine: sa.Engine, *conditions: sa.ColumnElement[bool]) -> bool:
    """Whether there are such campaigns."""
    with reading(engine) as connection:
        found = connection.execute(sa.select(schema.campaign.c.id).where(*conditions).limit(1))
        return found.first() is not None


def _batches(*conditions: sa.ColumnElement[bool]) -> sa.Select[tuple[int, int]]:
    batch, campaign = schema.batch.c, schema.campaign.c
    return (
        sa.select(batch.campaign_id, batch.batch_no)
        .join_from(schema.batch, schema.campaign, campaign.id == batch.campaign_id)
        .where(batch.closed_at.is_(None), *conditions)
        .order_by(batch.campaign_id, batch.batch_no)
        .limit(BATCHES_AT_A_TIME)
    )


def _refs(engine: sa.Engine, statement: sa.Select[tuple[int, int]]) -> list[BatchRef]:
    with reading(engine) as connection:
        return [BatchRef(row.campaign_id, row.batch_no) for row in connection.execute(statement)]


def _free(engine: sa.Engine, ref: BatchRef) -> bool:
    with writing(engine) as connection:
        batch = free_batch(connection, ref)
    return batch is not None and batch.lease_until is not None and not batch.is_held


def _expire_batch(connection: sa.Connection, ref: BatchRef, now: datetime) -> bool:
    """Expire the waiting rows of a batch that nobody holds, and close it; False where its owner lives."""
    batch = free_batch(connection, ref)
    if batch is None or batch.is_held:
        return False
    delivery, table = schema.delivery, schema.batch
    connection.execute(
        sa.update(delivery)
        .where(
            delivery.c.campaign_id == ref.campaign,
            delivery.c.number.between(batch.first_number, batch.last_number),
            delivery.c.status.in_(("pending", "deferred")),
        )
        .values(status="expired", settled_at=now, due_at=None)
    )
    connection.execute(
        sa.update(table)
        .where(table.c.campaign_id == ref.campaign, table.c.batch_no == ref.batch_no)
        .values(due_at=None, closed_at=now)
    )
    return True


def _complete_held(engine: sa.Engine, now: datetime) -> None:
    """Complete held campaigns whose deadline has passed and of which nothing waits."""
    table, batch, row = schema.campaign, schema.batch.c, schema.delivery.c
    open_batches = sa.exists().where(batch.campaign_id == table.c.id, batch.closed_at.is_(None))
    open_rows = sa.exists().where(row.campaign_id == table.c.id, row.status.in_(OPEN))
    done = (
        table.c.status.in_(HELD),
        sa.func.coalesce(table.c.hold_reason, "asked") != "cancelling",
        table.c.expanded_at.is_not(None),
        table.c.deadline_at <= now,
        ~open_batches,
        ~open_rows,
    )
    if not _there_are(engine, *done):
        return
    with writing(engine) as connection:
        connection.execute(
            sa.update(table).where(*done).values(status="completed", hold_reason=None, closed_at=now)
        )
