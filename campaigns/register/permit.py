"""The gate's epoch, the permit to send under it, and the wait before a "no" is answered.

How no interleaving breaks the promise: whoever records a "no" raises the epoch in the same transaction, and
answers only `answer_ms` after the commit. A sender needs a permit: the epoch as read from the database,
good for `permit_ms` counted from *before* the question. Since `permit_ms` is at most half of `answer_ms` (a
CHECK in the schema), every permit taken before the commit has run out when the answer leaves, and every
later one shows the new epoch, which makes the sender ask its predicate again. Fails closed: no answer from
the database, another incarnation, a lower epoch or a halt give no permit (`GateClosed`). Durations use the
boot clock, which runs on through suspend and ignores clock steps.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from campaigns.clock import boot_seconds
from campaigns.errors import GateClosed, Unreachable
from campaigns.store import schema
from campaigns.store.engine import reading, writing

PERMIT_MS = 50
ANSWER_MS = 100


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to hand over what was checked under `epoch`, until `valid_until` (boot seconds)."""

    epoch: int
    valid_until: float


def open_gate(connection: sa.Connection, incarnation: str) -> None:
    """Make the gate's only row for a new register."""
    connection.execute(
        sa.insert(schema.gate).values(
            id=1, incarnation=incarnation, epoch=1, halted=False, permit_ms=PERMIT_MS, answer_ms=ANSWER_MS
        )
    )


def raise_epoch(connection: sa.Connection) -> float:
    """Raise the epoch as the last statement of a transaction that changes what the gate looks at; returns
    the seconds to wait after the commit before anything is answered."""
    statement = (
        sa.update(schema.gate).values(epoch=schema.gate.c.epoch + 1).returning(schema.gate.c.answer_ms)
    )
    answer_ms: int = connection.execute(statement).scalar_one()
    return answer_ms / 1000


@dataclass
class Binding:
    """From when on what a transaction recorded may be answered, in boot seconds; never, until it is committed."""

    answer_at: float = float("inf")


@contextmanager
def answering_a_no(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that records a "no" (a repeated one too): when the block is left normally, the "no"
    binds every sender on every machine, and the caller may answer.

    Raises:
        Unreachable: the database is away or the outcome of the commit is unknown; answer "try again".
    """
    with recording_noes(engine) as (connection, binding):
        yield connection
    wait_until(binding.answer_at)


@contextmanager
def recording_noes(engine: sa.Engine) -> Iterator[tuple[sa.Connection, Binding]]:
    """The transaction of `answering_a_no` without its wait, for a caller who records for many and keeps each of
    their answers back until `answer_at` (known when the block is left). They share one rise of the epoch.

    Raises:
        Unreachable: the database is away or the outcome of the commit is unknown; answer "try again".
    """
    binding = Binding()
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SET LOCAL lock_timeout = '2s'"))
        yield connection, binding
        wait = raise_epoch(connection)
    binding.answer_at = boot_seconds() + wait


def wait_until(moment: float) -> None:
    """Sleep until a moment of the boot clock."""
    while (left := moment - boot_seconds()) > 0:
        time.sleep(left)


class PermitOffice:
    """Hands out the permit of this process; all its connections share one. Safe for threads."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._permit = Permit(0, float("-inf"))
        self._incarnation: str | None = None

    def permit(self) -> Permit:
        """A permit that is good now, renewed where the last one ran out.

        Raises:
            GateClosed: the database cannot be asked, the register is halted, or it is not the one seen before.
        """
        permit = self._permit
        if boot_seconds() < permit.valid_until:
            return permit
        with self._lock:
            if boot_seconds() >= self._permit.valid_until:
                self._permit = self._renewed()
            return self._permit

    def _renewed(self) -> Permit:
        asked_at = boot_seconds()
        columns = schema.gate.c
        try:
            with reading(self._engine) as connection:
                row = connection.execute(
                    sa.select(columns.epoch, columns.incarnation, columns.halted, columns.permit_ms)
                ).one_or_none()
        except Unreachable as error:
            raise GateClosed(f"the gate cannot be asked: {error}") from error
        if row is None:
            raise GateClosed("the register has no gate; run `utskick init`")
        if row.halted:
            raise GateClosed("the register is halted")
        if row.epoch < self._permit.epoch or self._incarnation not in (None, row.incarnation):
            raise GateClosed("the database went back in time or is another one; a person must decide")
        self._incarnation = row.incarnation
        return Permit(row.epoch, asked_at + row.permit_ms / 1000)
