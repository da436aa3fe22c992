"""How fast this process sends: rates, warm-ups, limits per destination domain, and slowing down when asked to.

Promise: with the shared limits at hand, all senders together keep to them; without, each thread keeps to its own share,
which together is never more. A smarthost or domain that asks for patience (421, 4.7.x) is given half the rate, for all
machines, and gets the full rate back slowly; where no rate is set, half of what a thread was seen to do.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from campaigns.clock import boot_seconds
from campaigns.delivery import warm_up
from campaigns.delivery.pacing import Bucket
from campaigns.delivery.warm_up import WarmUp
from workers.settings import Settings
from workers.settings_traffic import DomainLimit
from workers.shared_limits import COOLDOWN_SECONDS, RECOVERY_SECONDS, SLOWEST, LimitsAway, SharedLimits

#: A thread takes the turns of so many seconds at a time, and uses them within `STALE_SECONDS` or not at all.
GRANT_SECONDS: Final = 0.05
MOST_TURNS: Final = 500
STALE_SECONDS: Final = 1.0
#: Of a warm-up's day a pass takes so many at a time.
WARM_UP_SHARE: Final = 20
#: By how many threads a rate is divided without shared limits, where the connections are not limited either.
UNKNOWN_THREADS: Final = 64
#: What a thread is held to that was asked for patience before it was ever measured, in messages per second.
UNMEASURED_RATE: Final = 20.0
#: A limited domain whose connections are all in use is tried again after so many seconds.
BUSY_SECONDS: Final = 2.0


@dataclass
class Meter:
    """What a thread was seen to do at full speed, in messages per second."""

    rate: float = 0.0

    def note(self, messages: int, seconds: float) -> None:
        """Take a pass into account."""
        if messages and seconds > 0:
            seen = messages / seconds
            self.rate = seen if not self.rate else 0.7 * self.rate + 0.3 * seen


@dataclass
class Hand:
    """What one thread keeps from pass to pass: its name as a holder of slots, turns it took, what it was seen to do."""

    holder: str
    turns: dict[str, Turns] = field(default_factory=dict)
    meters: dict[str, Meter] = field(default_factory=dict)
    slots: set[str] = field(default_factory=set)

    def meter(self, smarthost: str) -> Meter:
        """What this thread was seen to do on a smarthost."""
        return self.meters.setdefault(smarthost, Meter())


def present(shared: SharedLimits | None) -> SharedLimits:
    """The shared limits, where there are any.

    Raises:
        LimitsAway: this process is alone.
    """
    if shared is None:
        raise LimitsAway
    return shared


class Turns:
    """One thread's turns at one rate, some taken ahead."""

    def __init__(self, shared: SharedLimits | None, name: str, rate: float, threads: int) -> None:
        self._shared, self._name, self._rate, self._share = shared, name, rate, rate / threads
        self._bucket = Bucket()
        self._left, self._stale_at = 0, 0.0
        self._queue_ends = 0.0

    def take(self, speed: float) -> float:
        """Take a turn (0), or learn how many seconds to wait. `speed` matters where the shared limits are away."""
        if self.has_one():
            self._left -= 1
            return 0.0
        wanted = max(1, min(int(self._rate * GRANT_SECONDS), MOST_TURNS))
        try:
            grant = present(self._shared).take(self._name, self._rate, wanted)
        except LimitsAway:
            return self._bucket.take(self._share * speed)
        self._queue_ends = boot_seconds() + grant.ahead
        if not grant.turns:
            return max(grant.wait, 0.001)
        self._left, self._stale_at = grant.turns - 1, boot_seconds() + STALE_SECONDS
        return 0.0

    def has_one(self) -> bool:
        """Whether a turn lies ready."""
        return self._left > 0 and boot_seconds() < self._stale_at

    def keep(self) -> None:
        """Put a turn back that was taken and not used."""
        if boot_seconds() < self._stale_at:
            self._left += 1

    @property
    def queue_seconds(self) -> float:
        """How far ahead others have queued up, as last heard."""
        return self._queue_ends - boot_seconds()

    def queue_up(self, count: int) -> tuple[float, float]:
        """Queue up so many: seconds until the first, and between them."""
        try:
            return present(self._shared).queue_up(self._name, self._rate, count)
        except LimitsAway:
            return 1.0, 1 / self._share


