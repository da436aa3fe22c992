"""When to try again, and when to give up. Pure.

A recipient's transient refusal is retried after 15 minutes, 30 minutes, an hour, then every two to three
hours, until the campaign's deadline or, without one, four days after expansion (RFC 5321 4.5.4.1 asks for
four to five). A smarthost that is away pauses as a whole, from five seconds doubling to five minutes, and
costs nobody a try.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

FIRST_WAITS: Final = (timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1))
LATER_WAIT: Final = timedelta(hours=2)
#: Later waits are stretched by up to this much, so that retries of one moment spread out.
LATER_SPREAD: Final = timedelta(hours=1)
GIVE_UP_AFTER: Final = timedelta(days=4)
SMARTHOST_PAUSE: Final = (timedelta(seconds=5), timedelta(minutes=5))


def next_try(tries: int, now: datetime, chance: float) -> datetime:
    """When to try again after the `tries`-th spent try (1 is the first); `chance` from 0 to 1 spreads the moment."""
    if tries <= len(FIRST_WAITS):
        wait = FIRST_WAITS[tries - 1]
        return now + wait + wait * 0.1 * chance
    return now + LATER_WAIT + LATER_SPREAD * chance


def last_moment(expanded_at: datetime, deadline: datetime | None) -> datetime:
    """After this moment a delivery that still waits has expired."""
    return deadline if deadline is not None else expanded_at + GIVE_UP_AFTER


def smarthost_pause(failures: int) -> timedelta:
    """How long a smarthost rests after its `failures`-th failure in a row (1 is the first)."""
    shortest, longest = SMARTHOST_PAUSE
    doublings: int = min(failures - 1, 10)
    return min(shortest * (1 << doublings), longest)
