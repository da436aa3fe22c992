"""A person's word on a running campaign: pause, resume, start, cancel.

Promise: when `pause`, `halt` or `cancel` returns, the word binds like a "no": no message of the campaign begins on any
machine, repeated words too. Rows in hand go back to `pending`; `resume` goes on exactly where the ledger says. A
cancelled campaign keeps its accounts: what waited is `cancelled`, what was in the air settles first, and only then
the campaign itself is `cancelled`; until then it is held as `cancelling`. Every change of mind is audited.
Fails: `RefusedOperation` where the table of statuses has no such move, and nothing has changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.delivery.ledger import BatchRef
from campaigns.delivery.overdue import free_batch
from campaigns.delivery.status import OPEN
from campaigns.errors import NotFound, RefusedOperation
from campaigns.planning import approval
from campaigns.planning.status import HELD, HoldReason, Status, may_follow
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.register.permit import answering_a_no, raise_epoch
from campaigns.store import schema
from campaigns.store.engine import reading, writing


@dataclass(frozen=True)
class Change:
    """What a word did: the status before and after it."""

    campaign: int
    before: str
    status: str


def pause(engine: sa.Engine, campaign_id: int, principal: Principal) -> Change:
    """Hold a campaign until somebody resumes it.

    Raises:
        NotFound, RefusedOperation: there is no such campaign, or it is over.
        Unreachable: the database is away or the outcome is unknown; say it again.
    """
    demand(principal, Operation.CAMPAIGN_STOP)
    with answering_a_no(engine) as connection:
        row = _locked(connection, campaign_id)
        if row.status == "paused":
            return Change(campaign_id, row.status, row.status)
        return _hold(connection, row, "paused", "asked", principal)


def halt(engine: sa.Engine, campaign_id: int, reason: HoldReason, principal: Principal) -> Change:
    """Hold a campaign because a limit was passed; goes as `pause`."""
    demand(principal, Operation.CAMPAIGN_STOP)
    with answering_a_no(engine) as connection:
        row = _locked(connection, campaign_id)
        if row.status in HELD:
            return Change(campaign_id, row.status, row.status)
        return _hold(connection, row, "halted", reason, principal)


def hold_in(
    connection: sa.Connection, campaign_id: int, reason: HoldReason, principal: Principal
) -> Change | None:
    """Pause a campaign in the transaction of a caller who has seen that the principal may; None where it is held."""
    row = _locked(connection, campaign_id)
    return None if row.status in HELD else _hold(connection, row, "paused", reason, principal)


def resume(engine: sa.Engine, campaign_id: int, principal: Principal) -> Change:
    """Let a held campaign go on where it was; for one whose start was missed this is the word to start.

    Raises:
        NotFound, RefusedOperation: there is no such campaign, it is not held, it is being cancelled, or its
            deadline has passed.
        Unreachable: the database is away or the outcome is unknown; say it again.
    """
    demand(principal, Operation.CAMPAIGN_GO)
    with writing(engine) as connection:
        row = _locked(connection, campaign_id)
        if row.status not in HELD:
            raise RefusedOperation(f"campaign {campaign_id} is {row.status}; there is nothing to resume")
        if row.hold_reason == "cancelling":
            raise RefusedOperation(f"campaign {campaign_id} is being cancelled")
        _demand_approval(connection, row)
        _demand_time(row)
        status: Status = "scheduled" if row.expanded_at is None else "sending"
        change = _move(connection, row, status, "resume", principal, hold_reason=None, start_by=None)
        raise_epoch(connection)
    return change


def start(engine: sa.Engine, campaign_id: int, principal: Principal) -> Change:
    """Start a campaign now, before its time or after its start was missed.

    Raises:
        NotFound, RefusedOperation: there is no such campaign, it has started, or its deadline has passed.
        Unreachable: the database is away or the outcome is unknown; say it again.
    """
    demand(principal, Operation.CAMPAIGN_GO)
    with writing(engine) as connection:
        row = _locked(connection, campaign_id)
        if row.expanded_at is not None or row.status not in ("scheduled", "paused"):
            raise RefusedOperation(f"campaign {campaign_id} is {row.status}; it cannot be started")
        if row.hold_reason == "cancelling":
            raise RefusedOperation(f"campaign {campaign_id} is being cancelled")
        _demand_approval(connection, row)
        _demand_time(row)
        at_once = {"hold_reason": None, "start_by": None, "send_at": utc_now(), "local_start": None}
        change = _move(connection, row, "scheduled", "start", principal, **at_once)
        raise_epoch(connection)
    return change


def cancel(engine: sa.Engine, campaign_id: int, principal: Principal) -> Change:
    """Give a campaign up for good; `finish_cancellation` closes its accounts.

    Raises:
        NotFound, RefusedOperation: there is no such campaign, or it is completed.
        Unreachable: the database is away or the outcome is unknown; say it again.
    """
    demand(principal, Operation.CAMPAIGN_STOP)
    with answering_a_no(engine) as connection:
        row = _locked(connection, campaign_id)
        said = row.status == "cancelled" or row.hold_reason == "cancelling"
        if not said and not may_follow(row.status, "cancelled"):
            raise RefusedOperation(f"campaign {campaign_id} is {row.status}; there is nothing to cancel")
        if not said:
            _move(connection, row, "paused", "cancel", principal, hold_reason="cancelling")
    return Change(campaign_id, row.status, finish_cancellation(engine, campaign_id))


def finish_cancellation(engine: sa.Engine, campaign_id: int) -> str:
    """Cancel what waits in a campaign that is being cancelled, close it once nothing is in the air; its status then.

    May be called by anybody at any time, and again.
    """
    for ref in _open_batches(engine, campaign_id):
        with writing(engine) as connection:
            _cancel_batch(connection, ref)
    table, row, batch = schema.campaign, schema.delivery.c, schema.batch.c
    left = sa.exists().where(row.campaign_id == campaign_id, row.status.in_(OPEN))
    open_batches = sa.exists().where(batch.campaign_id == campaign_id, batch.closed_at.is_(None))
    with writing(engine) as connection:
        _cancel_rows(connection, campaign_id)
        connection.execute(
            sa.update(table)
            .where(table.c.id == campaign_id, table.c.hold_reason == "cancelling", ~left, ~open_batches)
            .values(status="cancelled", hold_reason=None, closed_at=utc_now())
        )
        status: str = _find(connection, campaign_id).status
    return status


def cancelling_campaigns(engine: sa.Engine) -> list[int]:
    """Campaigns whose cancellation somebody has to finish."""
    table = schema.campaign.c
    with reading(engine) as connection:
        return list(
            connection.execute(sa.select(table.id).where(table.hold_reason == "cancelling")).scalars()
        )


def _hold(
    connection: sa.Connection, row: Any, status: Status, reason: HoldReason, principal: Principal
) -> Change:
    if not may_follow(row.status, status):
        raise RefusedOperation(f"campaign {row.id} is {row.status}; it cannot be {status}")
    return _move(
        connection, row, status, "pause" if status == "paused" else "halt", principal, hold_reason=reason
    )


def _move(
    connection: sa.Connection, row: Any, status: Status, action: str, principal: Principal, **values: Any
) -> Change:
    """Change the status of a campaign whose row is locked, and say so in the audit log."""
    table = schema.campaign
    connection.execute(
        sa.update(table)
        .where(table.c.id == row.id, table.c.status == row.status)
        .values(status=status, **values)
    )
    audit.write(
        connection,
        audit.Entry(
            principal,
            f"register:campaign:{action}",
            [f"campaign:{row.id}"],
            values.get("hold_reason") or "asked",
            {"status": row.status},
            {"status": status},
        ),
    )
    return Change(row.id, row.status, status)


def _locked(connection: sa.Connection, campaign_id: int) -> Any:
    return _find(connection, campaign_id, lock=True)


def _find(connection: sa.Connection, campaign_id: int, *, lock: bool = False) -> Any:
    table = schema.campaign
    statement = sa.select(table).where(table.c.id == campaign_id)
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    if row is None:
        raise NotFound(f"there is no campaign {campaign_id}; `utskick campaigns list` shows those that are")
    return row


def _demand_approval(connection: sa.Connection, row: Any) -> None:
    """Whoever resumes a campaign does not thereby approve it."""
    if row.hold_reason == "approval" and not approval.is_approved(connection, row.id):
        raise RefusedOperation(f"campaign {row.id} waits for approval; see `utskick campaigns approve`")


def _demand_time(row: Any) -> None:
    if row.deadline_at is not None and row.deadline_at <= utc_now():
        raise RefusedOperation(f"the deadline of campaign {row.id} has passed; cancel it or submit it anew")


def _open_batches(engine: sa.Engine, campaign_id: int) -> list[BatchRef]:
    batch, campaign = schema.batch.c, schema.campaign.c
    statement = (
        sa.select(batch.batch_no)
        .join_from(schema.batch, schema.campaign, campaign.id == batch.campaign_id)
        .where(
            batch.campaign_id == campaign_id, batch.closed_at.is_(None), campaign.hold_reason == "cancelling"
        )
        .order_by(batch.batch_no)
    )
    with reading(engine) as connection:
        return [BatchRef(campaign_id, number) for number in connection.execute(statement).scalars()]


def _cancel_batch(connection: sa.Connection, ref: BatchRef) -> None:
    """Cancel what waits in one batch; close it unless a living owner still has rows in the air."""
    batch = free_batch(connection, ref)
    if batch is None:
        return
    _cancel_rows(connection, ref.campaign, batch.first_number, batch.last_number)
    table, row = schema.batch, schema.delivery.c
    left = sa.exists().where(
        row.campaign_id == ref.campaign,
        row.number.between(batch.first_number, batch.last_number),
        row.status.in_(OPEN),
    )
    connection.execute(
        sa.update(table)
        .where(
            table.c.campaign_id == ref.campaign,
            table.c.batch_no == ref.batch_no,
            table.c.owner.is_(None),
            ~left,
        )
        .values(closed_at=utc_now(), due_at=None)
    )


def _cancel_rows(
    connection: sa.Connection, campaign_id: int, first: int | None = None, last: int | None = None
) -> None:
    table, campaign = schema.delivery, schema.campaign.c
    cancelling = sa.exists().where(campaign.id == campaign_id, campaign.hold_reason == "cancelling")
    statement = (
        sa.update(table)
        .where(table.c.campaign_id == campaign_id, table.c.status.in_(("pending", "deferred")), cancelling)
        .values(status="cancelled", settled_at=utc_now(), due_at=None)
    )
    if first is not None and last is not None:
        statement = statement.where(table.c.number.between(first, last))
    connection.execute(statement)
