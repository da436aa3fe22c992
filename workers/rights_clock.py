"""The scheduler's part in people's requests: letters that ask for a right become cases, and what is due is shown."""

from __future__ import annotations

from datetime import date

import structlog

from campaigns.clock import boot_seconds, utc_now
from campaigns.principal import SCHEDULER
from campaigns.rights import deadlines, listing
from campaigns.rights.taking_up import TakingUp
from campaigns.store.engine import reading
from workers.metrics import RIGHTS
from workers.wiring import Installation

log = structlog.get_logger()
#: How often it is looked, in seconds.
_EVERY = 60.0


class RightsClock:
    """Looks once a minute, where its scheduler leads; warns once a day of requests that are overdue."""

    def __init__(self, installation: Installation) -> None:
        self._zone, self._engine = installation.settings.time_zone, installation.engine
        self._letters = TakingUp(installation.engine, SCHEDULER, self._zone)
        self._next = 0.0
        self._warned: date | None = None

    def look(self) -> None:
        """Take letters up and count what is open.

        Raises:
            Unreachable: the database is away; look again.
        """
        if boot_seconds() < self._next:
            return
        for request in self._letters.look():
            log.info("request opened by mail", request=request)
        today = deadlines.local_day(utc_now(), self._zone)
        with reading(self._engine) as connection:
            counts = listing.pressing(connection, today)
        for state, count in counts.items():
            RIGHTS.labels(state).set(count)
        if counts["overdue"] and self._warned != today:
            log.warning("requests of people are overdue", **counts)
            self._warned = today
        self._next = boot_seconds() + _EVERY
