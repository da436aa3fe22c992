"""When to try again, and when to give up. Pure.

A recipient's transient refusal is retried after 15 minutes, 30 minutes, an hour, then every two to three
hours, until the campaign's deadline or, without one, four days after expansion (RFC 5321 4.5.4.1 asks for
four to five, and that all of it can be configured). A smarthost that is away pauses as a whole, from five
seconds doubling to five minutes, and costs nobody a try; nor does any other waiting.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Retries:
    """How long to wait for what."""

    #: After the first spent try, after the second, and so on.
    first_waits: tuple[timedelta, ...] = (timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1))
    #: After all further ones.
    later_wait: timedelta = timedelta(hours=2)
    #: Later waits are stretched by up to this much, the first ones by up to a tenth, so that retries of one
    #: moment spread out.
    later_spread: timedelta = timedelta(hours=1)
    #: How long after expansion a delivery is given up, where the campaign has no deadline.
    give_up_after: timedelta = timedelta(days=4)
    #: How long a smarthost rests after the first failure, and at most.
    shortest_pause: timedelta = timedelta(seconds=5)
    longest_pause: timedelta = timedelta(minutes=5)

    def next_try(self, tries: int, now: datetime, chance: float) -> datetime:
        """When to try again after the `tries`-th spent try (1 is the first); `chance` from 0 to 1 spreads it."""
        if tries <= len(self.first_waits):
            wait = self.first_waits[tries - 1]
            return now + wait + wait * 0.1 * chance
        return now + self.later_wait + self.later_spread * chance

    def last_moment(self, expanded_at: datetime, deadline: datetime | None) -> datetime:
        """After this moment a delivery that was put off is not tried again."""
        return deadline if deadline is not None else expanded_at + self.give_up_after

    def smarthost_pause(self, failures: int) -> timedelta:
        """How long a smarthost rests after its `failures`-th failure in a row (1 is the first)."""
        doublings: int = min(failures - 1, 10)
        return min(self.shortest_pause * (1 << doublings), self.longest_pause)
