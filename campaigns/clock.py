"""Time as the rest of the code may see it: UTC instants and a clock that keeps running while the machine sleeps.

Promise: every instant that leaves here is timezone-aware UTC. Durations that guard a promise (permits, leases held in
memory) are measured with `boot_seconds`, which neither NTP steps nor suspend can bend.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present instant, timezone-aware, in UTC."""
    return datetime.now(UTC)


def boot_seconds() -> float:
    """Seconds since boot, suspend included (CLOCK_BOOTTIME where the system has it)."""
    return time.clock_gettime(_CLOCK)


def iso(instant: datetime) -> str:
    """An instant as ISO 8601 in UTC with a final Z, to the millisecond."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
