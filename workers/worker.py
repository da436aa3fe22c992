"""The worker: dramatiq threads that take submissions, expand campaigns and hand batches over.

Promise: on start, what dead senders of this host left is settled and what is due is put on the queues, so
that work goes on without a scheduler; on SIGTERM each connection finishes the message in hand, gives the
rest back and the process ends. A child process that dies is replaced; all die with the parent.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence

import structlog
from dramatiq import Worker

from campaigns.delivery.recovery import settle_legacies
from campaigns.errors import UtskickError
from workers.actors import Actors
from workers.bell import Bell
from workers.broker import QUEUES, connected, make_broker
from workers.children import start_utskick
from workers.keeping_hold import Keeping
from workers.metrics import SETTLED, GateView, Readiness, serve
from workers.scheduler import ring, tidy
from workers.seats import journal_folder
from workers.sending import SendingRoom
from workers.settings import Settings
from workers.shared_limits import SharedLimits
from workers.stopping import StopFlag
from workers.wiring import Installation

log = structlog.get_logger()

#: How often a worker looks whether something due lies in the database that no queue knows of, in seconds.
LOOK_SECONDS = 2.0
#: How often it does what a scheduler does every second, for the case that none runs.
TIDY_SECONDS = 10.0
#: How long a queue with nothing on it is left alone at most.
_POLL_MS = 500
_STOP_MS = 600_000
_RESTART_SECONDS = 1.0
#: So many new objects are looked through for garbage at a time: what some thirty batches leave.
_COLLECT_AFTER = 5_000


def run_worker(settings: Settings, threads: int, queues: Sequence[str]) -> None:
    """Run one worker process until it is told to stop.

    Raises:
        KeysFault, Unreachable: it cannot start.
    """
    stop = StopFlag()
    stop.listen()
    installation = Installation(settings)
    installation.ring  # noqa: B018 (refuse foreign keys before anything runs)
    for sender in settings.senders:
        installation.author(sender)  # nor start without the keys that sign its mail
    for warning in installation.warnings:
        log.warning("look out", problem=warning)
    installation.note_transfers()
    with connected(settings) as client:
        broker = make_broker(client)
        room = SendingRoom(installation, stop.is_set, SharedLimits(client))
        Actors(installation, broker, room)
        worker = Worker(broker, queues=set(queues or QUEUES), worker_threads=threads, worker_timeout=_POLL_MS)
        look = _Look(installation, Bell(installation, broker), room)
        look()
        worker.start()
        gc.freeze()  # what is there by now stays; searching it for garbage again and again finds none
        gc.set_threshold(
            _COLLECT_AFTER
        )  # a command's own never comes to it, and what it leaves would pile up here
        serve(settings.metrics, settings.metrics.worker_port, look.readiness)
        log.info("worker started", threads=threads)
        with Keeping(room):
            while not stop.wait(LOOK_SECONDS):
                look()
            worker.stop(timeout=_STOP_MS)
        room.close()
        broker.close()
    log.info("worker stopped")


def run_processes(settings: Settings, arguments: Sequence[str], processes: int) -> None:
    """Run several worker processes as children, replacing those that die, until told to stop.

    Raises:
        KeysFault, Unreachable: they could not start.
    """
    stop = StopFlag()
    stop.listen()
    Installation(settings).ring  # noqa: B018 (children that are refused would be replaced for ever)
    children = [start_utskick(*arguments) for _ in range(processes)]
    while not stop.wait(_RESTART_SECONDS):
        for index, child in enumerate(children):
            if child.poll() is not None:
                log.error("worker process died", code=child.returncode)
                children[index] = start_utskick(*arguments)
    for child in children:
        child.terminate()
    for child in children:
        child.wait()


class _Look:
    """What a worker does now and then beside sending; also how it learns whether it can do its work."""

    def __init__(self, installation: Installation, bell: Bell, room: SendingRoom) -> None:
        self._installation, self._bell, self._room = installation, bell, room
        self._view, self._tidied_at = GateView(), float("-inf")
        self.readiness = Readiness()

    def __call__(self) -> None:
        """Settle the dead, ring again; a server that is away makes it wait for the next look."""
        try:
            self._room.look()
            self._room.tend()
            self._settle()
            if time.monotonic() - self._tidied_at >= TIDY_SECONDS:
                tidy(self._installation)
                self._tidied_at = time.monotonic()
            ring(self._bell)
        except (UtskickError, OSError) as error:
            log.warning("cannot look for work", problem=str(error))
            self.readiness.note(str(error))
        else:
            self.readiness.note()
        self._room.show(self._view)

    def _settle(self) -> None:
        """Settle what dead senders of this machine left, each with the smarthost that was really used."""
        for smarthost in self._installation.settings.smarthosts:
            carrier = self._installation.carrier(smarthost)
            folder = journal_folder(self._installation, smarthost)
            SETTLED.inc(settle_legacies(self._installation.engine, folder, carrier))
