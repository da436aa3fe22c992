"""When the next message may go: what a sender asks before each hand-over where something limits its rate.

Promise: waiting spends nobody's try; the gate is asked after the wait, never before. What is limited by
smarthost ends or delays the whole pass, what is limited by the recipient's domain only puts that row off. No
input or output here: a bucket reads a clock, and what is shared between machines comes from whoever
implements `Pace`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from campaigns.clock import boot_seconds
from campaigns.delivery.transport import Deferred

#: A burst is what flows in so many seconds, at least one message.
BURST_SECONDS: Final = 0.1
#: A pass waits up to so many seconds for its turn; then it makes room for others.
LONGEST_WAIT: Final = 1.0
LONGEST_SLEEP: Final = 0.1


@dataclass(frozen=True, slots=True)
class Hold:
    """Not now: ask again in so many seconds; `for_all` where that concerns every recipient of the pass."""

    seconds: float
    for_all: bool


class Pace(Protocol):
    """How fast one pass over a batch may go. One thread uses it at a time."""

    @property
    def active(self) -> bool:
        """Whether anything is limited; where nothing is, nothing else need be asked."""
        ...

    def turn(self, domain: str, *, again: bool) -> Hold | None:
        """Take a turn for a recipient at this domain (None), or learn how long to wait. `again` tells a row
        that was put off before from one that comes for the first time and queues up behind those."""
        ...

    def has_turn(self, domain: str) -> bool:
        """Whether the next `turn` for this domain will be granted without waiting."""
        ...

    def slow_down(self, domain: str, refusal: Deferred) -> None:
        """Hear a transient refusal: one that asks for patience slows what it concerns."""
        ...

    def put_off(self, domain: str, count: int) -> list[datetime]:
        """When so many rows of a limited domain are to be tried again, spread over what its rate allows."""
        ...

    def finish(self) -> None:
        """End the pass: what was taken and not used is given back."""
        ...


class Unpaced:
    """Nothing is limited."""

    active: Final = False

    def turn(self, domain: str, *, again: bool) -> Hold | None:
        """See `Pace`."""
        del domain, again
        return None

    def has_turn(self, domain: str) -> bool:
        """See `Pace`."""
        del domain
        return True

    def slow_down(self, domain: str, refusal: Deferred) -> None:
        """See `Pace`."""

    def put_off(self, domain: str, count: int) -> list[datetime]:
        """See `Pace`; nothing is ever put off here."""
        del domain, count
        return []

    def finish(self) -> None:
        """See `Pace`."""


UNPACED: Final = Unpaced()


def domain_of(address: str) -> str:
    """The domain that a recipient's limits go by."""
    return address.rpartition("@")[2].lower()


def wait_for_turn(
    pace: Pace, domain: str, *, again: bool, stopping: Callable[[], bool], meanwhile: Callable[[], object]
) -> Hold | None:
    """Take a turn, waiting where that does not take long; `meanwhile` is called now and then."""
    while (hold := pace.turn(domain, again=again)) is not None:
        if not hold.for_all or hold.seconds > LONGEST_WAIT or stopping():
            return hold
        meanwhile()
        time.sleep(min(hold.seconds, LONGEST_SLEEP))
    return None


class Bucket:
    """A smooth limit of one thread: messages come at equal distances, after idleness in a burst of a tenth of
    a second.

    The generic cell rate algorithm: `_next` is when the next message would be due if none came early.
    """

    __slots__ = ("_clock", "_next")

    def __init__(self, clock: Callable[[], float] = boot_seconds) -> None:
        self._clock = clock
        self._next = 0.0

    def take(self, rate: float) -> float:
        """Take a turn at so many per second: 0, or how many seconds to wait before asking again."""
        now, step = self._clock(), 1 / rate
        following = max(self._next, now)
        wait = following - now - max(BURST_SECONDS - step, 0.0)
        if wait > 0:
            return wait
        self._next = following + step
        return 0.0


def asks_for_patience(refusal: Deferred) -> bool:
    """Whether a transient refusal means "you are too fast" (421, and policy refusals 4.7.x)."""
    return refusal.code == 421 or (refusal.enhanced or "").startswith("4.7.")
