"""The gate of a process: what this machine has seen of the register, and who is told of a clock that stood still."""

from __future__ import annotations

from typing import Final

import structlog
from prometheus_client import Counter

from campaigns.register.office import ClockGap
from campaigns.register.suppression import Gate
from campaigns.register.witness import Witness
from workers.wiring import Installation

log = structlog.get_logger()

_GAPS: Final = Counter("utskick_gate_clock_gap", "Times that this machine was found to have been frozen")
_LISTED: Final = 1_000


def make_gate(installation: Installation) -> Gate:
    """The gate for this process; its witness lies with the journals of this machine."""
    return Gate(installation.engine, Witness(installation.settings.data_dir / "journal"), _tell)


def _tell(gap: ClockGap) -> None:
    """Say which deliveries may have begun within one permit's length after a "no" was answered."""
    _GAPS.inc()
    log.error(
        "gate clock gap",
        seconds=round(gap.seconds, 3),
        deliveries=[str(delivery) for delivery in gap.deliveries[:_LISTED]],
        more=max(0, len(gap.deliveries) - _LISTED),
    )
