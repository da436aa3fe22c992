"""What Prometheus reads, and where: every figure of the product's own processes that is counted outside a request.

Promise: no label names a person, an address or a delivery; campaigns and smarthosts are named by their ids
and keys. On the sending path figures are added up per pass, and times are taken of every eighth message. A
process serves `/metrics`, and `/readyz` with the reasons why it is not ready, on its own address; where that
port is taken (several worker processes on one machine) it takes one of the next.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from socketserver import TCPServer
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import structlog
from prometheus_client import Counter, Gauge, Histogram, make_wsgi_app

from campaigns.clock import boot_seconds
from campaigns.delivery.send import BatchReport
from campaigns.register.office import Permit
from workers.settings_traffic import MetricsTable

log = structlog.get_logger()

#: So many ports are tried, from the configured one on.
PORTS: Final = 32
_FAST: Final = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1, 1)
_SLOW: Final = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    5,
    30,
    600,
)

SUBMISSIONS: Final = Counter("utskick_submissions", "Submissions taken from the queue", ["outcome"])
EXPANDED: Final = Counter("utskick_expanded_recipients", "Recipients written to the ledger")
DELIVERIES: Final = Counter("utskick_deliveries", "Results of hand-overs", ["smarthost", "status"])
WITHHELD: Final = Counter(
    "utskick_withheld", "Deliveries that the gate or their template withheld", ["reason"]
)
PASSES: Final = Counter("utskick_passes", "Passes over batches, by how they ended", ["end"])
WAITS: Final = Counter(
    "utskick_throttle_waits", "Passes that a limit ended or kept from beginning", ["smarthost"]
)
WAITED: Final = Counter(
    "utskick_throttle_seconds", "Seconds that passes waited for their turns", ["smarthost"]
)
SPEED: Final = Gauge(
    "utskick_speed", "Share of the full rate that a smarthost is given at present", ["smarthost"]
)
WELL: Final = Gauge("utskick_smarthost_well", "1 where a smarthost has not failed lately", ["smarthost"])
HALTS: Final = Counter("utskick_campaigns_halted", "Campaigns that their brakes halted", ["reason"])
RECLAIMS: Final = Counter("utskick_lease_reclaims", "Batches taken from an owner whose lease had run out")
SETTLED: Final = Counter("utskick_journal_settlements", "Batches settled by a dead sender's journal")
RENDER: Final = Histogram("utskick_render_seconds", "Writing one message", buckets=_FAST)
HAND_OVER: Final = Histogram(
    "utskick_hand_over_seconds", "Handing one message over, reply included", buckets=_SLOW
)
RECORD: Final = Histogram(
    "utskick_record_seconds", "Recording results and opening rows, one transaction", buckets=_SLOW
)
EPOCH: Final = Gauge("utskick_gate_epoch", "The register's epoch, as last read")
EPOCH_MOVES: Final = Counter("utskick_gate_epoch_moves", "How far the epoch was seen to move")
AGE: Final = Gauge(
    "utskick_gate_age_seconds", "How long ago the permit was asked for under which was last sent"
)
WIDTH: Final = Gauge("utskick_gate_width_seconds", "For how long a permit is good, from its question on")
QUEUE: Final = Gauge("utskick_queue_depth", "Messages on a queue that no worker has taken", ["queue"])
LEADS: Final = Gauge("utskick_scheduler_leads", "1 where this scheduler leads")
RIGHTS: Final = Gauge(
    "utskick_rights_requests", "Requests of people: open, due within a week, overdue", ["state"]
)
READY: Final = Gauge("utskick_ready", "1 where this process can do its work")


def count_pass(smarthost: str, report: BatchReport) -> None:
    """Add a pass over a batch."""
    for status, count in report.statuses.items():
        if status != "withheld":
            DELIVERIES.labels(smarthost, status).inc(count)
    for reason, count in report.withheld.items():
        WITHHELD.labels(reason).inc(count)
    for histogram, seconds in (
        (RENDER, report.render),
        (HAND_OVER, report.hand_over),
        (RECORD, report.record),
    ):
        for value in seconds:
            histogram.observe(value)
    if report.reclaimed:
        RECLAIMS.inc()
    if report.waited:
        WAITED.labels(smarthost).inc(report.waited)
    PASSES.labels(_end(report)).inc()
    if report.paced_until is not None:
        WAITS.labels(smarthost).inc()


def _end(report: BatchReport) -> str:
    if report.gate_closed:
        return "gate_closed"
    if report.smarthost_away:
        return "smarthost_away"
    if report.paced_until is not None:
        return "limit"
    return "closed" if report.due_at is None else "open"


class GateView:
    """Shows the permit of this process."""

    def __init__(self) -> None:
        self._epoch: int | None = None

    def show(self, permit: Permit) -> None:
        """Show the permit that is held, if there is one; called now and then."""
        if permit.valid_until == float("-inf"):
            return
        asked_at = 2 * permit.renew_from - permit.valid_until
        AGE.set(max(0.0, boot_seconds() - asked_at))
        WIDTH.set(permit.valid_until - asked_at)
        EPOCH.set(permit.epoch)
        if self._epoch is not None and permit.epoch > self._epoch:
            EPOCH_MOVES.inc(permit.epoch - self._epoch)
        self._epoch = permit.epoch


@dataclass
class Readiness:
    """Why this process cannot do its work at present, as far as it last looked; empty where it can."""

    reasons: list[str] = field(default_factory=lambda: ["has not looked yet"])

    def note(self, *reasons: str) -> None:
        """Take note of a look."""
        self.reasons = list(reasons)
        READY.set(not reasons)


def serve(table: MetricsTable, port: int | None, readiness: Readiness) -> WSGIServer | None:
    """Serve the figures of this process from a thread of its own; None where no port is configured, or all
    are taken."""
    if port is None:
        return None
    for candidate in range(port, port + PORTS):
        with suppress(OSError):
            server = _Server((table.host, candidate), _Quiet)
            server.set_app(_application(readiness))
            threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
            log.info("metrics", address=f"{table.host}:{candidate}")
            return server
    log.warning("metrics not served", address=f"{table.host}:{port}", problem="the ports are taken")
    return None


def _application(readiness: Readiness) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    figures = make_wsgi_app()

    def application(request: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if request.get("PATH_INFO") != "/readyz":
            found: Iterable[bytes] = figures(request, start_response)
            return found
        ready = not readiness.reasons
        body = {"status": "ready" if ready else "not ready", "reasons": readiness.reasons}
        start_response(
            "200 OK" if ready else "503 Service Unavailable", [("Content-Type", "application/json")]
        )
        return [json.dumps(body).encode()]

    return application


class _Server(WSGIServer):
    """Asks no name server what it is called."""

    def server_bind(self) -> None:
        """Bind, and believe the settings."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


class _Quiet(WSGIRequestHandler):
    """Who asked is not logged, and who asks slowly is not waited for."""

    timeout = 5

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's name)
        """Nothing."""
