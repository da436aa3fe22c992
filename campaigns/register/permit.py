"""Recording a "no" so that it binds: the gate's epoch, and the wait before the answer. Also the halt of everything.

How no interleaving breaks the promise: whoever records a "no" raises the epoch in the same transaction, and answers
only `answer_ms` after the commit. A sender needs a permit (`campaigns.register.office`): the epoch as read from the
database, good for `permit_ms` counted from *before* the question. Since `permit_ms` is at most half of `answer_ms` (a
CHECK in the schema), every permit asked for before the commit has run out when the answer leaves, and every later one
shows the new epoch, which makes the sender ask its predicate again. A repeated "no" waits as the first did: the first
may have been committed by a process that died before its answer.
Whoever records a "no" also sees whether the register is older than this machine has seen it: raised by one "no" after
another, a restored backup would soon look like the register that it replaced. The "no" stands, and everything halts.
Fails with `Unreachable`, whether nothing was recorded or nobody knows: the caller answers "try again".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

import sqlalchemy as sa

from campaigns.clock import boot_seconds
from campaigns.errors import Unreachable
from campaigns.register import opt_out_log
from campaigns.register.witness import NOTHING_SEEN, Mark, Witness
from campaigns.store import schema
from campaigns.store.engine import writing
from campaigns.store.upsert import insert_into

PERMIT_MS: Final = 50
ANSWER_MS: Final = 100
#: Why everything is halted when a restored backup was recognised.
WENT_BACK: Final = "the register went back in time"
_KEEPER: Final = "utskick_keeper"
#: Claims are counted on so many lines, so that they do not wait for each other.
_CLAIM_LINES: Final = 64
#: No register raises its epoch so often in its life; eight bytes hold some nine billion such leaps.
_LEAP: Final = 1_000_000_000


def open_gate(connection: sa.Connection, incarnation: str) -> None:
    """Make the gate's only row for a new register."""
    connection.execute(
        sa.insert(schema.gate).values(
            id=1,
            incarnation=incarnation,
            epoch=1,
            halted=False,
            restored=False,
            permit_ms=PERMIT_MS,
            answer_ms=ANSWER_MS,
        )
    )


@dataclass(frozen=True)
class Raised:
    """The epoch that a transaction raised, of which register, and how long after the commit to wait, in seconds."""

    register: str
    epoch: int
    wait: float


def raise_epoch(connection: sa.Connection) -> Raised:
    """Raise the epoch as the last statement of a transaction that changes what the gate looks at."""
    gate = schema.gate
    row = connection.execute(
        sa.update(gate)
        .values(epoch=gate.c.epoch + 1)
        .returning(gate.c.incarnation, gate.c.epoch, gate.c.answer_ms)
    ).one()
    return Raised(row.incarnation, row.epoch, row.answer_ms / 1000)


def _nothing() -> None:
    """What is to be kept where nobody keeps anything."""


@dataclass
class Binding:
    """From when on what a transaction recorded may be answered, in boot seconds: never, until it is committed, and not
    before it is also kept outside the database (`keep`); 0 where it recorded no "no" and there is nothing to keep."""

    answer_at: float = float("inf")
    keep: Callable[[], None] = _nothing

    def wait(self) -> None:
        """Keep what was recorded, and wait until it may be answered.

        Raises:
            Unreachable: it is not kept for certain; answer "try again".
        """
        self.keep()
        wait_until(self.answer_at)


@contextmanager
def answering_a_no(engine: sa.Engine, *, logged: bool = True) -> Iterator[sa.Connection]:
    """A transaction that records a "no" (a repeated one too): when the block is left normally, the "no"
    binds every sender on every machine, and the caller may answer. `logged` is False for what the opt-out log itself
    says.

    Raises:
        Unreachable: the database is away, the outcome of the commit is unknown, or the opt-out log cannot be
            written; answer "try again".
    """
    with recording_noes(engine, logged=logged) as (connection, binding):
        yield connection
    binding.wait()


@contextmanager
def recording_noes(engine: sa.Engine, *, logged: bool = True) -> Iterator[tuple[sa.Connection, Binding]]:
    """The transaction of `answering_a_no` without its wait, for a caller who records for many and keeps each of
    their answers back until the binding is kept (by whatever thread: the next transaction need not wait for the disk)
    and its moment has come. They share one rise of the epoch.

    Raises:
        Unreachable: the database is away, or the outcome of the commit is unknown; answer "try again".
    """
    binding, keeper = Binding(), keeper_of(engine)
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SET LOCAL lock_timeout = '2s'"))
        # At once: the triggers of what is recorded below raise the epoch too.
        older = keeper is not None and keeper.knows_better(connection)
        words = opt_out_log.collect(connection)
        yield connection, binding
        if older:
            halt_in(connection, WENT_BACK, restored=True)
        raised = raise_epoch(connection)
    binding.answer_at = boot_seconds() + raised.wait
    if keeper is not None:
        binding.keep = partial(keeper.keep, raised, words if logged else [])