class Pacer:
    """All limits of one process. Safe for threads."""

    def __init__(self, settings: Settings, engine: sa.Engine, shared: SharedLimits | None) -> None:
        self.settings, self.engine, self.shared = settings, engine, shared
        self.domains: Mapping[str, DomainLimit] = settings.limits.domains
        self._zone = ZoneInfo(settings.time_zone)
        self._lock = threading.Lock()
        self._speeds: dict[str, _Speed] = {}

    def today(self) -> date:
        """The date where the controller is."""
        return datetime.now(self._zone).date()

    def until_tomorrow(self) -> float:
        """Seconds until the next day begins there."""
        now = datetime.now(self._zone)
        following = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), self._zone)
        return (following - now).total_seconds()

    def holds_connection(self, smarthost: str, hand: Hand) -> bool:
        """Whether this thread may have a connection to a smarthost, now and for the next quarter of a minute."""
        slots, name = self.settings.smarthosts[smarthost].limits.connections, f"smarthost:{smarthost}"
        if slots is None or self.shared is None:
            return True
        held = self.holds(name, hand.holder, slots)
        if held is None:
            return name in hand.slots  # nobody can be asked: who has one goes on
        (hand.slots.add if held else hand.slots.discard)(name)
        return held

    def leaves_connection(self, smarthost: str, hand: Hand) -> None:
        """Give up this thread's connection to a smarthost."""
        name = f"smarthost:{smarthost}"
        if name in hand.slots:
            hand.slots.discard(name)
            self.let_go(name, hand.holder)

    def holds(self, name: str, holder: str, slots: int) -> bool | None:
        """Hold a slot, or hold it longer; None where that cannot be told."""
        if self.shared is None:
            return None
        try:
            return self.shared.hold(name, holder, slots)
        except LimitsAway:
            return None

    def let_go(self, name: str, holder: str) -> None:
        """Free a slot."""
        if self.shared is not None:
            self.shared.let_go(name, holder)

    def turns(self, hand: Hand, name: str, rate: float, threads: int | None) -> Turns:
        """This thread's turns at a rate."""
        if name not in hand.turns:
            sharers = 1 if self.shared is None else threads or UNKNOWN_THREADS
            hand.turns[name] = Turns(self.shared, name, rate, sharers)
        return hand.turns[name]

    def speed(self, name: str) -> float:
        """How fast to go, as a share of the full rate; heard from the others once a second."""
        with self._lock:
            known = self._speeds.setdefault(name, _Speed())
            if self.shared is not None and time.monotonic() >= known.heard_at + 1.0:
                known.heard_at = time.monotonic()
                with suppress(LimitsAway):
                    known.hear(self.shared.speed(name))
            return known.now()

    def slow_down(self, name: str) -> None:
        """Halve the speed of a smarthost or a domain, for everybody."""
        with self._lock:
            known = self._speeds.setdefault(name, _Speed())
            try:
                known.hear(present(self.shared).slow_down(name))
            except LimitsAway:
                known.halve()


@dataclass
class _Speed:
    """How fast to go, as far as this process knows; grows back by itself."""

    value: float = 1.0
    at: float = 0.0
    cut_at: float = -math.inf
    heard_at: float = -math.inf

    def hear(self, value: float) -> None:
        self.value, self.at = value, time.monotonic()

    def halve(self) -> None:
        now = time.monotonic()
        if now - self.cut_at >= COOLDOWN_SECONDS:
            self.value, self.at, self.cut_at = max(SLOWEST, self.now() / 2), now, now

    def now(self) -> float:
        return min(1.0, self.value + (time.monotonic() - self.at) / RECOVERY_SECONDS)


class Allowance:
    """What a pass may still send under one warm-up today."""

    def __init__(self, pacer: Pacer, scope: str, ramp: WarmUp) -> None:
        self._pacer, self._scope, self._ramp = pacer, scope, ramp
        self._day = pacer.today()
        self._left = 0

    def ask(self) -> float:
        """0 where one more may go, else seconds until the next day."""
        cap = self._ramp.cap(self._day)
        if cap is None or self._left:
            return 0.0
        self._left = warm_up.take(self._pacer.engine, self._scope, self._day, cap, WARM_UP_SHARE)
        return 0.0 if self._left else self._pacer.until_tomorrow()

    def use(self) -> None:
        """One more goes."""
        self._left = max(0, self._left - 1)

    def finish(self) -> None:
        """Give back what was not used."""
        if self._left:
            warm_up.give_back(self._pacer.engine, self._scope, self._day, self._left)
            self._left = 0
