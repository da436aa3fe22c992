"""The brakes as a worker process applies them: counts are added up and written now and then, campaigns looked at.

Promise: what a pass came to is judged within a few seconds, refusals at once; a campaign that this process knows is
judged every few seconds also while nothing of it is sent, since bounces and complaints come later.
"""

from __future__ import annotations

import threading
import time
from typing import Final

import sqlalchemy as sa
import structlog

from campaigns.delivery import brakes
from campaigns.delivery.brakes import Brakes, Tally
from campaigns.delivery.send import BatchReport
from campaigns.errors import Unreachable
from campaigns.principal import WORKER
from workers import metrics

log = structlog.get_logger()

#: While a campaign is sent its counts are written this often, in seconds.
WRITE_SECONDS: Final = 1.0
#: A campaign at rest is looked at this often, and for so long after its last pass, in seconds.
LOOK_SECONDS: Final = 5.0
FOLLOW_SECONDS: Final = 600.0


class Braking:
    """The brakes of one process. Safe for threads."""

    def __init__(self, engine: sa.Engine, limits: Brakes) -> None:
        self._engine, self._limits = engine, limits
        self._lock = threading.Lock()
        self._counts: dict[int, Tally] = {}
        self._written_at: dict[int, float] = {}
        self._seen_at: dict[int, float] = {}

    def add(self, campaign: int, report: BatchReport) -> None:
        """Take a pass into account."""
        refusals = report.dead_addresses or report.authentication
        now = time.monotonic()
        with self._lock:
            before = self._counts.get(campaign, Tally())
            self._counts[campaign] = Tally(
                before.handed_over + report.statuses.get("accepted", 0) + report.statuses.get("rejected", 0),
                before.hard_bounces + report.dead_addresses,
                0,
                before.authentication + report.authentication,
            )
            self._seen_at[campaign] = now
            due = now - self._written_at.get(campaign, 0.0) >= WRITE_SECONDS
        if refusals or due:
            self._apply(campaign)

    def tend(self) -> None:
        """Look at the campaigns of late."""
        now = time.monotonic()
        for campaign, seen_at in list(self._seen_at.items()):
            if now - seen_at > FOLLOW_SECONDS:
                self._seen_at.pop(campaign, None)
            elif campaign in self._counts or now - self._written_at.get(campaign, 0.0) >= LOOK_SECONDS:
                self._apply(campaign)

    def close(self) -> None:
        """Write what has not been written."""
        for campaign in list(self._counts):
            self._apply(campaign)

    def _apply(self, campaign: int) -> None:
        with self._lock:
            counted = self._counts.pop(campaign, None)
            self._written_at[campaign] = time.monotonic()
        try:
            if counted is not None:
                brakes.note(self._engine, campaign, counted)
            reason = brakes.halt_if_needed(self._engine, campaign, self._limits, WORKER)
        except Unreachable as error:
            log.warning("brakes cannot be asked", campaign=campaign, problem=str(error))
            return
        if reason is not None:
            metrics.HALTS.labels(reason).inc()
            log.error("campaign halted", campaign=campaign, reason=reason)
