"""The permit to send: what a process has to hold while it hands over.

Promise: a permit is the epoch that the database showed, good for `permit_ms` counted from before the question. It is
asked of the server that takes the writes, over a connection of its own, in autocommit (`campaigns.store.primary`). Half
a permit's length before its end one of the threads renews it, while the others go on under the old one: no thread of
its own, no question while nothing is sent, and for each message two looks at the clock.
Fails closed: no answer within `PATIENCE_SECONDS`, a halt, or a register that went back in time (a lower epoch or count
of claims, another incarnation) give `GateClosed`. The last of these halts everything, for every machine, until a person
says go. Durations are measured with the boot clock, which runs on through suspend and ignores clock steps. A machine
that was frozen together with its clock cannot know it beforehand; it is found out at the next renewal by the database's
clock, counted and told with the deliveries that were cleared meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from campaigns.clock import boot_seconds
from campaigns.errors import GateClosed, Unreachable
from campaigns.register.clearance import DeliveryRef
from campaigns.register.permit import PERMIT_MS, halt_restored
from campaigns.register.witness import NOTHING_SEEN, Mark, Witness
from campaigns.store import schema
from campaigns.store.primary import Asker, make_asker

#: So long a sender waits for a permit before it lets go of what it has in hand.
PATIENCE_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 0.02
#: A reply that takes longer than this many permits is not waited for; the connection is made anew.
_LONGEST_ASK: Final = 20


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to hand over what was checked under `epoch`, until `valid_until` (boot seconds)."""

    epoch: int
    valid_until: float
    renew_from: float


@dataclass(frozen=True)
class ClockGap:
    """This machine's clock lost `seconds` against the database's: it was frozen. These deliveries were cleared
    meanwhile, and may have begun up to one permit's length after the answer to a "no"."""

    seconds: float
    deliveries: tuple[DeliveryRef, ...]


class _Row(NamedTuple):
    epoch: int
    incarnation: str
    halted: bool
    permit_ms: int
    answer_ms: int
    claims: int
    clock: float | None


