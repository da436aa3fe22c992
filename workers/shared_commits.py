"""Commits shared by many requests: what comes while one transaction is on its way goes into the next.

Promise: a caller hears what became of its own item only after the commit that holds it and, where it asks
for that, not before it is kept outside the database and the moment has come from which a "no" binds; that wait holds up
no other transaction. An error that is not the
database's hits only the items that cause it: they are tried again one by one, which is harmless since
everything here is idempotent. Fails with `Unreachable` for all in a transaction whose outcome is unknown.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Generic, TypeVar

from campaigns.clock import boot_seconds
from campaigns.errors import Unreachable
from campaigns.register.permit import Binding

Item = TypeVar("Item")
Result = TypeVar("Result")
#: Does the work of many in one transaction: a result for each, and when those who recorded a "no" may be answered.
Commit = Callable[[Sequence[Item]], tuple[Sequence[Result], Binding]]
#: How much one transaction takes on, in the weights of its items.
MOST: Final = 1_000
#: Where several come at once, so long a transaction waits for more: each has its price, which the others pay for by
#: waiting for Python meanwhile.
_BREATH_SECONDS: Final = 0.005
#: So many transactions may be on their way to the disk at once.
_KEEPING: Final = 4


class SharedCommit(Generic[Item, Result]):
    """One line of transactions, each in the same thread."""

    def __init__(self, commit: Commit[Item, Result], name: str) -> None:
        self._commit = commit
        self._thread = ThreadPoolExecutor(1, name)
        self._disk = ThreadPoolExecutor(_KEEPING, f"{name}-keeping")
        self._waiting: deque[tuple[Item, int, asyncio.Future[tuple[Result, _Kept]]]] = deque()
        self._runner: asyncio.Task[None] | None = None

    async def hand_in(self, item: Item, *, binds: bool, weight: int = 1) -> Result:
        """What became of an item; with `binds`, not before it binds everywhere.

        Raises:
            Unreachable: the database is away; nothing may be answered but "try again".
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[Result, _Kept]] = loop.create_future()
        self._waiting.append((item, weight, future))
        if self._runner is None or self._runner.done():
            self._runner = loop.create_task(self._run(loop))
        result, kept = await future
        if binds:
            await kept.wait()
        return result

    async def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        crowded = False
        while self._waiting:
            if crowded:
                await asyncio.sleep(_BREATH_SECONDS)
            batch = self._next_batch()
            crowded = len(batch) > 1
            answers = await loop.run_in_executor(self._thread, self._answers, [item for item, _ in batch])
            kept: dict[int, _Kept] = {}
            for (_, future), answer in zip(batch, answers, strict=True):
                if isinstance(answer, Exception):
                    if not future.done():  # else its caller is gone
                        future.set_exception(answer)
                    continue
                result, binding = answer
                if id(binding) not in kept:  # also where all callers are gone: it was recorded
                    kept[id(binding)] = _Kept(binding, self._keeping(loop, binding))
                if not future.done():
                    future.set_result((result, kept[id(binding)]))

    def _keeping(self, loop: asyncio.AbstractEventLoop, binding: Binding) -> asyncio.Future[None]:
        if binding.answer_at:
            return loop.run_in_executor(self._disk, binding.keep)
        nothing: asyncio.Future[None] = loop.create_future()
        nothing.set_result(None)
        return nothing

    def _next_batch(self) -> list[tuple[Item, asyncio.Future[tuple[Result, _Kept]]]]:
        total = 0
        batch: list[tuple[Item, asyncio.Future[tuple[Result, _Kept]]]] = []
        while self._waiting and (not batch or total + self._waiting[0][1] <= MOST):
            item, weight, future = self._waiting.popleft()
            total += weight
            batch.append((item, future))
        return batch

    def _answers(self, items: Sequence[Item]) -> Sequence[tuple[Result, Binding] | Exception]:
        try:
            results, binding = self._commit(items)
        except Unreachable as error:
            return [error] * len(items)
        except Exception as error:  # noqa: BLE001 (it is handed to the callers, whose guard answers for it)
            return [error] if len(items) == 1 else [self._answers([item])[0] for item in items]
        return [(result, binding) for result in results]


class _Kept:
    """The binding of one transaction, on its way to the disk."""

    def __init__(self, binding: Binding, keeping: asyncio.Future[None]) -> None:
        self._binding, self._keeping = binding, keeping
        keeping.add_done_callback(_heard)

    async def wait(self) -> None:
        """Until it is there and may be answered.

        Raises:
            Unreachable: it is not there for certain.
        """
        await asyncio.shield(self._keeping)
        await asyncio.sleep(self._binding.answer_at - boot_seconds())


def _heard(keeping: asyncio.Future[None]) -> None:
    """An error that nobody waits for is no news to anybody: who asks again is told."""
    if not keeping.cancelled():
        keeping.exception()
