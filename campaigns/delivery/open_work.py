"""What the database says is due and nobody works on: the source from which the queues are filled.

Promise: the queue may lose everything, and nothing is lost; what is due is found here again. Batches come in a fair
order: the campaign of which the fewest batches are in hand or in front comes first, so that a small campaign is not
stuck behind a large one.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.delivery.ledger import BatchRef
from campaigns.store import schema
from campaigns.store.engine import reading
from campaigns.store.here import here

#: At most this many due batches of each campaign are looked at.
DEPTH: Final = 100


def due_campaigns(engine: sa.Engine) -> list[int]:
    """Campaigns whose start has come, that are not too late for it, and that are not expanded."""
    table, now = schema.campaign.c, utc_now()
    in_time = sa.or_(table.start_by.is_(None), table.start_by >= now)
    statement = (
        sa.select(table.id)
        .where(
            sa.or_(table.send_at.is_(None), table.send_at <= now),
            sa.or_(table.status == "expanding", sa.and_(table.status == "scheduled", in_time)),
        )
        .order_by(table.id)
    )
    with reading(engine) as connection:
        return list(connection.execute(statement).scalars())


def due_batches(engine: sa.Engine, depth: int = DEPTH) -> list[BatchRef]:
    """Open batches of campaigns being sent that are due and that no living lease covers, in a fair order."""
    table, now = schema.batch.c, utc_now()
    place = sa.func.row_number().over(partition_by=table.campaign_id, order_by=table.batch_no)
    due = (
        sa.select(table.campaign_id, table.batch_no, place.label("place"))
        .join_from(schema.batch, schema.campaign, schema.campaign.c.id == table.campaign_id)
        .where(
            table.closed_at.is_(None),
            schema.campaign.c.status == "sending",
            sa.or_(table.lease_until.is_(None), table.lease_until < here()),
            sa.or_(table.due_at.is_(None), table.due_at <= now),
        )
        .subquery("due")
    )
    in_hand = (
        sa.select(table.campaign_id, sa.func.count().label("batches"))
        .where(table.closed_at.is_(None), table.lease_until >= here())
        .group_by(table.campaign_id)
        .subquery("in_hand")
    )
    statement = (
        sa.select(due.c.campaign_id, due.c.batch_no)
        .outerjoin(in_hand, in_hand.c.campaign_id == due.c.campaign_id)
        .where(due.c.place <= depth)
        .order_by(due.c.place + sa.func.coalesce(in_hand.c.batches, 0), due.c.campaign_id, due.c.place)
    )
    with reading(engine) as connection:
        return [BatchRef(row.campaign_id, row.batch_no) for row in connection.execute(statement)]


def drained_campaigns(engine: sa.Engine) -> list[int]:
    """Campaigns being sent without an open batch: nobody has completed them yet."""
    campaign, batch = schema.campaign.c, schema.batch.c
    open_batch = sa.exists().where(batch.campaign_id == campaign.id, batch.closed_at.is_(None))
    with reading(engine) as connection:
        return list(
            connection.execute(
                sa.select(campaign.id).where(campaign.status == "sending", ~open_batch)
            ).scalars()
        )
