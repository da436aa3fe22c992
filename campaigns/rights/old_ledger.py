"""The ledger of campaigns that are long over: its figures are kept, its rows go.

Promise: a campaign's figures are kept in the transaction in which its rows go, so that its accounts close before and
after (I1). Where all campaigns of a partition are due, the partition is dropped; else the rows of a campaign go
together, never some of them, but for those of contacts under a hold. A campaign that is not closed is never due.
Fails with `RefusedOperation` where the role may not drop a partition; nothing of it has gone then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa

from campaigns.delivery.accounts import keep_figures
from campaigns.rights import holds
from campaigns.rights.letting_go import Due
from campaigns.store import partitions, schema
from campaigns.store.engine import reading, writing


def let_go(engine: sa.Engine, due: Due, *, dry_run: bool) -> int:
    """How many deliveries went, or would go.

    Raises:
        RefusedOperation: see above.
        Unreachable: the database is away; what was done stays done.
    """
    with reading(engine) as connection:
        ready = _due_campaigns(connection, due)
        if dry_run:
            return sum(_rows(connection, campaign) for campaign in ready)
    together: defaultdict[int, list[int]] = defaultdict(list)
    for campaign in ready:
        together[partitions.start_of(campaign)].append(campaign)
    return sum(_let_go_of(engine, start, campaigns) for start, campaigns in together.items())


def _due_campaigns(connection: sa.Connection, due: Due) -> list[int]:
    """Campaigns of which rows that may go are left."""
    campaign, row = schema.campaign.c, schema.delivery.c
    left = sa.exists().where(row.campaign_id == campaign.id, row.contact_id.not_in(holds.contacts()))
    over = campaign.closed_at < due.before("deliveries")
    statement = sa.select(campaign.id).where(over, campaign.id.not_in(holds.campaigns()), left)
    return list(connection.execute(statement.order_by(campaign.id)).scalars())


def _let_go_of(engine: sa.Engine, start: int, campaigns: Sequence[int]) -> int:
    """Let go of campaigns of one partition."""
    with writing(engine) as connection:
        for campaign in campaigns:
            keep_figures(connection, campaign, _free())
        rows = sum(_rows(connection, campaign) for campaign in campaigns)
        if _is_whole(connection, start, campaigns) and partitions.drop(connection, start):
            item = schema.print_item
            connection.execute(sa.delete(item).where(item.c.campaign_id.in_(campaigns)))
        else:
            for campaign in campaigns:
                _delete(connection, campaign)
    return rows


def _is_whole(connection: sa.Connection, start: int, campaigns: Sequence[int]) -> bool:
    """Whether nothing but these campaigns has, or will have, rows in the partition."""
    row, end = schema.delivery.c, start + partitions.CAMPAIGNS
    others = sa.or_(row.campaign_id.not_in(campaigns), row.contact_id.in_(holds.contacts()))
    left = sa.select(sa.exists().where(row.campaign_id.between(start, end - 1), others))
    newest = sa.select(sa.func.coalesce(sa.func.max(schema.campaign.c.id), 0))
    return bool(connection.execute(newest).scalar_one() >= end and not connection.execute(left).scalar_one())


def _rows(connection: sa.Connection, campaign: int) -> int:
    row = schema.delivery.c
    return connection.execute(
        sa.select(sa.func.count()).where(row.campaign_id == campaign, _free())
    ).scalar_one()


def _free() -> sa.ColumnElement[bool]:
    """Rows that no hold keeps."""
    return schema.delivery.c.contact_id.not_in(holds.contacts())


def _delete(connection: sa.Connection, campaign: int) -> None:
    """Delete what hangs on the rows before the rows, which tell whose it is."""
    attempt, item, row = schema.attempt, schema.print_item, schema.delivery
    held = sa.select(row.c.number).where(
        row.c.campaign_id == campaign, row.c.contact_id.in_(holds.contacts())
    )
    of_it = sa.delete(attempt).where(attempt.c.campaign_id == campaign, attempt.c.number.not_in(held))
    connection.execute(of_it)
    connection.execute(sa.delete(item).where(item.c.campaign_id == campaign, item.c.number.not_in(held)))
    connection.execute(sa.delete(row).where(row.c.campaign_id == campaign, _free()))
