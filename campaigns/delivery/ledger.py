"""The ledger's writes: claim a batch, open rows, record results, give rows back, close.

How no interleaving breaks a promise: a batch is owned by whoever holds its fence; the claim raises the
fence in the same transaction that moves the rows to `sending`, so two workers never hold one row. Before
any octet of a row leaves, the row lies below the batch's watermark (`opened_to`), committed under the
fence; an owner whose update finds no row has lost the batch and hands over nothing more. A lease that ran
out turns rows up to the watermark `uncertain` (their owner may be waiting for its reply) and those above it
`pending`. Results name the attempt that they are about and settle it even late; nothing returns a row to
`pending` but proof that nothing was begun.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from campaigns.clock import utc_now
from campaigns.delivery.claimed_rows import ClaimedRow, claimed_rows, moved_addresses, refused_rows
from campaigns.delivery.moved_rows import let_go_of_addresses
from campaigns.delivery.results import Carrier, Result, record_in
from campaigns.delivery.status import OPEN, SETTLED_BY_EVIDENCE
from campaigns.register.permit import count_claim, epoch_of_a_claim
from campaigns.register.suppression import InHand
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from campaigns.store.here import here
from campaigns.store.locks import over_deadlocks

LEASE: Final = timedelta(seconds=60)
#: Results that prove that the message was not taken.
UNTAKEN: Final = ("deferred", "expired", "withheld")
#: Statuses of a campaign in which a row may wait again.
UNDER_WAY: Final = ("sending", "paused", "halted")


@dataclass(frozen=True, slots=True)
class BatchRef:
    """Which unit of work: a batch of a campaign."""

    campaign: int
    batch_no: int


@dataclass
class Hand:
    """A claimed batch: its fence, what the gate knows of it, and the rows to hand over, in order; how many rows the
    claim withheld, by reason, and whether it took the batch from an owner whose lease had run out."""

    batch: BatchRef
    channel: str
    fence: int
    in_hand: InHand
    rows: list[ClaimedRow]
    withheld: Mapping[str, int] = field(default_factory=dict)
    reclaimed: bool = False


@over_deadlocks
def claim(engine: sa.Engine, ref: BatchRef, owner: str) -> Hand | None:
    """Take a batch whose campaign is being sent; None when it is closed, not due, or somebody else's.

    Raises:
        Unreachable: the database is away; nothing was taken.
    """
    now = utc_now()
    with writing(engine) as connection:
        batch = _take(connection, ref, owner, now)
        if batch is None:
            return None
        # The epoch before the rows: a "no" in between then shows as a moved epoch.
        epoch = epoch_of_a_claim(engine, connection)
        if batch.owner is not None:
            settle_by_watermark(connection, batch)
        _expire(connection, ref, batch, now)
        refused = refused_rows(connection, ref.campaign, batch.first_number, batch.last_number)
        _withhold(connection, ref, refused, now)
        duplicates = _follow_addresses(connection, ref, batch.first_number, batch.last_number)
        _withhold(connection, ref, duplicates, now)
        rows = claimed_rows(connection, ref.campaign, _set_sending(connection, ref, batch, now))
        count_claim(connection, ref.batch_no)
    in_hand = InHand(ref.campaign, batch.first_number, batch.last_number, epoch)
    withheld = Counter(reason for _, reason in (*refused, *duplicates))
    return Hand(ref, batch.channel, batch.fence + 1, in_hand, rows, withheld, batch.owner is not None)


def record(engine: sa.Engine, campaign: int, results: Sequence[Result], carrier: Carrier) -> None:
    """Write results and their attempts; each settles its own attempt only, and may be written twice.

    Raises:
        Unreachable: the outcome is unknown; record the same results again.
    """
    if results:
        with writing(engine) as connection:
            _record(connection, campaign, results, carrier)


def open_rows(
    engine: sa.Engine, hand: Hand, to_number: int, carrier: Carrier, results: Sequence[Result] = ()
) -> bool:
    """Record results, move the watermark before anything up to `to_number` is begun, renew the lease: one transaction.

    False: the batch is somebody else's by now, and nothing more of it may be handed over. The results are recorded
    all the same, since they are evidence of their own attempts.

    Raises:
        Unreachable: the outcome is unknown; the same results may be recorded again.
    """
    given = {"of_campaign": hand.batch.campaign, "of_batch": hand.batch.batch_no, "under": hand.fence}
    with writing(engine) as connection:
        moved: int = connection.execute(
            _OPEN, {**given, "to_number": to_number, "lease_seconds": LEASE.total_seconds()}
        ).rowcount
        _record(connection, hand.batch.campaign, results, carrier)
    return moved == 1


def hold_leases(engine: sa.Engine, owners: Collection[str]) -> None:
    """Renew the leases of owners that are at work, however long the smarthost keeps them waiting.

    Raises:
        Unreachable: the database is away; they were not renewed, and run out in time.
    """
    table = schema.batch
    with writing(engine) as connection:
        connection.execute(
            sa.update(table)
            .where(table.c.closed_at.is_(None), table.c.owner.in_(list(owners)))
            .values(lease_until=here(LEASE))
        )


def _record(connection: sa.Connection, campaign: int, results: Sequence[Result], carrier: Carrier) -> None:
    """Record; a row taken for uncertain meanwhile, and certainly not taken by the smarthost, waits again."""
    if not record_in(connection, campaign, results, carrier):
        untaken = {item.number: item.attempt for item in results if item.status in UNTAKEN}
        give_back_in(connection, campaign, untaken)


def give_back_in(connection: sa.Connection, campaign: int, attempts: Mapping[int, int]) -> None:
    """Return rows (number -> attempt) to `pending`, on proof that nothing of that attempt was handed over.

    A row that was taken for uncertain meanwhile comes back too, and its batch is open again; in a campaign that is
    over, it has expired.
    """
    if not attempts:
        return
    table, batch, now = schema.delivery, schema.batch, utc_now()
    over = _lock_campaign(connection, campaign) not in UNDER_WAY
    connection.execute(
        sa.update(table)
        .where(
            table.c.campaign_id == campaign,
            table.c.number == sa.bindparam("of_number"),
            table.c.attempt == sa.bindparam("of_attempt"),
            sa.or_(*(table.c.status == status for status in SETTLED_BY_EVIDENCE)),
        )
        .values(
            status="expired" if over else "pending",
            settled_at=now if over else None,
            handed_over_at=None,
            due_at=None,
        ),
        [{"of_number": number, "of_attempt": attempt} for number, attempt in attempts.items()],
    )
    waiting = sa.exists().where(
        table.c.campaign_id == campaign,
        table.c.number.between(batch.c.first_number, batch.c.last_number),
        table.c.status == "pending",
    )
    connection.execute(
        sa.update(batch)
        .where(batch.c.campaign_id == campaign, batch.c.closed_at.is_not(None), waiting)
        .values(closed_at=None, due_at=None)
    )


def put_off(engine: sa.Engine, hand: Hand, rows: Sequence[ClaimedRow], until: Sequence[datetime]) -> None:
    """Return rows of which nothing was begun, each to be claimed again when its moment has come. No try is spent."""
    table = schema.delivery
    with writing(engine) as connection:
        connection.execute(
            sa.update(table)
            .where(
                table.c.campaign_id == hand.batch.campaign,
                table.c.number == sa.bindparam("of_number"),
                table.c.attempt == sa.bindparam("of_attempt"),
                table.c.status == "sending",
            )
            .values(status="pending", due_at=sa.bindparam("due", type_=table.c.due_at.type)),
            [
                {"of_number": row.delivery.number, "of_attempt": row.attempt, "due": moment}
                for row, moment in zip(rows, until, strict=True)
            ],
        )


def let_go(
    engine: sa.Engine,
    hand: Hand,
    carrier: Carrier,
    results: Sequence[Result] = (),
    unsent: Iterable[ClaimedRow] = (),
    due_at: datetime | None = None,
) -> datetime | None:
    """Record the last results, give back what was not begun, end the lease: one transaction.

    The batch is closed when nothing in it waits any more. Returns when it is due again, None if closed.
    """
    row, table = schema.delivery.c, schema.batch
    now = utc_now()
    with writing(engine) as connection:
        _record(connection, hand.batch.campaign, results, carrier)
        give_back_in(connection, hand.batch.campaign, {item.delivery.number: item.attempt for item in unsent})
        waiting = connection.execute(
            sa.select(sa.func.count(), sa.func.min(sa.func.coalesce(row.due_at, due_at or now))).where(
                *_in_range(hand), row.status.in_(OPEN)
            )
        ).one()
        due = waiting[1] if waiting[0] else None
        connection.execute(
            sa.update(table)
            .where(*_is(hand.batch), table.c.fence == hand.fence)
            .values(owner=None, lease_until=None, opened_to=None, due_at=due, closed_at=None if due else now)
        )
    return due


def complete_if_done(engine: sa.Engine, campaign: int) -> bool:
    """Complete a campaign of which nothing waits any more; True when this call did it."""
    table, row, batch = schema.campaign, schema.delivery.c, schema.batch.c
    open_batches = sa.exists().where(batch.campaign_id == campaign, batch.closed_at.is_(None))
    open_rows_left = sa.exists().where(row.campaign_id == campaign, row.status.in_(OPEN))
    with reading(engine) as connection:
        if connection.execute(sa.select(open_batches)).scalar_one():
            return False
    with writing(engine) as connection:
        # Under the lock nobody returns a row to `pending` between this look and the change.
        if _lock_campaign(connection, campaign) != "sending":
            return False
        done = connection.execute(
            sa.update(table)
            .where(table.c.id == campaign, ~open_batches, ~open_rows_left)
            .values(status="completed", closed_at=utc_now())
        ).rowcount
    return done == 1


def _lock_campaign(connection: sa.Connection, campaign: int) -> str:
    """The status of a campaign, which stays as it is until the end of the transaction."""
    table = schema.campaign.c
    status: str = connection.execute(
        sa.select(table.status).where(table.id == campaign).with_for_update()
    ).scalar_one()
    return status


def _take(connection: sa.Connection, ref: BatchRef, owner: str, now: datetime) -> Any:
    table, campaign = schema.batch, schema.campaign
    batch = connection.execute(
        sa.select(*table.c, campaign.c.expanded_at, campaign.c.deadline_at)
        .join(campaign, campaign.c.id == table.c.campaign_id)
        .where(
            *_is(ref),
            table.c.closed_at.is_(None),
            campaign.c.status == "sending",
            ~sa.exists().where(schema.gate.c.halted),
            sa.or_(table.c.lease_until.is_(None), table.c.lease_until < here()),
            sa.or_(table.c.due_at.is_(None), table.c.due_at <= now),
        )
        .with_for_update(of=table)
    ).one_or_none()
    if batch is None:
        return None
    connection.execute(
        sa.update(table)
        .where(*_is(ref))
        .values(fence=table.c.fence + 1, owner=owner, lease_until=here(LEASE), opened_to=None)
    )
    return batch


def settle_by_watermark(connection: sa.Connection, batch: Any) -> None:
    """Settle what a lost owner of a batch (its row) had in hand and of which nothing is known.

    Rows up to the watermark may have been begun: `uncertain`. Rows above it were not: `pending`.
    """
    row, first, last = schema.delivery.c, batch.first_number, batch.last_number
    opened = row.number <= (batch.opened_to if batch.opened_to is not None else first - 1)
    left = (row.campaign_id == batch.campaign_id, row.number.between(first, last), row.status == "sending")
    change = sa.update(schema.delivery)
    connection.execute(change.where(*left, opened).values(status="uncertain", settled_at=utc_now()))
    connection.execute(change.where(*left, ~opened).values(status="pending", due_at=None))


def _expire(connection: sa.Connection, ref: BatchRef, batch: Any, now: datetime) -> None:
    if batch.deadline_at is None or batch.deadline_at > now:
        return
    table = schema.delivery
    waiting = table.c.status.in_(("pending", "deferred"))
    connection.execute(
        sa.update(table)
        .where(*_between(ref, batch), waiting)
        .values(status="expired", settled_at=now, due_at=None)
    )


def _withhold(
    connection: sa.Connection, ref: BatchRef, refused: Sequence[tuple[int, str]], now: datetime
) -> None:
    table = schema.delivery
    if not refused:
        return
    connection.execute(
        sa.update(table)
        .where(
            table.c.campaign_id == ref.campaign,
            table.c.number == sa.bindparam("of_number"),
            sa.or_(table.c.status == "pending", table.c.status == "deferred"),
        )
        .values(status="withheld", reason=sa.bindparam("why"), settled_at=now, due_at=None, address_key=None),
        [{"of_number": number, "why": reason} for number, reason in refused],
    )


def _follow_addresses(
    connection: sa.Connection, ref: BatchRef, first: int, last: int
) -> list[tuple[int, str]]:
    """Take over addresses corrected since expansion; a row whose new address is already written to is a duplicate."""
    table, duplicates = schema.delivery, []
    moved = moved_addresses(connection, ref.campaign, first, last)
    # All let go of their old addresses before any takes a new one: two people may have exchanged theirs.
    let_go_of_addresses(connection, ref.campaign, moved)
    for number, key in moved:
        try:
            with connection.begin_nested():
                row = (table.c.campaign_id == ref.campaign, table.c.number == number)
                connection.execute(sa.update(table).where(*row).values(address_key=key))
        except IntegrityError:
            duplicates.append((number, "duplicate_address"))
    return duplicates


def _set_sending(connection: sa.Connection, ref: BatchRef, batch: Any, now: datetime) -> dict[int, int]:
    """Move what is due to `sending`; returns number -> attempt."""
    span = {"of_campaign": ref.campaign, "lowest": batch.first_number, "highest": batch.last_number}
    moved = connection.execute(_SET_SENDING, {**span, "at_present": now}).all()
    return {row.number: row.attempt for row in moved}


def _is(ref: BatchRef) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return schema.batch.c.campaign_id == ref.campaign, schema.batch.c.batch_no == ref.batch_no


def _between(ref: BatchRef, batch: Any) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    row = schema.delivery.c
    return row.campaign_id == ref.campaign, row.number.between(batch.first_number, batch.last_number)


def _in_range(hand: Hand) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    row = schema.delivery.c
    numbers = row.number.between(hand.in_hand.first_number, hand.in_hand.last_number)
    return row.campaign_id == hand.batch.campaign, numbers


# What every batch asks is made once; it took longer to make than to ask.
_batch: Final = schema.batch.c
_row: Final = schema.delivery.c
_OPEN: Final = (
    sa.update(schema.batch)
    .where(
        _batch.campaign_id == sa.bindparam("of_campaign"),
        _batch.batch_no == sa.bindparam("of_batch"),
        _batch.fence == sa.bindparam("under"),
    )
    .values(
        opened_to=sa.bindparam("to_number"),
        lease_until=here(sa.bindparam("lease_seconds", type_=sa.Float)),
    )
)
_SET_SENDING: Final = (
    sa.update(schema.delivery)
    .where(
        _row.campaign_id == sa.bindparam("of_campaign"),
        _row.number.between(sa.bindparam("lowest"), sa.bindparam("highest")),
        _row.status.in_(("pending", "deferred")),
        sa.or_(_row.due_at.is_(None), _row.due_at <= sa.bindparam("at_present", type_=_row.due_at.type)),
    )
    .values(status="sending", attempt=_row.attempt + 1, due_at=None)
    .returning(_row.number, _row.attempt)
)
