"""Commits shared by requests: each caller hears of its own item, a failure hits only those who cause it."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence

import pytest

from campaigns.clock import boot_seconds
from campaigns.errors import Unreachable
from campaigns.register.permit import Binding
from workers.shared_commits import MOST, SharedCommit


class Ledger:
    """A commit that takes a while, writes down who shared it, and fails where an item says so."""

    def __init__(self, wait: float = 0.0, keep: Callable[[], None] = lambda: None) -> None:
        self.commits: list[list[int]] = []
        self.threads: set[str] = set()
        self.wait, self.keep = wait, keep

    def __call__(self, items: Sequence[int]) -> tuple[list[int], Binding]:
        self.threads.add(threading.current_thread().name)
        time.sleep(0.02)
        if any(item == 13 for item in items):
            raise ValueError("13")
        if any(item == 99 for item in items):
            raise Unreachable
        self.commits.append(list(items))
        return [item * 10 for item in items], Binding(boot_seconds() + self.wait, self.keep)


def hand_in(ledger: Ledger, items: Sequence[int], *, binds: bool = False, weight: int = 1) -> list[object]:
    """All at once; what each of them heard."""

    async def work() -> list[object]:
        shared: SharedCommit[int, int] = SharedCommit(ledger, "test")
        calls = (shared.hand_in(item, binds=binds, weight=weight) for item in items)
        return list(await asyncio.gather(*calls, return_exceptions=True))

    return asyncio.run(work())


def test_those_who_wait_share_the_next_commit() -> None:
    ledger = Ledger()
    assert hand_in(ledger, range(10)) == [number * 10 for number in range(10)]
    assert sum(len(commit) for commit in ledger.commits) == 10
    assert len(ledger.commits) <= 2
    assert len(ledger.threads) == 1


def test_the_wait_of_a_no_holds_no_thread_and_nobody_else() -> None:
    ledger = Ledger(wait=0.3)
    started = boot_seconds()

    async def work() -> float:
        shared: SharedCommit[int, int] = SharedCommit(ledger, "test")
        noes = [asyncio.create_task(shared.hand_in(item, binds=True)) for item in range(100, 300)]
        await shared.hand_in(500, binds=False)
        quick = boot_seconds() - started
        await asyncio.gather(*noes)
        return quick

    assert asyncio.run(work()) < 0.25
    assert boot_seconds() - started >= 0.3


def test_a_slow_disk_holds_up_a_no_and_no_other_transaction() -> None:
    began = threading.Event()
    may_end = threading.Event()

    def keep() -> None:
        began.set()
        assert may_end.wait(10)

    async def work() -> tuple[bool, int]:
        shared: SharedCommit[int, int] = SharedCommit(Ledger(keep=keep), "test")
        no = asyncio.create_task(shared.hand_in(1, binds=True))
        await asyncio.to_thread(began.wait, 10)
        await shared.hand_in(2, binds=False)
        early = no.done()
        may_end.set()
        return early, await no

    assert asyncio.run(work()) == (False, 10)


def test_what_is_not_kept_for_certain_is_not_answered() -> None:
    def fails() -> None:
        raise Unreachable("the disk is full")

    async def work() -> list[object]:
        shared: SharedCommit[int, int] = SharedCommit(Ledger(keep=fails), "test")
        calls = (shared.hand_in(item, binds=binds) for item, binds in ((1, True), (2, True), (3, False)))
        return list(await asyncio.gather(*calls, return_exceptions=True))

    first, second, other = asyncio.run(work())
    assert (type(first), type(second), other) == (Unreachable, Unreachable, 30)


def test_a_failure_is_told_to_those_who_cause_it_only() -> None:
    answers = hand_in(Ledger(), [1, 13, 2])
    assert (answers[0], answers[2]) == (10, 20)
    assert isinstance(answers[1], ValueError)


def test_an_unknown_outcome_is_told_to_all_who_share_it() -> None:
    async def work() -> list[object]:
        shared: SharedCommit[int, int] = SharedCommit(Ledger(), "test")
        first = asyncio.create_task(shared.hand_in(1, binds=False))
        await asyncio.sleep(0.005)  # on its way alone
        rest = [shared.hand_in(item, binds=False) for item in (2, 99, 3)]
        return [await first, *await asyncio.gather(*rest, return_exceptions=True)]

    first, *rest = asyncio.run(work())
    assert first == 10
    assert {type(answer) for answer in rest} == {Unreachable}


def test_a_commit_takes_on_so_much_and_no_more() -> None:
    ledger = Ledger()
    hand_in(ledger, range(7), weight=MOST // 2)
    assert max(len(commit) for commit in ledger.commits) == 2
    heavy = Ledger()
    assert hand_in(heavy, [4], weight=5 * MOST) == [40]


def test_a_caller_who_is_gone_harms_nobody() -> None:
    async def work() -> int:
        shared: SharedCommit[int, int] = SharedCommit(Ledger(), "test")
        gone = asyncio.create_task(shared.hand_in(1, binds=False))
        await asyncio.sleep(0.005)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        return await shared.hand_in(2, binds=False)

    assert asyncio.run(work()) == 20