@dataclass
class Keeper:
    """What this machine keeps outside the database of every "no" before it is answered: the words, and how far the
    register had come, by which a restored backup is recognised. Safe for threads."""

    log: opt_out_log.OptOutLog
    witness: Witness
    _register: str | None = None

    def knows_better(self, connection: sa.Connection) -> bool:
        """Whether this machine has seen a higher epoch of this register than it shows now, and nobody has halted
        everything for that. A witness that cannot be read knows nothing: a "no" is recorded all the same, and `keep`
        says what is wrong."""
        gate = schema.gate.c
        if self._register is None:
            self._register = connection.execute(sa.select(gate.incarnation)).scalar_one()
        register = self._register
        # The file first: what others note while the database is asked is no alarm.
        try:
            seen = self.witness.seen(register)
        except OSError:
            seen = NOTHING_SEEN
        row = connection.execute(sa.select(gate.incarnation, gate.epoch, gate.restored)).one()
        self._register = row.incarnation
        return bool(row.incarnation == register and row.epoch < seen.epoch and not row.restored)

    def keep(self, raised: Raised, words: Sequence[opt_out_log.LoggedWord]) -> None:
        """Keep both.

        Raises:
            Unreachable: they are not on disk for certain.
        """
        if words or self.log.owes:
            self.log.append(raised.register, raised.epoch, words)
        self.note(raised.register, raised.epoch)

    def note(self, register: str, epoch: int) -> None:
        """Keep how far the register had come.

        Raises:
            Unreachable: it cannot be written.
        """
        try:
            self.witness.note(register, Mark(epoch, 0))
        except OSError as error:
            raise Unreachable(f"the gate's witness cannot be written: {error}") from error


def kept_by(engine: sa.Engine, keeper: Keeper) -> sa.Engine:
    """The engine, with somebody who keeps what is recorded through it."""
    return engine.execution_options(**{_KEEPER: keeper})


def keeper_of(engine: sa.Engine) -> Keeper | None:
    """Who keeps what is recorded through this engine."""
    found: Keeper | None = engine.get_execution_options().get(_KEEPER)
    return found


def wait_until(moment: float) -> None:
    """Sleep until a moment of the boot clock."""
    while (left := moment - boot_seconds()) > 0:
        time.sleep(left)


def epoch_of_a_claim(engine: sa.Engine, connection: sa.Connection) -> int:
    """The epoch under which rows are claimed. This machine notes it before the claim is committed: as long as the rows
    are in hand, no restored register must pass for this one.

    Raises:
        Unreachable: it cannot be noted; nothing may be claimed.
    """
    row = connection.execute(sa.select(schema.gate.c.incarnation, schema.gate.c.epoch)).one()
    keeper = keeper_of(engine)
    if keeper is not None:
        keeper.note(row.incarnation, row.epoch)
    return int(row.epoch)


def count_claim(connection: sa.Connection, number: int) -> None:
    """Count a claim in its own transaction: a register that comes back with a lower count is a restored one."""
    table = schema.claim_count
    connection.execute(
        insert_into(table, connection)
        .values(line=number % _CLAIM_LINES, claims=1)
        .on_conflict_do_update(index_elements=["line"], set_={"claims": table.c.claims + 1})
    )


def halt_in(connection: sa.Connection, reason: str, *, restored: bool = False) -> bool:
    """Halt everything, within the caller's transaction; True when it was not halted before.

    A halt because of a restored backup outlasts any other: going on then takes more (`campaigns.delivery.restart`).
    """
    table = schema.gate
    halted = connection.execute(
        sa.update(table).where(table.c.halted.is_(False)).values(halted=True, halted_reason=reason)
    ).rowcount
    if restored:
        connection.execute(
            sa.update(table).where(table.c.restored.is_(False)).values(restored=True, halted_reason=reason)
        )
    return halted == 1


def halt_restored(engine: sa.Engine) -> None:
    """Halt everything, since the register went back in time. Whoever finds that out is stopped without it too."""
    with suppress(Unreachable), writing(engine) as connection:
        halt_in(connection, WENT_BACK, restored=True)


def end_halt(connection: sa.Connection) -> bool:
    """End a halt, within the caller's transaction; False when there was none. After a restored backup the epoch and
    the count of claims leap ahead of anything that any machine can have seen."""
    gate, count = schema.gate, schema.claim_count
    row = connection.execute(sa.select(gate.c.halted, gate.c.restored).with_for_update()).one()
    if row.restored:
        connection.execute(sa.update(gate).values(epoch=gate.c.epoch + _LEAP))
        count_claim(connection, 0)
        connection.execute(sa.update(count).where(count.c.line == 0).values(claims=count.c.claims + _LEAP))
    connection.execute(sa.update(gate).values(halted=False, restored=False, halted_reason=None))
    return bool(row.halted)