class PermitOffice:
    """Hands out the permit of this process; all its connections share one. Safe for threads."""

    def __init__(
        self,
        engine: sa.Engine,
        witness: Witness | None = None,
        on_gap: Callable[[ClockGap], None] | None = None,
    ) -> None:
        self._engine, self._witness, self._on_gap = engine, witness, on_gap
        self._lock = threading.Lock()
        self._permit = _NONE
        self._asker: Asker | None = None
        self._asked_for_ms = PERMIT_MS
        self._incarnation: str | None = None
        self._seen = NOTHING_SEEN
        self._clocks: tuple[float, float] | None = None
        self._cleared: list[DeliveryRef] = []
        self._cleared_before: list[DeliveryRef] = []

    def permit(self) -> Permit:
        """A permit that is good now.

        Raises:
            GateClosed: the database cannot be asked, the register is halted, or it went back in time.
        """
        permit, now = self._permit, boot_seconds()
        if now < permit.renew_from:
            return permit
        if now < permit.valid_until:
            self._renew_early()
            permit = self._permit
            if boot_seconds() < permit.valid_until:
                return permit
        return self._wait_for_permit()

    @property
    def held(self) -> Permit:
        """The permit that is held, whether or not it is still good; nobody is asked."""
        return self._permit

    def cleared(self, delivery: DeliveryRef) -> None:
        """Remember a delivery that was cleared, until two permits later."""
        self._cleared.append(delivery)

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            if self._asker is not None:
                self._asker.close()

    def _renew_early(self) -> None:
        """Renew while the old permit lasts, unless another thread does; no answer is no harm yet."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._renew()
        except Unreachable:
            pass  # the old permit lasts a little longer, and then somebody waits for a new one
        finally:
            self._lock.release()

    def _wait_for_permit(self) -> Permit:
        deadline = boot_seconds() + PATIENCE_SECONDS
        problem = "the gate cannot be asked: another question waits for its answer"
        while (left := deadline - boot_seconds()) > 0 and self._lock.acquire(timeout=left):
            try:
                if boot_seconds() >= self._permit.valid_until:
                    self._renew()
                permit = self._permit
                if boot_seconds() < permit.valid_until:
                    return permit
                problem = "the gate cannot be asked: its answers come too late"
            except Unreachable as error:
                problem = f"the gate cannot be asked: {error}"
            finally:
                self._lock.release()
            time.sleep(_RETRY_SECONDS)
        raise GateClosed(problem)

    def _renew(self) -> None:
        """Ask for a permit; the lock is held."""
        try:
            if self._incarnation is None:
                self._incarnation = self._ask().incarnation
            seen = self._witnessed()  # before the question, so that what others note meanwhile is no alarm
            asked_at = boot_seconds()
            row = self._ask()
            self._judge(row, seen)
        except GateClosed:
            self._permit = _NONE
            raise
        self._compare_clocks(row, asked_at)
        length = row.permit_ms / 1000
        self._permit = Permit(row.epoch, asked_at + length, asked_at + length / 2)

    def _ask(self) -> _Row:
        if self._asker is None:
            self._asker = make_asker(self._engine, _question(self._engine), self._asked_for_ms * 9 // 10)
        answer = self._asker.ask(self._asked_for_ms / 1000 * _LONGEST_ASK)
        if answer is None:
            raise GateClosed("the register has no gate; run `utskick init`")
        row = _Row(*answer)
        if row.permit_ms != self._asked_for_ms:
            self._asker.close()
            self._asker, self._asked_for_ms = None, row.permit_ms
        return row

    def _witnessed(self) -> Mark:
        """What was seen before the question, by this process and on this machine."""
        if self._witness is None or self._incarnation is None:
            return self._seen
        try:
            return self._seen.joined(self._witness.seen(self._incarnation))
        except OSError as error:
            raise GateClosed(f"the gate's witness cannot be read: {error}") from error

    def _judge(self, row: _Row, seen: Mark) -> None:
        mark = Mark(row.epoch, row.claims)
        other = row.incarnation != self._incarnation
        if other or mark.is_behind(seen):
            halt_restored(self._engine)
            what = "is another register" if other else "went back in time: it is a restored backup"
            raise GateClosed(f"the database {what}; everything is halted until somebody runs `utskick go`")
        if row.halted:
            raise GateClosed("the register is halted; `utskick go` ends it")
        self._note(mark)

    def _note(self, mark: Mark) -> None:
        if mark == self._seen:
            return
        self._seen = self._seen.joined(mark)
        if self._witness is not None and self._incarnation is not None:
            try:
                self._witness.note(self._incarnation, self._seen)
            except OSError as error:
                raise GateClosed(f"the gate's witness cannot be written: {error}") from error

    def _compare_clocks(self, row: _Row, asked_at: float) -> None:
        before, self._cleared_before, self._cleared = self._cleared_before, self._cleared, []
        if row.clock is None:
            return
        if self._clocks is not None:
            # The longest that can have passed here against what passed there, so that slow replies are no gap.
            lost = (row.clock - self._clocks[0]) - (boot_seconds() - self._clocks[1])
            if lost > (row.answer_ms - row.permit_ms) / 1000 and self._on_gap is not None:
                self._on_gap(ClockGap(lost, tuple(dict.fromkeys(before + self._cleared_before))))
        self._clocks = (row.clock, asked_at)


def _question(engine: sa.Engine) -> sa.Select[Any]:
    gate, count = schema.gate.c, schema.claim_count.c
    claims = sa.select(sa.func.coalesce(sa.func.sum(count.claims), 0)).scalar_subquery()
    postgres = engine.dialect.name == "postgresql"
    # The clock as float8, so that it comes back as a float; a standby has none to show.
    clock = sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double) if postgres else sa.null()
    return sa.select(
        gate.epoch,
        gate.incarnation,
        gate.halted,
        gate.permit_ms,
        gate.answer_ms,
        sa.cast(claims, sa.BigInteger),
        clock,
    )


_NONE: Final = Permit(0, float("-inf"), float("-inf"))
