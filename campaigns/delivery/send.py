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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.delivery import ledger
from campaigns.delivery.claimed_rows import ClaimedRow
from campaigns.delivery.composing import Writer
from campaigns.delivery.journal import Journal
from campaigns.delivery.ledger import BatchRef, Hand
from campaigns.delivery.pacing import UNPACED, Pace, domain_of, wait_for_turn
from campaigns.delivery.policy import Retries
from campaigns.delivery.replies import Cause
from campaigns.delivery.results import Carrier, Result
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
#: The time of every so many-th hand-over is taken.
SAMPLED: Final = 8
#: Letters are written so many at a time: what writes them is then still in the processor's cache, which each wait for
#: the smarthost empties. None of them has been shown to anybody, so that what is not sent is given back as ever.
WRITTEN_AHEAD: Final = 16
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
    """What a batch came to: results by status, withheld ones by reason, rejections that say more than that, whether
    the smarthost was away or the gate closed or a limit reached, when the batch is due again; and how long it all took:
    seconds that it waited for turns, and samples of single steps."""

    statuses: dict[str, int] = field(default_factory=dict)
    withheld: dict[str, int] = field(default_factory=dict)
    reclaimed: bool = False
    dead_addresses: int = 0
    authentication: int = 0
    smarthost_away: bool = False
    gate_closed: bool = False
    paced_until: datetime | None = None
    due_at: datetime | None = None
    waited: float = 0.0
    render: list[float] = field(default_factory=list)
    hand_over: list[float] = field(default_factory=list)
    record: list[float] = field(default_factory=list)

    def count(self, status: str, reason: str | None = None) -> None:
        """Count one result."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if reason is not None:
            self.withheld[reason] = self.withheld.get(reason, 0) + 1


def send_batch(desk: Desk, ref: BatchRef, pause_until: datetime | None = None) -> BatchReport | None:
    """Hand over a batch; None when it could not be claimed.

    Raises:
        RefusedOperation: the batch is not of this channel; its rows were given back.
        OSError: the journal cannot be written; nothing begins without it.
        Unreachable: the database is away; what was begun is settled when it is back.
    """
    hand = ledger.claim(desk.engine, ref, desk.journal.owner)
    if hand is None:
        return None
    if hand.channel != "email":
        ledger.let_go(desk.engine, hand, desk.carrier, unsent=hand.rows)
        raise RefusedOperation(f"batch {ref.batch_no} of campaign {ref.campaign} is post, not mail")
    attempts = {row.delivery.number: row.attempt for row in hand.rows}
    try:
        desk.journal.start(ref.campaign, ref.batch_no, hand.fence, attempts)
    except OSError:  # a full disk: nothing was begun, and no journal will ever say so
        ledger.let_go(desk.engine, hand, desk.carrier, unsent=hand.rows)
        raise
    report = _Sending(desk, hand).run(pause_until)
    desk.journal.finish()
    return report


class _Sending:
    """One pass over one claimed batch."""

    def __init__(self, desk: Desk, hand: Hand) -> None:
        self._desk, self._hand = desk, hand
        self._report = BatchReport(withheld=dict(hand.withheld), reclaimed=hand.reclaimed)
        self._put_off: defaultdict[str, list[ClaimedRow]] = defaultdict(list)
        self._results: list[Result] = []
        self._unsent: list[ClaimedRow] = []
        self._recorded_at = self._began_at = time.monotonic()
        self._opened_to = -1
        self._settled = 0

    def run(self, pause_until: datetime | None) -> BatchReport:
        rows = self._hand.rows
        letters = self._letters(rows)
        done, letter = 0, next(letters, None)
        while done < len(rows) and not self._desk.stopping() and self._open(done):
            row = rows[done]
            # Written ahead, so that its envelope can be announced together with the end of this message.
            following = next(letters, None)
            if letter is not None and self._has_turn(row, done) and not self._one(row, letter, following):
                break
            if self._report.paced_until is not None:
                break
            done, letter = done + 1, following
        return self._end(rows[done:], pause_until)

    def _end(self, unsent: Sequence[ClaimedRow], pause_until: datetime | None) -> BatchReport:
        """Record the last results, give back what was not begun, let go of the batch."""
        engine, hand, report = self._desk.engine, self._hand, self._report
        for domain, put_off in self._put_off.items():
            ledger.put_off(engine, hand, put_off, self._desk.pace.put_off(domain, len(put_off)))
        due_at = pause_until if report.smarthost_away or report.gate_closed else report.paced_until
        report.due_at = ledger.let_go(
            engine, hand, self._desk.carrier, self._results, [*self._unsent, *unsent], due_at
        )
        return report

    def _has_turn(self, row: ClaimedRow, index: int) -> bool:
        """Wait for a turn where that does not take long; False where this row, or every row, has to come later.

        The gate is asked afterwards, as always.
        """
        if not self._desk.pace.active:
            return True
        began = time.perf_counter()
        hold = wait_for_turn(
            self._desk.pace,
            domain_of(row.address or ""),
            again=row.attempt > 1,
            stopping=self._desk.stopping,
            meanwhile=lambda: self._open(index),
        )
        self._report.waited += time.perf_counter() - began
        if hold is not None and hold.for_all:
            self._report.paced_until = utc_now() + timedelta(seconds=hold.seconds)
        elif hold is not None:
            self._put_off[domain_of(row.address or "")].append(row)
        return hold is None

    def _one(self, row: ClaimedRow, letter: Letter, following: Letter | None) -> bool:
        """Hand one row over; False when the pass has to stop before it."""
        try:
            verdict = self._ask(letter)
        except GateClosed:
            self._report.gate_closed = True
            return False
        if isinstance(verdict, Withheld):
            return self._not_now(row, verdict)
        began = time.perf_counter()
        outcome = self._desk.transport.hand_over(
            letter, verdict, lambda: self._ask(letter), upcoming=self._upcoming(following)
        )
        if self._settled % SAMPLED == 0:
            self._report.hand_over.append(time.perf_counter() - began)
        return self._settle(row, outcome)

    def _letters(self, rows: Sequence[ClaimedRow]) -> Iterator[Letter | None]:
        """The letters of the rows, in their order, written a few at a time."""
        for start in range(0, len(rows), WRITTEN_AHEAD):
            began = time.perf_counter()
            written = [self._written(row) for row in rows[start : start + WRITTEN_AHEAD]]
            self._report.render.append((time.perf_counter() - began) / len(written))
            yield from written

    def _written(self, row: ClaimedRow) -> Letter | None:
        """The letter of a row; None where it cannot be made, which withholds that row and no other."""
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

    def _upcoming(self, following: Letter | None) -> Envelope | None:
        """The next envelope. An announced envelope is not yet a begun message, but it is soonest followed by one: the
        watermark covers it already."""
        if following is None or following.delivery.number in self._hand.in_hand.withheld:
            return None
        if self._desk.pace.active and not self._desk.pace.has_turn(domain_of(following.envelope.recipient)):
            return None
        return following.envelope

    def _settle(self, row: ClaimedRow, outcome: Outcome) -> bool:
        match outcome:
            case Accepted(code, enhanced, text):
                self._answered(row, "accepted", code, enhanced, text)
            case Rejected(code=code, enhanced=enhanced, text=text, stage=stage):
                self._report.dead_addresses += outcome.cause is Cause.ADDRESS_DEAD
                self._report.authentication += outcome.cause is Cause.AUTHENTICATION
                self._answered(row, "rejected", code, enhanced, text, stage)
            case Uncertain(text):
                self._answered(row, "uncertain", None, None, text)
            case NotBegun(verdict=None):
                self._report.gate_closed = True
                return False
            case NotBegun(verdict=Withheld() as verdict):
                return self._not_now(row, verdict)
            case Deferred(spends_attempt=False):
                self._desk.pace.slow_down(domain_of(row.address or ""), outcome)
                self._report.smarthost_away = True
                return False
            case Deferred():
                self._desk.pace.slow_down(domain_of(row.address or ""), outcome)
                self._defer(row, outcome)
        return True

    def _defer(self, row: ClaimedRow, outcome: Deferred) -> None:
        chance = random.random()  # noqa: S311 (spreads retries, guards nothing)
        due_at = self._desk.retries.next_try(row.tries + 1, utc_now(), chance)
        status = "deferred" if due_at <= self._desk.last_moment else "expired"
        self._desk.journal.replied(row.delivery, status, outcome.code)
        self._add(
            Result(
                row.delivery.number,
                row.attempt,
                status,
                due_at=due_at if status == "deferred" else None,
                spends_try=True,
                code=outcome.code,
                enhanced=outcome.enhanced,
                reply=outcome.text,
                at=time.time(),
                stage=outcome.stage,
            )
        )

    def _not_now(self, row: ClaimedRow, verdict: Withheld) -> bool:
        """Note a refusal of the gate; False where it holds for the rest of the batch as well."""
        if verdict.final:
            self._add(Result(row.delivery.number, row.attempt, "withheld", reason=verdict.reason))
        elif verdict.reason in ENDING_REASONS:
            return False
        else:
            self._unsent.append(row)
        return True

    def _answered(
        self,
        row: ClaimedRow,
        status: str,
        code: int | None,
        enhanced: str | None,
        text: str,
        stage: str | None = None,
    ) -> None:
        number = row.delivery.number
        self._desk.journal.replied(row.delivery, status, code)
        now = time.time()
        self._add(Result(number, row.attempt, status, None, None, False, code, enhanced, text, now, stage))

    def _add(self, result: Result) -> None:
        self._results.append(result)
        self._report.count(result.status, result.reason)
        self._settled += 1

    def _open(self, index: int) -> bool:
        """Have the watermark cover this row and the next before either is begun or announced, and record what there is
        from time to time; False when the batch is somebody else's by now."""
        last = len(self._hand.rows) - 1
        now = time.monotonic()
        if min(index + 1, last) <= self._opened_to and now - self._recorded_at < RECORD_SECONDS:
            return True
        rate = self._settled / max(now - self._began_at, 0.001)
        # Never back: what was opened once stays so until the batch is let go.
        self._opened_to = max(self._opened_to, min(index + max(AHEAD_ROWS, int(rate * AHEAD_SECONDS)), last))
        number = self._hand.rows[self._opened_to].delivery.number
        results, self._results = self._results, []
        self._recorded_at = now
        began = time.perf_counter()
        held = ledger.open_rows(self._desk.engine, self._hand, number, self._desk.carrier, results)
        self._report.record.append(time.perf_counter() - began)
        return held
