"""Workers on the real ledger that stall, die, lose their host and come back, in every order that chance finds.

What holds after each step: the accounts add up; no message is completed twice; a row says nothing that is not so; it
only makes the moves of the table; and nothing waits in a campaign that is over.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from campaigns.clock import utc_now
from campaigns.delivery import ledger
from campaigns.delivery.journal import SUFFIX, Journal
from campaigns.delivery.ledger import BatchRef, Hand
from campaigns.delivery.recovery import settle_legacies
from campaigns.delivery.results import Carrier, Result
from campaigns.delivery.status import OPEN, may_follow
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.support.register import CAMPAIGN, PEOPLE, Register, made_register

CARRIER = Carrier("main", "self")
BATCH = BatchRef(CAMPAIGN, 1)
PAST = datetime(2026, 11, 1, tzinfo=UTC)
#: What a server may answer, and whether it then has the message.
ANSWERS = {"accepted": True, "rejected": False, "deferred": False, "taken and silent": True, "silent": False}
OWNERS = count(1)


@dataclass
class Worker:
    """One connection: what it holds and how far it is."""

    owner: str = ""
    journal: Journal | None = None
    hand: Hand | None = None
    opened: int = 0
    done: int = 0
    in_flight: bool = False
    results: list[Result] = field(default_factory=list)

    @property
    def has_next(self) -> bool:
        return (
            self.hand is not None and not self.in_flight and self.done < min(self.opened, len(self.hand.rows))
        )


class LedgerMachine(RuleBasedStateMachine):
    """Two workers, one batch."""

    def __init__(self, register: Register, folder: Path) -> None:
        super().__init__()
        self.engine, self.folder = register.engine, folder
        self.workers = [Worker(), Worker()]
        self.sink: Counter[int] = Counter()
        self.moves = 1
        self.anew()
        self.statuses = self.look()

    def anew(self) -> None:
        for path in self.folder.glob("*"):
            path.unlink()
        with writing(self.engine) as connection:
            for table in (schema.attempt, schema.batch):
                connection.execute(sa.delete(table))
            fresh = {"status": "pending", "attempt": 0, "tries": 0, "due_at": None, "reason": None}
            moments = {"handed_over_at": None, "settled_at": None}
            connection.execute(sa.update(schema.delivery).values(**fresh, **moments))
            connection.execute(sa.update(schema.campaign).values(status="sending", closed_at=None))
            whole = {"channel": "email", "first_number": 1, "last_number": len(PEOPLE)}
            connection.execute(sa.insert(schema.batch).values(campaign_id=CAMPAIGN, batch_no=1, **whole))

    def look(self) -> dict[int, str]:
        row = schema.delivery.c
        with reading(self.engine) as connection:
            return {
                item.number: item.status for item in connection.execute(sa.select(row.number, row.status))
            }

    @property
    def busy(self) -> bool:
        return any(worker.hand is not None for worker in self.workers)

    # What workers do.

    @rule(
        which=st.integers(0, 1),
        rows=st.integers(1, 4),
        answer=st.sampled_from(["accepted", *sorted(ANSWERS)]),
        hangs=st.booleans(),
    )
    def step(self, which: int, rows: int, answer: str, *, hangs: bool) -> None:
        """A worker does what comes next; sometimes it only begins a message and hangs."""
        worker = self.workers[which]
        if worker.hand is None:
            self.claim(which)
        elif worker.in_flight:
            self.answer(which, answer)
        elif worker.has_next:
            self.begin(which, None if hangs else answer)
        elif worker.done < len(worker.hand.rows):
            self.open_rows(which, rows)
        else:
            self.let_go(which)

    @precondition(lambda self: self.busy)
    @rule(which=st.integers(0, 1))
    def stop_early(self, which: int) -> None:
        self.let_go(which)

    def claim(self, which: int) -> None:
        worker = self.workers[which]
        if worker.hand is not None:
            return
        owner = f"owner-{next(OWNERS)}"
        hand = ledger.claim(self.engine, BATCH, owner)
        self.moves = 2  # what the last owner left is settled and taken in one step
        if hand is not None:
            journal = Journal(self.folder, owner)
            journal.start(CAMPAIGN, 1, hand.fence, {row.delivery.number: row.attempt for row in hand.rows})
            self.workers[which] = Worker(owner, journal, hand)

    def open_rows(self, which: int, rows: int) -> None:
        worker = self.workers[which]
        if worker.hand is None or worker.in_flight or not worker.hand.rows:
            return
        opened = min(worker.done + rows, len(worker.hand.rows))
        number = worker.hand.rows[opened - 1].delivery.number
        if ledger.open_rows(self.engine, worker.hand, number, CARRIER, worker.results):
            worker.opened, worker.results = opened, []
        else:
            worker.results = []
            self.let_go(which)

    def begin(self, which: int, answer: str | None) -> None:
        worker = self.workers[which]
        if worker.has_next and worker.hand is not None and worker.journal is not None:
            worker.journal.begun(worker.hand.rows[worker.done].delivery)
            worker.in_flight = True
            if answer is not None:  # else it hangs for a while
                self.answer(which, answer)

    def answer(self, which: int, answer: str) -> None:
        worker = self.workers[which]
        if not worker.in_flight or worker.hand is None or worker.journal is None:
            return
        row = worker.hand.rows[worker.done]
        self.sink[row.delivery.number] += ANSWERS[answer]
        status = "uncertain" if "silent" in answer else answer
        worker.journal.replied(row.delivery, status, None)
        due_at = PAST if status == "deferred" else None
        worker.results.append(Result(row.delivery.number, row.attempt, status, due_at=due_at))
        worker.in_flight, worker.done = False, worker.done + 1

    def let_go(self, which: int) -> None:
        worker = self.workers[which]
        if worker.hand is None or worker.in_flight or worker.journal is None:
            return
        ledger.let_go(self.engine, worker.hand, CARRIER, worker.results, worker.hand.rows[worker.done :])
        worker.journal.finish()
        worker.journal.close()
        self.workers[which] = Worker()

    # What befalls them.

    @precondition(lambda self: self.busy)
    @rule(which=st.integers(0, 1), taken=st.booleans(), host_too=st.booleans())
    def die(self, which: int, *, taken: bool, host_too: bool) -> None:
        worker = self.workers[which]
        if worker.hand is None or worker.journal is None:
            return
        if worker.in_flight:
            self.sink[worker.hand.rows[worker.done].delivery.number] += taken
        worker.journal.close()
        if host_too:
            (self.folder / f"{worker.owner}{SUFFIX}").unlink()
        self.workers[which] = Worker()

    @precondition(lambda self: self.busy and any(worker.hand is None for worker in self.workers))
    @rule()
    def be_overtaken(self) -> None:
        """One stalls for so long that the other takes over."""
        self.lease_runs_out()
        self.claim(next(which for which, worker in enumerate(self.workers) if worker.hand is None))

    @precondition(lambda self: self.busy)
    @rule()
    def lease_runs_out(self) -> None:
        with writing(self.engine) as connection:
            held = sa.update(schema.batch).where(schema.batch.c.owner.is_not(None))
            connection.execute(held.values(lease_until=PAST))

    @precondition(lambda self: all(worker.hand is None for worker in self.workers))
    @rule()
    def time_passes(self) -> None:
        with writing(self.engine) as connection:
            connection.execute(sa.update(schema.batch).values(due_at=None))

    @precondition(
        lambda self: len(list(self.folder.iterdir())) > sum(item.hand is not None for item in self.workers)
    )
    @rule()
    def settle(self) -> None:
        settle_legacies(self.engine, self.folder, CARRIER)

    @precondition(lambda self: not set(self.statuses.values()) & set(OPEN))
    @rule()
    def complete(self) -> None:
        ledger.complete_if_done(self.engine, CAMPAIGN)

    # What holds.

    @invariant()
    def holds(self) -> None:
        now, before = self.look(), self.statuses
        assert len(now) == len(PEOPLE)
        for number, status in now.items():
            assert self.sink[number] <= 1, f"{number} was written to twice"
            if status == "accepted":
                assert self.sink[number] == 1, f"{number} has nothing"
            if status in ("pending", "deferred", "rejected", "expired"):
                assert self.sink[number] == 0, f"{number} is {status} and has its message"
            assert self.may_be(before[number], status), f"{number}: {before[number]} -> {status}"
        self.statuses, self.moves = now, 1
        with reading(self.engine) as connection:
            campaign = connection.execute(sa.select(schema.campaign.c.status)).scalar_one()
        assert campaign == "sending" or not set(now.values()) & set(OPEN), now

    def may_be(self, before: str, after: str) -> bool:
        if before == after or may_follow(before, after):  # type: ignore[arg-type]  # words of the schema
            return True
        return self.moves == 2 and after == "sending" and before in ("sending", "uncertain")

    def teardown(self) -> None:
        """In the end, with everybody dead and settled, the rest goes out and the accounts close."""
        for which in (0, 1):
            self.die(which, taken=True, host_too=False)
            self.holds()
        self.settle()
        self.holds()
        for _ in range(3):
            self.lease_runs_out()
            self.time_passes()
            self.claim(0)
            self.holds()
            for _row in PEOPLE:
                self.open_rows(0, 4)
                self.begin(0, "accepted")
                self.holds()
            self.let_go(0)
            self.holds()
        self.complete()
        self.holds()
        assert not set(self.look().values()) & set(OPEN)
        assert self.sink.total() + sum(status != "accepted" for status in self.look().values()) >= len(PEOPLE)


@pytest.fixture
def register(database_url: str, tmp_path: Path) -> Iterator[Register]:
    with made_register(database_url, tmp_path / "secrets") as made:
        yield made


def test_no_order_of_stalls_and_deaths_breaks_the_ledger(register: Register, tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    folder.mkdir()
    share = 6 if register.engine.dialect.name == "sqlite" else 12
    examples = settings().max_examples // share  # 16 and 8; `make fuzz` looks longer
    run_state_machine_as_test(
        lambda: LedgerMachine(register, folder),  # type: ignore[arg-type]  # it is called, no more
        settings=settings(max_examples=examples, stateful_step_count=30),
    )


def test_a_put_off_reply_that_comes_after_the_campaign_is_over_opens_nothing(
    register: Register, tmp_path: Path
) -> None:
    """The stalled owner of a batch that others finished learns that its message was put off."""
    folder = tmp_path / "journal"
    folder.mkdir()
    machine = LedgerMachine(register, folder)
    machine.claim(0)
    machine.open_rows(0, 4)
    machine.begin(0, None)
    machine.lease_runs_out()
    machine.claim(1)
    machine.let_go(1)
    machine.complete()
    assert set(machine.look().values()) == {"uncertain"}
    machine.answer(0, "deferred")
    machine.let_go(0)
    statuses = machine.look()
    assert statuses.pop(1) in ("uncertain", "expired")
    with reading(register.engine) as connection:
        assert connection.execute(sa.select(schema.campaign.c.closed_at)).scalar_one() <= utc_now()
    machine.holds()
