"""The end of a halt; after a restored backup that takes more than a word.

Promise: nothing is sent before a person said go. Where the register was restored, nobody knows what was sent since the
backup: every delivery that was open in it becomes `uncertain` and is not sent by itself, every campaign that had not
started is held, and every batch gets a new fence, so that nobody who claimed before goes on. Late evidence and
`campaigns settle` decide from there. Replay the opt-out logs first (`campaigns.register.replay`).
Fails: `Unreachable`, and whether everything or nothing was done may be unknown; do it again.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.delivery.status import OPEN
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.register.permit import answering_a_no, end_halt, halt_in, raise_epoch
from campaigns.store import schema
from campaigns.store.engine import reading, writing


@dataclass(frozen=True)
class Halt:
    """Whether everything is halted, why, and whether because the register was restored."""

    halted: bool
    reason: str | None
    restored: bool


@dataclass(frozen=True)
class Restart:
    """What going on meant: whether there was a halt, whether the register had been restored, how many deliveries are
    uncertain now, how many campaigns are held."""

    was_halted: bool
    restored: bool
    uncertain: int = 0
    held: int = 0


def halt(engine: sa.Engine, reason: str, principal: Principal, *, restored: bool = False) -> bool:
    """Stop everything, on all machines; binds like a "no" when this returns, repeated too. True when it is new.

    Raises:
        Unreachable: the database is away or the outcome is unknown; say it again.
    """
    demand(principal, Operation.SENDING_HALT)
    with answering_a_no(engine) as connection:
        fresh = halt_in(connection, reason, restored=restored)
        action = "restored" if restored else "halt"
        audit.write(connection, audit.Entry(principal, f"register:sending:{action}", [], reason))
    return fresh


def present_halt(engine: sa.Engine) -> Halt:
    """How it stands now."""
    gate = schema.gate.c
    with reading(engine) as connection:
        row = connection.execute(sa.select(gate.halted, gate.halted_reason, gate.restored)).one()
    return Halt(row.halted, row.halted_reason, row.restored)


def go(engine: sa.Engine, principal: Principal) -> Restart:
    """End the halt.

    Raises:
        Unreachable: the database is away or the outcome is unknown; say it again.
    """
    demand(principal, Operation.SENDING_GO)
    with writing(engine) as connection:
        gate = schema.gate.c
        before = connection.execute(sa.select(gate.halted, gate.restored).with_for_update()).one()
        uncertain = _doubt_what_was_open(connection) if before.restored else 0
        held = _hold_what_had_not_started(connection) if before.restored else 0
        end_halt(connection)
        done = Restart(before.halted, before.restored, uncertain, held)
        if before.halted:
            entry = audit.Entry(
                principal,
                "register:sending:go",
                [],
                "after a restored backup" if before.restored else "asked",
                None,
                {"uncertain": uncertain, "held": held},
            )
            audit.write(connection, entry)
        raise_epoch(connection)
    return done


def _doubt_what_was_open(connection: sa.Connection) -> int:
    table, batch, now = schema.delivery, schema.batch, utc_now()
    doubted = connection.execute(
        sa.update(table)
        .where(table.c.status.in_(OPEN))
        .values(
            status="uncertain",
            settled_at=now,
            due_at=None,
            attempt=sa.case((table.c.attempt == 0, 1), else_=table.c.attempt),
        )
    ).rowcount
    connection.execute(
        sa.update(batch)
        .where(batch.c.closed_at.is_(None))
        .values(
            fence=batch.c.fence + 1, owner=None, lease_until=None, opened_to=None, due_at=None, closed_at=now
        )
    )
    return doubted


def _hold_what_had_not_started(connection: sa.Connection) -> int:
    table = schema.campaign
    return connection.execute(
        sa.update(table)
        .where(table.c.status.in_(("scheduled", "expanding")))
        .values(status="paused", hold_reason="asked")
    ).rowcount
