"""The scheduler: puts back on the queues what is due, lost or expired. Hands nothing over; any number may run.

Promise: each of its actions is idempotent, so that several schedulers only ring twice. A server that is
away makes it wait.
"""

from __future__ import annotations

import structlog

from campaigns.errors import UtskickError
from workers.actors import ring_again, tidy
from workers.broker import connected, make_broker
from workers.settings import Settings
from workers.stopping import StopFlag
from workers.wiring import Installation

log = structlog.get_logger()

LOOK_SECONDS = 2.0


def run_scheduler(settings: Settings) -> None:
    """Run until told to stop.

    Raises:
        KeysFault, Unreachable: it cannot start.
    """
    stop = StopFlag()
    stop.listen()
    installation = Installation(settings)
    installation.ring  # noqa: B018 (refuse foreign keys before anything runs)
    with connected(settings) as client:
        broker = make_broker(client)
        log.info("scheduler started")
        while not stop.wait(LOOK_SECONDS):
            try:
                tidy(installation)
                ring_again(installation, broker)
            except (UtskickError, OSError) as error:
                log.warning("cannot look for work", problem=str(error))
