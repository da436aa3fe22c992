"""What a person decides, or later news shows, about deliveries whose outcome nobody could tell.

Promise: only `uncertain` deliveries are touched, each decision is audited with the deliveries that it concerns. To have
one sent again is to risk a second copy, knowingly: it becomes `pending`, the claim makes a new attempt of it, and the
gate is asked as for any other. A completed campaign is opened again for that, a cancelled one is not.
Fails: `RefusedOperation`, and nothing has changed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import iso, utc_now
from campaigns.errors import NotFound, RefusedOperation
from campaigns.planning.status import may_follow
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.register.permit import raise_epoch
from campaigns.store import schema
from campaigns.store.engine import reading, writing

Word = Literal["accepted", "rejected", "expired"]


def uncertain(engine: sa.Engine, campaign_id: int) -> list[dict[str, Any]]:
    """The uncertain deliveries of a campaign: number, contact, attempt, since when."""
    row = schema.delivery.c
    statement = (
        sa.select(row.number, row.contact_id, row.attempt, row.settled_at)
        .where(row.campaign_id == campaign_id, row.status == "uncertain")
        .order_by(row.number)
    )
    with reading(engine) as connection:
        _campaign(connection, campaign_id)
        rows = connection.execute(statement).mappings().all()
    return [{**row, "settled_at": iso(row["settled_at"])} for row in rows]


def settle_as(
    engine: sa.Engine, campaign_id: int, word: Word, principal: Principal, numbers: Collection[int] = ()
) -> int:
    """Settle the uncertain deliveries of a campaign (or those with these numbers) by a person's word; how many.

    Raises:
        NotFound: there is no such campaign.
        Unreachable: the database is away or the outcome is unknown; say it again.
    """
    demand(principal, Operation.DELIVERY_SETTLE)
    table, now = schema.delivery, utc_now()
    values: dict[str, Any] = {"status": word, "settled_at": now}
    if word != "expired":
        values["handed_over_at"] = sa.func.coalesce(table.c.handed_over_at, table.c.settled_at)
    with writing(engine) as connection:
        _campaign(connection, campaign_id)
        settled = connection.execute(
            sa.update(table)
            .where(*_uncertain(campaign_id, numbers))
            .values(**values)
            .returning(table.c.number)
        )
        found = sorted(settled.scalars())
        _write_audit(connection, campaign_id, word, found, principal)
    return len(found)


def settle_by_evidence(
    connection: sa.Connection, campaign_id: int, numbers: Collection[int], evidence: str, principal: Principal
) -> list[int]:
    """Settle uncertain deliveries as accepted within the caller's transaction, since something was heard of them
    that only a handed-over message can cause; which."""
    demand(principal, Operation.DELIVERY_SETTLE)
    table, now = schema.delivery, utc_now()
    settled = connection.execute(
        sa.update(table)
        .where(*_uncertain(campaign_id, numbers))
        .values(
            status="accepted",
            settled_at=now,
            handed_over_at=sa.func.coalesce(table.c.handed_over_at, table.c.settled_at),
        )
        .returning(table.c.number)
    )
    found = sorted(settled.scalars())
    _write_audit(connection, campaign_id, "accepted", found, principal, evidence)
    return found


def resend(engine: sa.Engine, campaign_id: int, principal: Principal, numbers: Collection[int] = ()) -> int:
    """Have the uncertain e-mails of a campaign (or those with these numbers) sent again; how many.

    Printed ones are settled by their files.

    Raises:
        NotFound, RefusedOperation: there is no such campaign, it was cancelled, or its deadline has passed.
        Unreachable: the database is away or the outcome is unknown; say it again.
    """
    demand(principal, Operation.DELIVERY_RESEND)
    table, now = schema.delivery, utc_now()
    with writing(engine) as connection:
        campaign = _campaign(connection, campaign_id, lock=True)
        if campaign.status == "cancelled" or campaign.hold_reason == "cancelling":
            raise RefusedOperation(f"campaign {campaign_id} was cancelled; nothing of it is sent any more")
        if campaign.deadline_at is not None and campaign.deadline_at <= now:
            raise RefusedOperation(f"the deadline of campaign {campaign_id} has passed")
        waiting = connection.execute(
            sa.update(table)
            .where(*_uncertain(campaign_id, numbers), table.c.channel == "email")
            .values(status="pending", settled_at=None, handed_over_at=None, due_at=None)
            .returning(table.c.number)
        )
        found = sorted(waiting.scalars())
        if found:
            _reopen(connection, campaign, found)
        _write_audit(connection, campaign_id, "resend", found, principal)
        raise_epoch(connection)
    return len(found)


def _uncertain(campaign_id: int, numbers: Collection[int]) -> list[sa.ColumnElement[bool]]:
    row = schema.delivery.c
    some = [row.number.in_(list(numbers))] if numbers else []
    return [row.campaign_id == campaign_id, row.status == "uncertain", *some]


def _reopen(connection: sa.Connection, campaign: Any, numbers: Sequence[int]) -> None:
    """Open the batches of these deliveries and, where it was completed, the campaign."""
    table, batch = schema.campaign, schema.batch
    row = schema.delivery.c
    concerned = sa.exists().where(
        row.campaign_id == campaign.id,
        row.number.between(batch.c.first_number, batch.c.last_number),
        row.status == "pending",
    )
    connection.execute(
        sa.update(batch)
        .where(
            batch.c.campaign_id == campaign.id,
            batch.c.first_number <= numbers[-1],
            batch.c.last_number >= numbers[0],
            concerned,
        )
        .values(closed_at=None, due_at=utc_now())
    )
    if may_follow(campaign.status, "sending") and campaign.status == "completed":
        connection.execute(
            sa.update(table)
            .where(table.c.id == campaign.id, table.c.status == "completed")
            .values(status="sending", closed_at=None)
        )


def _write_audit(
    connection: sa.Connection,
    campaign_id: int,
    decision: str,
    numbers: Sequence[int],
    principal: Principal,
    evidence: str = "a person's word",
) -> None:
    if numbers:
        audit.write(
            connection,
            audit.Entry(
                principal,
                "register:delivery:settle",
                [f"delivery:{campaign_id}.{number}" for number in numbers],
                evidence,
                {"status": "uncertain"},
                {"decision": decision},
            ),
        )


def _campaign(connection: sa.Connection, campaign_id: int, *, lock: bool = False) -> Any:
    table = schema.campaign
    statement = sa.select(table).where(table.c.id == campaign_id)
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    if row is None:
        raise NotFound(f"there is no campaign {campaign_id}; `utskick campaigns list` shows those that are")
    return row
