"""Counting what came of news, and raising the alarm when unproved reports come in floods.

Promise: never stops or slows a message for it. The database is asked only after every FLOOD hints of this process.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

import sqlalchemy as sa
import structlog
from prometheus_client import Counter, Gauge

from campaigns.errors import Unreachable
from campaigns.feedback import listing
from campaigns.feedback.consequences.hints import FLOOD

log = structlog.get_logger()

_CONSEQUENCES = Counter("utskick_feedback_consequences", "What came of news after hand-over", ["consequence"])
_HINTS = Gauge("utskick_feedback_hints_last_hour", "Unproved reports in the hour before the last alarm")


class HintAlarm:
    """Counts consequences; says when there are too many hints."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._hints = 0

    def heard(self, consequences: Iterable[str]) -> None:
        """Count what came of one message."""
        due = False
        for consequence in consequences:
            _CONSEQUENCES.labels(consequence).inc()
            if consequence == "hint":
                with self._lock:
                    self._hints += 1
                    due = due or self._hints % FLOOD == 0
        if due:
            self._look()

    def _look(self) -> None:
        try:
            alarms = listing.alarms(self._engine)
        except Unreachable:
            return
        if alarms:
            _HINTS.set(alarms[0]["hints"])
            log.error("flood of unproved reports", hints=alarms[0]["hints"], limit=FLOOD)
