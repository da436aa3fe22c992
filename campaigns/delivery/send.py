"""The story of a batch: claim, write, clear, hand over, record.

Promise: each claimed row ends as a recorded result or is given back because nothing of it was begun. The
gate is asked right before every hand-over, and by the transport again before the octets that complete a
message. When the gate cannot be asked or the smarthost is away, the rest of the batch is given back and the
batch is due again after a pause; nobody's try is spent.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.delivery import ledger
from campaigns.delivery.claimed_rows import ClaimedRow
from campaigns.delivery.composing import Writer
from campaigns.delivery.journal import Journal
from campaigns.delivery.ledger import BatchRef, Carrier, Hand, Result
from campaigns.delivery.pacing import UNPACED, Hold, Pace, domain_of, wait_for_turn
from campaigns.delivery.policy import Retries
from campaigns.delivery.replies import Cause
from campaigns.delivery.transport import (
    Accepted,
    Deferred,
    Envelope,
    Letter,
    NotBegun,
    Outcome,
    Rejected,
    Transport,
    Uncertain,
)
from campaigns.errors import GateClosed, InputError, RefusedOperation
from campaigns.register.clearance import Verdict, Withheld
from campaigns.register.suppression import Gate

#: Results are recorded at least this often, in seconds.
RECORD_SECONDS: Final = 0.2
#: The watermark runs ahead of what was begun by what this many seconds carry, and never by fewer rows than the second.
AHEAD_SECONDS: Final = 0.2
AHEAD_ROWS: Final = 4
#: Passing reasons that concern the whole campaign: the pass ends, and the rest of the batch is given back.
ENDING_REASONS: Final = frozenset({"paused", "deadline"})


@dataclass(frozen=True)
class Desk:
    """What a sender works with: one per thread, for one campaign."""

    engine: sa.Engine
    gate: Gate
    transport: Transport
    writer: Writer
    carrier: Carrier
    journal: Journal
    last_moment: datetime
    stopping: Callable[[], bool]
    retries: Retries
    deadline: datetime | None
    pace: Pace = UNPACED


@dataclass
class BatchReport:
    """What a batch came to: results by status, rejections that say more than that, whether the smarthost was away or
    the gate closed or a limit reached, when the batch is due again."""

    statuses: dict[str, int] = field(default_factory=dict)
    dead_addresses: int = 0
    authentication: int = 0
    smarthost_away: bool = False
    gate_closed: bool = False
    paced_until: datetime | None = None
    due_at: datetime | None = None

    def count(self, status: str) -> None:
        """Count one result."""
        self.statuses[status] = self.statuses.get(status, 0) + 1


def send_batch(desk: Desk, ref: BatchRef, pause_until: datetime | None = None) -> BatchReport | None:
    """Hand over a batch; None when it could not be claimed.

    Raises:
        RefusedOperation: the batch is not of this channel; its rows were given back.
        Unreachable: the database is away; what was begun is settled when it is back.
    """
    hand = ledger.claim(desk.engine, ref, desk.journal.owner)
    if hand is None:
        return None
    if hand.channel != "email":
        ledger.give_back(desk.engine, hand, hand.rows)
        raise RefusedOperation(f"batch {ref.batch_no} of campaign {ref.campaign} is post, not mail")
    desk.journal.start(ref.campaign, ref.batch_no, hand.fence)
    report = _Sending(desk, hand).run(pause_until)
    desk.journal.finish()
    return report


class _Sending:
    """One pass over one claimed batch."""

    def __init__(self, desk: Desk, hand: Hand) -> None:
        self._desk, self._hand = desk, hand
        self._report = BatchReport()
        self._put_off: defaultdict[str, list[ClaimedRow]] = defaultdict(list)
        self._results: list[Result] = []
        self._recorded_at = self._began_at = time.monotonic()
        self._opened_to = -1
        self._handed_over = 0

    def run(self, pause_until: datetime | None) -> BatchReport:
        rows = self._hand.rows
        done = 0
        for index, row in enumerate(rows):
            if self._desk.stopping():
                break
            if not self._open(index):
                return self._report  # the batch is somebody else's now
            if self._desk.pace.active and (hold := self._wait_for_turn(row)) is not None:
                if hold.for_all:
                    self._report.paced_until = utc_now() + timedelta(seconds=hold.seconds)
                    break
                self._put_off[domain_of(row)].append(row)
                done = index + 1
                continue
            following = rows[index + 1] if index + 1 < len(rows) else None
            if not self._one(row, following):
                break
            done = index + 1
            self._record_when_due()
        self._record()
        ledger.give_back(self._desk.engine, self._hand, rows[done:])
        for domain, put_off in self._put_off.items():
            ledger.put_off(
                self._desk.engine, self._hand, put_off, self._desk.pace.put_off(domain, len(put_off))
            )
        stopped = self._report.smarthost_away or self._report.gate_closed
        due_at = pause_until if stopped else self._report.paced_until
        self._report.due_at = ledger.let_go(self._desk.engine, self._hand, due_at)
        return self._report

    def _wait_for_turn(self, row: ClaimedRow) -> Hold | None:
        """Wait for a turn where that does not take long. The gate is asked afterwards, as always."""
        return wait_for_turn(
            self._desk.pace,
            domain_of(row),
            again=row.attempt > 1,
            stopping=self._desk.stopping,
            meanwhile=self._record_when_due,
        )

    def _one(self, row: ClaimedRow, following: ClaimedRow | None) -> bool:
        """Hand one row over; False when the pass has to stop before it."""
        letter = self._written(row)
        if letter is None:
            return True
        try:
            verdict = self._ask(letter)
        except GateClosed:
            self._report.gate_closed = True
            return False
        if isinstance(verdict, Withheld):
            return self._not_now(row, verdict)
        upcoming = self._upcoming(following)
        outcome = self._desk.transport.hand_over(
            letter, verdict, lambda: self._ask(letter), upcoming=upcoming
        )
        return self._settle(row, outcome)

    def _written(self, row: ClaimedRow) -> Letter | None:
        try:
            return self._desk.writer.letter(row)
        except InputError:
            self._add(Result(row.delivery.number, row.attempt, "withheld", reason="render_failed"))
            return None

    def _ask(self, letter: Letter) -> Verdict:
        deadline = self._desk.deadline
        if deadline is not None and utc_now() >= deadline:
            return Withheld(letter.delivery, "deadline", final=False)
        return self._desk.gate.clear(self._hand.in_hand, letter.delivery, letter.envelope.recipient)

    def _upcoming(self, following: ClaimedRow | None) -> Envelope | None:
        """The next envelope, where the watermark already covers it: an announced envelope is not yet a
        begun message, but it is soonest followed by one."""
        if following is None or following.delivery.number in self._hand.in_hand.withheld:
            return None
        if self._desk.pace.active and not self._desk.pace.has_turn(domain_of(following)):
            return None
        try:
            return self._desk.writer.envelope(following)
        except InputError:
            return None

    def _settle(self, row: ClaimedRow, outcome: Outcome) -> bool:
        number, attempt = row.delivery.number, row.attempt
        match outcome:
            case Accepted(code, enhanced, text):
                self._answered(
                    row, Result(number, attempt, "accepted", code=code, enhanced=enhanced, reply=text)
                )
            case Rejected(code=code, enhanced=enhanced, text=text):
                self._report.dead_addresses += outcome.cause is Cause.ADDRESS_DEAD
                self._report.authentication += outcome.cause is Cause.AUTHENTICATION
                self._answered(
                    row, Result(number, attempt, "rejected", code=code, enhanced=enhanced, reply=text)
                )
            case Uncertain(text):
                self._answered(row, Result(number, attempt, "uncertain", reply=text))
            case NotBegun(verdict=None):
                self._report.gate_closed = True
                return False
            case NotBegun(verdict=Withheld() as verdict):
                return self._not_now(row, verdict)
            case Deferred(spends_attempt=False):
                self._desk.pace.slow_down(domain_of(row), outcome)
                self._report.smarthost_away = True
                return False
            case Deferred():
                self._desk.pace.slow_down(domain_of(row), outcome)
                self._defer(row, outcome)
        return True

    def _defer(self, row: ClaimedRow, outcome: Deferred) -> None:
        chance = random.random()  # noqa: S311 (spreads retries, guards nothing)
        due_at = self._desk.retries.next_try(row.tries + 1, utc_now(), chance)
        status = "deferred" if due_at <= self._desk.last_moment else "expired"
        self._answered(
            row,
            Result(
                row.delivery.number,
                row.attempt,
                status,
                due_at=due_at if status == "deferred" else None,
                spends_try=True,
                code=outcome.code,
                enhanced=outcome.enhanced,
                reply=outcome.text,
            ),
        )

    def _not_now(self, row: ClaimedRow, verdict: Withheld) -> bool:
        if verdict.final:
            self._add(Result(row.delivery.number, row.attempt, "withheld", reason=verdict.reason))
        elif verdict.reason in ENDING_REASONS:
            return False
        else:
            ledger.give_back(self._desk.engine, self._hand, [row])
        return True

    def _answered(self, row: ClaimedRow, result: Result) -> None:
        self._desk.journal.replied(row.delivery, result.status, result.code)
        self._add(result)

    def _add(self, result: Result) -> None:
        self._results.append(result)
        self._report.count(result.status)
        self._handed_over += 1

    def _open(self, index: int) -> bool:
        """Have the watermark cover this row (and the next, whose envelope may be announced) before it is begun."""
        last = len(self._hand.rows) - 1
        if min(index + 1, last) <= self._opened_to:
            return True
        rate = self._handed_over / max(time.monotonic() - self._began_at, 0.001)
        self._opened_to = min(index + max(AHEAD_ROWS, int(rate * AHEAD_SECONDS)), last)
        number = self._hand.rows[self._opened_to].delivery.number
        return ledger.open_rows(self._desk.engine, self._hand, number)

    def _record_when_due(self) -> None:
        if time.monotonic() - self._recorded_at >= RECORD_SECONDS:
            self._record()

    def _record(self) -> None:
        results, self._results = self._results, []
        self._recorded_at = time.monotonic()
        ledger.record(self._desk.engine, self._hand.batch.campaign, results, self._desk.carrier)
