"""Approval: a campaign to many people waits for somebody who did not submit it.

Promise: the approver is never the author, whatever their level; an approval is of one campaign, whose content cannot
change any more. How many are many is the installation's to say. Fails with `RefusedOperation`, and nothing has changed.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.errors import NotAllowed, NotFound, RefusedOperation
from campaigns.planning import segments
from campaigns.planning.status import CLOSED
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.store import schema
from campaigns.store.engine import writing
from campaigns.store.upsert import insert_into


def approve(engine: sa.Engine, campaign_id: int, principal: Principal) -> bool:
    """Approve a campaign; one that waits for it goes on. False where this principal had approved it.

    Raises:
        NotAllowed: not by this principal, or it is the author.
        NotFound, RefusedOperation: there is no such campaign, or it is over.
        Unreachable: the database is away or the outcome is unknown; say it again.
    """
    demand(principal, Operation.CAMPAIGN_APPROVE)
    table, campaign = schema.campaign_approval, schema.campaign.c
    with writing(engine) as connection:
        row = connection.execute(
            sa.select(campaign.created_by, campaign.status).where(campaign.id == campaign_id)
        ).one_or_none()
        if row is None:
            raise NotFound(
                f"there is no campaign {campaign_id}; `utskick campaigns list` shows those that are"
            )
        if row.created_by == principal.name:
            raise NotAllowed(
                f"{principal.name} submitted campaign {campaign_id}; somebody else has to approve it"
            )
        if row.status in CLOSED:
            raise RefusedOperation(f"campaign {campaign_id} is {row.status}; there is nothing to approve")
        values = {"campaign_id": campaign_id, "approved_by": principal.name, "at": utc_now()}
        kept = insert_into(table, connection).values(**values).on_conflict_do_nothing().returning(table.c.at)
        fresh = connection.execute(kept).first() is not None
        held = (schema.campaign.c.id == campaign_id, campaign.hold_reason == "approval")
        free = (
            sa.update(schema.campaign)
            .where(*held)
            .values(status="scheduled", hold_reason=None, start_by=None)
        )
        connection.execute(free)
        if fresh:
            subjects = [f"campaign:{campaign_id}"]
            audit.write(connection, audit.Entry(principal, "register:campaign:approve", subjects, ""))
    return fresh


def hold_large(engine: sa.Engine, campaign_id: int, above: int | None, principal: Principal) -> bool:
    """Hold a campaign that has not started, goes to more people than `above`, and was approved by nobody; whether it
    was held. Counted are the people on its lists (and in its segment), before any of them is withheld.

    Raises:
        NotAllowed: this principal may hold nothing.
        Unreachable: the database is away; ask again.
    """
    demand(principal, Operation.CAMPAIGN_STOP)
    if above is None:
        return False
    table = schema.campaign
    waiting = (table.c.id == campaign_id, table.c.status == "scheduled", table.c.expanded_at.is_(None))
    with writing(engine) as connection:
        row = connection.execute(sa.select(table).where(*waiting).with_for_update()).one_or_none()
        if row is None or is_approved(connection, campaign_id):
            return False
        people = _people(connection, row)
        if people <= above:
            return False
        connection.execute(sa.update(table).where(*waiting).values(status="paused", hold_reason="approval"))
        subjects, new = [f"campaign:{campaign_id}"], {"status": "paused", "people": people}
        audit.write(
            connection, audit.Entry(principal, "register:campaign:pause", subjects, "approval", None, new)
        )
    return True


def _people(connection: sa.Connection, campaign: Any) -> int:
    subscription, chosen, contact = schema.subscription.c, schema.campaign_list.c, schema.contact
    statement = (
        sa.select(sa.func.count(sa.distinct(subscription.contact_id)))
        .join_from(schema.subscription, schema.campaign_list, chosen.list_id == subscription.list_id)
        .where(chosen.campaign_id == campaign.id, subscription.status == "subscribed")
    )
    if campaign.segment:
        inside = segments.of_campaign(connection, campaign.segment)
        statement = statement.join(contact, contact.c.id == subscription.contact_id).where(inside)
    return int(connection.execute(statement).scalar_one())


def is_approved(connection: sa.Connection, campaign_id: int) -> bool:
    """Whether somebody has approved it."""
    table = schema.campaign_approval.c
    return connection.execute(sa.select(table.at).where(table.campaign_id == campaign_id)).first() is not None
