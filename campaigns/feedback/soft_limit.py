"""When soft failures in a row are enough. Pure.

Promise: the answer depends only on which deliveries were made when and what is known of each, never on the
order in which it became known. A delivery succeeds by news of it, or by silence for longer than mail systems
keep trying. Source: the custom of three failures in a row, spread over more than two weeks, which a success
ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

#: So many failures in a row, the first and the last so far apart.
LIMIT: Final = 3
SPREAD: Final = timedelta(days=14)
#: Older deliveries do not count.
WINDOW: Final = timedelta(days=180)
#: After so long without news a delivery is taken to have arrived (RFC 5321 4.5.4.1: mail systems try for 4-5 days).
QUIET: Final = timedelta(days=6)

News = Literal["failed", "arrived", "nothing"]


@dataclass(frozen=True)
class Outing:
    """One delivery to an address: when it was handed over, and what was heard of it."""

    at: datetime
    news: News


def limit_reached(outings: Iterable[Outing], now: datetime) -> bool:
    """Whether the last deliveries that anything is known of all failed, often and long enough."""
    failed: list[datetime] = []
    for outing in sorted(outings, key=lambda outing: outing.at, reverse=True):
        if outing.at < now - WINDOW:
            break
        if outing.news == "failed":
            failed.append(outing.at)
        elif outing.news == "arrived" or outing.at < now - QUIET:
            break
    return len(failed) >= LIMIT and failed[0] - failed[-1] > SPREAD
