"""Commits shared by many requests: what comes while one transaction is on its way goes into the next.

Promise: a caller hears what became of its own item only after the commit that holds it and, where it asks
for that, not before the moment from which a "no" binds; the wait holds no thread. An error that is not the
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

Item = TypeVar("Item")
Result = TypeVar("Result")
#: Does the work of many in one transaction: a result for each, and the moment (boot seconds) from which on
#: those who recorded a "no" may be answered.
Commit = Callable[[Sequence[Item]], tuple[Sequence[Result], float]]
#: How much one transaction takes on, in the weights of its items.
MOST: Final = 1_000


class SharedCommit(Generic[Item, Result]):
    """One line of transactions, each in the same thread."""

    def __init__(self, commit: Commit[Item, Result], name: str) -> None:
        self._commit = commit
        self._thread = ThreadPoolExecutor(1, name)
        self._waiting: deque[tuple[Item, int, asyncio.Future[tuple[Result, float]]]] = deque()
        self._runner: asyncio.Task[None] | None = None

    async def hand_in(self, item: Item, *, binds: bool, weight: int = 1) -> Result:
        """What became of an item; with `binds`, not before it binds everywhere.

        Raises:
            Unreachable: the database is away; nothing may be answered but "try again".
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[Result, float]] = loop.create_future()
        self._waiting.append((item, weight, future))
        if self._runner is None or self._runner.done():
            self._runner = loop.create_task(self._run(loop))
        result, answer_at = await future
        if binds:
            await asyncio.sleep(answer_at - boot_seconds())
        return result

    async def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._waiting:
            batch = self._next_batch()
            answers = await loop.run_in_executor(self._thread, self._answers, [item for item, _ in batch])
            for (_, future), answer in zip(batch, answers, strict=True):
                if future.done():
                    continue  # its caller is gone
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)

    def _next_batch(self) -> list[tuple[Item, asyncio.Future[tuple[Result, float]]]]:
        total = 0
        batch: list[tuple[Item, asyncio.Future[tuple[Result, float]]]] = []
        while self._waiting and (not batch or total + self._waiting[0][1] <= MOST):
            item, weight, future = self._waiting.popleft()
            total += weight
            batch.append((item, future))
        return batch

    def _answers(self, items: Sequence[Item]) -> Sequence[tuple[Result, float] | Exception]:
        try:
            results, answer_at = self._commit(items)
        except Unreachable as error:
            return [error] * len(items)
        except Exception as error:  # noqa: BLE001 (it is handed to the callers, whose guard answers for it)
            return [error] if len(items) == 1 else [self._answers([item])[0] for item in items]
        return [(result, answer_at) for result in results]
