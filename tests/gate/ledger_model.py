"""Every interleaving of claim, watermark, journal, kill, lease and recovery, within small bounds.

One batch of two messages, two workers on two machines, one fault. There is no clock in it: a lease may run out at any
moment, so what holds here does not rest on timing. The promise is broken when a message reaches the sink twice, when
one is called accepted that never did, or when more are uncertain after a kill than one per connection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from tests.gate.exploring import Steps, explore

MESSAGES = 2


@dataclass(frozen=True)
class LedgerRules:
    """The protocol, with its tempting alternatives, and the faults."""

    #: What the journal holds before the dot: that the message has begun, or nothing.
    journal: Literal["begun and replies", "replies"] = "begun and replies"
    #: What becomes of the rows of a lease that ran out, up to the watermark and above it.
    expired_opened: Literal["uncertain", "pending"] = "uncertain"
    #: Whether an owner whose watermark is refused lets go of the rest.
    heeds_fence: bool = True
    #: Whether a journal is read as proof only under its dead owner's lock, and only while the machine has not booted.
    needs_lock: bool = True
    needs_boot: bool = True
    #: Whether an owner that gives rows back has let go of them.
    lets_go: bool = True
    #: Whether late replies still settle their own attempt.
    late_replies: bool = True
    leases_run_out: bool = True
    kills: int = 1
    crashes: int = 0


class Row(NamedTuple):
    """One delivery."""

    status: str = "pending"
    attempt: int = 0


class Batch(NamedTuple):
    """The unit of leasing: its fence, its owner, and up to where it is opened."""

    fence: int = 0
    owner: int = -1
    opened: int = 0


class Worker(NamedTuple):
    """One connection. `hand` are the messages it holds, `at` the one it is at; `attempts` as it claimed them."""

    phase: str = "idle"
    hand: tuple[int, ...] = ()
    at: int = 0
    fence: int = 0
    attempts: tuple[int, ...] = ()
    accepted: tuple[int, ...] = ()


class Ledger(NamedTuple):
    """Everything at one moment."""

    batch: Batch = Batch()
    rows: tuple[Row, ...] = (Row(),) * MESSAGES
    workers: tuple[Worker, ...] = (Worker(), Worker())
    journals: tuple[frozenset[tuple[str, int]], ...] = (frozenset(), frozenset())
    journal_fences: tuple[int, ...] = (0, 0)
    booted: tuple[bool, ...] = (False, False)
    sink: tuple[int, ...] = (0,) * MESSAGES
    faults: int = 0


class LedgerModel:
    """The steps that a ledger may take under some rules."""

    def __init__(self, rules: LedgerRules) -> None:
        self.rules = rules

    def steps(self, state: Ledger) -> Steps:
        """All steps from here, named."""
        for number in range(len(state.workers)):
            yield from self._work(state, number)
            yield from self._faults(state, number)
            yield from self._recover(state, number)

    def _work(self, state: Ledger, number: int) -> Steps:
        worker, name = state.workers[number], f"worker {number}"
        if worker.phase == "idle":
            yield from self._claim(state, number)
        elif worker.phase == "next":
            yield from self._next(state, number)
        elif worker.phase == "opened":
            noted = self._noted(state, number, "begun") if self.rules.journal != "replies" else state
            yield f"{name}: body, begun", _with(noted, number, worker._replace(phase="begun"))
        elif worker.phase == "begun":
            message = worker.hand[worker.at]
            sink = _put(state.sink, message, state.sink[message] + 1)
            yield f"{name}: dot", _with(state._replace(sink=sink), number, worker._replace(phase="dotted"))
        elif worker.phase == "dotted":
            noted = self._noted(state, number, "reply")
            after = worker._replace(
                phase="next", at=worker.at + 1, accepted=(*worker.accepted, worker.hand[worker.at])
            )
            yield f"{name}: 250", _with(noted, number, after)
        elif worker.phase == "recording":
            yield f"{name}: record", self._recorded(state, number)

    def _claim(self, state: Ledger, number: int) -> Steps:
        batch = state.batch
        ran_out = batch.owner >= 0
        if (ran_out and not self.rules.leases_run_out) or batch.fence >= 3:
            return
        rows = state.rows
        if ran_out:
            rows = tuple(self._settled(row, index, batch) for index, row in enumerate(rows))
        hand = tuple(index for index, row in enumerate(rows) if row.status == "pending")
        rows = tuple(
            Row("sending", row.attempt + 1) if index in hand else row for index, row in enumerate(rows)
        )
        claimed = state._replace(batch=Batch(batch.fence + 1, number, 0), rows=rows)
        if hand:
            attempts = tuple(rows[index].attempt for index in hand)
            worker = Worker("next", hand, 0, batch.fence + 1, attempts)
            yield (
                f"worker {number}: claim" + (" after the lease ran out" if ran_out else ""),
                _with(claimed, number, worker)._replace(
                    journals=_put(state.journals, number, frozenset()),
                    journal_fences=_put(state.journal_fences, number, batch.fence + 1),
                ),
            )
        elif ran_out and rows != state.rows:
            yield (
                f"worker {number}: finds nothing to do",
                state._replace(batch=batch._replace(owner=-1), rows=rows),
            )

    def _settled(self, row: Row, index: int, batch: Batch) -> Row:
        if row.status != "sending":
            return row
        return row._replace(status=self.rules.expired_opened if index < batch.opened else "pending")

    def _next(self, state: Ledger, number: int) -> Steps:
        worker, name = state.workers[number], f"worker {number}"
        if worker.at == len(worker.hand):
            yield f"{name}: all handed over", _with(state, number, worker._replace(phase="recording"))
            return
        stale = state.batch.fence != worker.fence
        if not stale:
            opened = state._replace(batch=state.batch._replace(opened=worker.hand[worker.at] + 1))
            yield f"{name}: watermark", _with(opened, number, worker._replace(phase="opened"))
        elif not self.rules.heeds_fence:
            yield (
                f"{name}: watermark refused, not heeded",
                _with(state, number, worker._replace(phase="opened")),
            )
        else:
            yield f"{name}: watermark refused", _with(state, number, worker._replace(phase="recording"))
        if not stale:
            yield from self._give_back(state, number)

    def _give_back(self, state: Ledger, number: int) -> Steps:
        """The rest goes back, since nothing of it was begun: the gate is shut, or the process has to end."""
        worker = state.workers[number]
        left = worker.hand[worker.at :]
        rows = tuple(
            row._replace(status="pending") if index in left and row.status == "sending" else row
            for index, row in enumerate(state.rows)
        )
        after = worker._replace(phase="recording") if self.rules.lets_go else worker._replace(phase="opened")
        if self.rules.lets_go or state.batch.opened > worker.hand[worker.at]:
            yield f"worker {number}: gives {left} back", _with(state._replace(rows=rows), number, after)
        elif not self.rules.lets_go:
            freed = state._replace(rows=rows, batch=state.batch._replace(owner=-1))
            yield f"worker {number}: gives {left} back and keeps them in hand", _with(freed, number, after)

    def _recorded(self, state: Ledger, number: int) -> Ledger:
        worker, rows, batch = state.workers[number], state.rows, state.batch
        open_ = ("sending", "uncertain") if self.rules.late_replies else ("sending",)
        for message, attempt in zip(worker.hand, worker.attempts, strict=True):
            if (
                message in worker.accepted
                and rows[message].attempt == attempt
                and rows[message].status in open_
            ):
                rows = _put(rows, message, Row("accepted", attempt))
        if batch.fence == worker.fence:
            batch = batch._replace(owner=-1, opened=0)
        return _with(state._replace(rows=rows, batch=batch), number, Worker())

    def _faults(self, state: Ledger, number: int) -> Steps:
        rules, worker = self.rules, state.workers[number]
        if worker.phase in ("idle", "dead") or state.faults >= rules.kills + rules.crashes:
            return
        dead = _with(state, number, worker._replace(phase="dead"))._replace(faults=state.faults + 1)
        if rules.kills:
            yield f"kill: worker {number}", dead
        if rules.crashes:
            booted = dead._replace(booted=_put(state.booted, number, True))
            yield f"crash: machine {number}, its journal is on disk", booted
            empty = _put(state.journals, number, frozenset())
            yield f"crash: machine {number}, its journal's end is lost", booted._replace(journals=empty)

    def _recover(self, state: Ledger, number: int) -> Steps:
        """A successor on the same machine settles by the journal."""
        worker, batch = state.workers[number], state.batch
        alive = worker.phase not in ("dead", "idle")
        if worker.phase == "dead" and batch.owner != number:
            yield f"worker {number} is started anew", _with(state, number, Worker())
        if batch.owner != number or (alive and self.rules.needs_lock) or worker.phase == "idle":
            return
        ours = state.journal_fences[number] == batch.fence
        proof = ours and not (state.booted[number] and self.rules.needs_boot)
        rows = []
        for index, row in enumerate(state.rows):
            status = row.status
            if status == "sending":
                if ours and ("reply", index) in state.journals[number]:
                    status = "accepted"
                elif (ours and ("begun", index) in state.journals[number]) or (
                    not proof and index < batch.opened
                ):
                    status = "uncertain"
                else:
                    status = "pending"
            rows.append(row._replace(status=status))
        settled = state._replace(rows=tuple(rows), batch=batch._replace(owner=-1, opened=0))
        after = settled if alive else _with(settled, number, Worker())
        yield f"journal of worker {number} is settled", after

    def _noted(self, state: Ledger, number: int, what: str) -> Ledger:
        worker = state.workers[number]
        journal = state.journals[number] | {(what, worker.hand[worker.at])}
        return state._replace(journals=_put(state.journals, number, journal))


def _with(state: Ledger, number: int, worker: Worker) -> Ledger:
    return state._replace(workers=_put(state.workers, number, worker))


def _put(items: tuple[Any, ...], index: int, item: Any) -> tuple[Any, ...]:
    return (*items[:index], item, *items[index + 1 :])


def broken_under(rules: LedgerRules) -> Callable[[Ledger], bool]:
    """What must never be."""

    def broken(state: Ledger) -> bool:
        if max(state.sink) > 1:
            return True
        if any(
            row.status == "accepted" and not sunk for row, sunk in zip(state.rows, state.sink, strict=True)
        ):
            return True
        uncertain = sum(row.status == "uncertain" for row in state.rows)
        return not rules.leases_run_out and not rules.crashes and uncertain > state.faults

    return broken


def search_ledger(
    rules: LedgerRules, wanted: Callable[[Ledger], bool] | None = None
) -> tuple[list[str] | None, int]:
    """The shortest way to what is wanted (else to a broken promise) under these rules, and the number of states."""
    return explore(Ledger(), LedgerModel(rules).steps, wanted or broken_under(rules))
