"""Merging contacts with an eye on the ledger: one person gets one message of a campaign.

Promise: where contacts that turn out to be one person wait for the same campaign, one of them is written to: none where
one has been already, else the kept one. The others' rows are withheld `duplicate_contact`; no row is re-pointed. What
only the merged contact waits for still goes to its own address. Fails with `RefusedOperation`, and nothing has changed,
while that cannot be promised: both messages are in the air, or a campaign's recipients are just being worked out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.errors import RefusedOperation
from campaigns.keyring import KeyRing
from campaigns.planning.status import CLOSED
from campaigns.principal import Principal
from campaigns.register import merging, persons
from campaigns.register.merging import Pair
from campaigns.register.permit import answering_a_no
from campaigns.store import schema
from campaigns.store.engine import writing
from campaigns.store.locks import try_turn

_WAITING: Final = frozenset({"pending", "deferred"})
_REACHED: Final = frozenset({"sending", "accepted", "uncertain"})


@dataclass(frozen=True)
class Merged:
    """What a merge did, or would do."""

    kept: int
    other: int
    dry_run: bool
    withheld: list[str]
    got: dict[str, Any] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """As one object."""
        return asdict(self)


def merge(
    engine: sa.Engine,
    ring: KeyRing,
    pair: Pair,
    evidence: str,
    principal: Principal,
    *,
    dry_run: bool = False,
) -> Merged:
    """Merge two contacts; when this returns, what stands against either binds for both.

    Raises:
        NotFound, RefusedOperation: one of them does not exist or was merged already, or the ledger forbids it just now.
        Unreachable: the database is away or the outcome is unknown; say it again.
    """
    with _rehearsing(engine) if dry_run else answering_a_no(engine) as connection:
        persons.alone(connection)
        withheld = _withhold_doubles(connection, pair)
        got = merging.merge(connection, ring, pair, evidence, principal)
    return Merged(pair.kept, pair.other, dry_run, withheld, got)


@contextmanager
def _rehearsing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that leaves nothing behind."""
    with writing(engine) as connection, connection.begin_nested() as rehearsal:
        yield connection
        rehearsal.rollback()


def _withhold_doubles(connection: sa.Connection, pair: Pair) -> list[str]:
    """Withhold what would be a second message to the person; which deliveries."""
    if not try_turn(connection, persons.EXPANSION_TURN) or _expanding(connection):
        raise RefusedOperation("the recipients of a campaign are being worked out; try again in a minute")
    contacts = {
        member.contact: member.root
        for contact in (pair.kept, pair.other)
        for member in persons.members(connection, contact)
    }
    withheld = []
    for rows in _of_several(_rows(connection, contacts), contacts):
        reached = [row for row in rows if row.status in _REACHED]
        if len(reached) > 1 and any(row.status == "sending" for row in reached):
            raise RefusedOperation(
                f"messages of campaign {rows[0].campaign_id} to both are being handed over; try again in a minute"
            )
        waiting = [row for row in rows if row.status in _WAITING]
        waiting.sort(key=lambda row: (contacts[row.contact_id] != pair.kept, row.contact_id))
        withheld += waiting if reached else waiting[1:]
    _withhold(connection, withheld)
    return [f"{row.campaign_id}.{row.number}" for row in withheld]


def _expanding(connection: sa.Connection) -> bool:
    """Whether a campaign has some of its rows and not yet all of them, also where it was paused in the middle."""
    table, progress = schema.campaign.c, schema.expansion.c
    some_rows = sa.select(progress.campaign_id)
    found: bool = connection.execute(
        sa.select(
            sa.exists().where(
                sa.or_(table.status == "expanding", table.id.in_(some_rows)), table.status.not_in(CLOSED)
            )
        )
    ).scalar_one()
    return found


def _rows(connection: sa.Connection, contacts: Iterable[int]) -> list[Any]:
    """The deliveries of these contacts in campaigns that are not over, kept as they are until the end."""
    row, campaign = schema.delivery.c, schema.campaign.c
    return list(
        connection.execute(
            sa.select(row.campaign_id, row.number, row.channel, row.contact_id, row.status)
            .join_from(schema.delivery, schema.campaign, campaign.id == row.campaign_id)
            .where(row.contact_id.in_(list(contacts)), campaign.status.not_in(CLOSED))
            .order_by(row.campaign_id, row.number)
            .with_for_update(of=schema.delivery)
        )
    )


def _of_several(rows: Iterable[Any], contacts: dict[int, int]) -> list[list[Any]]:
    """The deliveries by campaign and channel, where both persons that there were have some."""
    found: dict[tuple[int, str], list[Any]] = {}
    for row in rows:
        found.setdefault((row.campaign_id, row.channel), []).append(row)
    return [group for group in found.values() if len({contacts[row.contact_id] for row in group}) > 1]


def _withhold(connection: sa.Connection, rows: Iterable[Any]) -> None:
    table = schema.delivery
    for row in rows:
        connection.execute(
            sa.update(table)
            .where(table.c.campaign_id == row.campaign_id, table.c.number == row.number)
            .values(status="withheld", reason="duplicate_contact", settled_at=utc_now(), due_at=None)
        )
