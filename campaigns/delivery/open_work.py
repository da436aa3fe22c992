"""What the database says is due and nobody works on: the source from which lost queue messages are put back."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.delivery.ledger import BatchRef
from campaigns.store import schema
from campaigns.store.engine import reading

#: At most this many batches are put back at a time.
BATCHES_AT_A_TIME: Final = 1_000


def due_campaigns(engine: sa.Engine) -> list[int]:
    """Campaigns whose start has come and that are not expanded."""
    table = schema.campaign.c
    due = sa.or_(table.send_at.is_(None), table.send_at <= utc_now())
    statement = (
        sa.select(table.id).where(table.status.in_(("scheduled", "expanding")), due).order_by(table.id)
    )
    with reading(engine) as connection:
        return list(connection.execute(statement).scalars())


def due_batches(engine: sa.Engine) -> list[BatchRef]:
    """Open batches of campaigns being sent that are due and that no living lease covers."""
    table, campaign, now = schema.batch.c, schema.campaign.c, utc_now()
    statement = (
        sa.select(table.campaign_id, table.batch_no)
        .join_from(schema.batch, schema.campaign, campaign.id == table.campaign_id)
        .where(
            table.closed_at.is_(None),
            campaign.status == "sending",
            sa.or_(table.lease_until.is_(None), table.lease_until < now),
            sa.or_(table.due_at.is_(None), table.due_at <= now),
        )
        .order_by(table.campaign_id, table.batch_no)
        .limit(BATCHES_AT_A_TIME)
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
