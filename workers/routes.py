"""Which smarthost carries a message: the first of a sender's list that is well and may be used.

Promise: a smarthost that was away rests for a growing pause, which all threads of the process share; when the
pause is over one thread probes it (everything but a message) and the others stay away until it answered. Its
place in the list is taken back as soon as it is well. The guard over processors is asked at every choice: a
contract that ends at midnight ends the traffic at midnight. What was refused for good or may have been
delivered is no matter of routes and is never sent by another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import structlog

from campaigns.clock import utc_now
from campaigns.delivery.policy import Retries
from campaigns.errors import GuardRefused

log = structlog.get_logger()

#: How long others wait for the one that probes.
PROBE_SECONDS: Final = 60.0
#: How long a batch rests that no smarthost may carry.
FORBIDDEN_SECONDS: Final = 300.0


@dataclass(frozen=True)
class Inspection:
    """What the routes ask of an installation: the guard (raises `GuardRefused`), a probe (what is wrong, or
    None), and today's date where the controller is."""

    guard: Callable[[str, date], None]
    probe: Callable[[str], str | None]
    today: Callable[[], date]


_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@dataclass
class _Health:
    """How a smarthost is: failures in a row, until when it rests, and who failed last."""

    failures: int = 0
    rests_until: datetime = _LONG_AGO


class Routes:
    """The smarthosts as one process knows them. Safe for threads."""

    def __init__(self, inspection: Inspection, retries: Retries) -> None:
        self._inspection, self._retries = inspection, retries
        self._lock = threading.Lock()
        self._health: dict[str, _Health] = {}
        self._refused: dict[str, date] = {}

    def choose(self, route: Sequence[str]) -> str | datetime:
        """The smarthost to use now, or when to ask again where there is none."""
        again = [utc_now() + timedelta(seconds=FORBIDDEN_SECONDS)]
        for key in route:
            if not self._allowed(key):
                continue
            until = self._rest(key)
            if until is None:
                return key
            again.append(until)
        return min(again)

    def failed(self, key: str, since: datetime) -> None:
        """A smarthost was away for a pass that began at `since`; one outage counts once, however many notice it."""
        with self._lock:
            health = self._health.setdefault(key, _Health())
            if since < health.rests_until:
                return
            self._rest_longer(health)
        log.warning("smarthost away", smarthost=key, failures=health.failures)

    def worked(self, key: str) -> None:
        """A smarthost took messages."""
        if self._health.get(key, _WELL).failures:
            with self._lock:
                self._health.pop(key, None)
            log.info("smarthost well again", smarthost=key)

    def is_well(self, key: str) -> bool:
        """Whether a smarthost has not failed lately; for metrics."""
        return self._health.get(key, _WELL).failures == 0

    def another(self, route: Sequence[str], than: str) -> bool:
        """Whether a route has another smarthost that is well."""
        return any(key != than and self.is_well(key) and self._allowed(key) for key in route)

    def _allowed(self, key: str) -> bool:
        today = self._inspection.today()
        if self._refused.get(key) == today:
            return False
        try:
            self._inspection.guard(key, today)
        except GuardRefused as error:
            self._refused[key] = today
            log.warning("smarthost forbidden", smarthost=key, problem=str(error))
            return False
        return True

    def _rest(self, key: str) -> datetime | None:
        """None where a smarthost may be used; else until when it rests. Whoever comes first after a rest
        probes it."""
        if not self._health.get(key, _WELL).failures:
            return None
        now = utc_now()
        with self._lock:
            health = self._health.get(key, _WELL)
            if not health.failures:
                return None
            if now < health.rests_until:
                return health.rests_until
            health.rests_until = now + timedelta(seconds=PROBE_SECONDS)
        problem = self._inspection.probe(key)
        if problem is None:
            self.worked(key)
            return None
        with self._lock:
            self._rest_longer(health)
            return health.rests_until

    def _rest_longer(self, health: _Health) -> None:
        health.failures += 1
        health.rests_until = utc_now() + self._retries.smarthost_pause(health.failures)


_WELL: Final = _Health()
