"""The scheduler: rings for what is due, lets time have its effect, seals the audit log. Hands nothing over; one leads.

Promise: each of its actions is a conditional update or a message that may come twice, so that leading saves work and
guards nothing: when the leader dies another takes over within seconds, and two leaders harm nobody. A server that is
away makes it wait.
"""

from __future__ import annotations

import uuid
from typing import Final

import structlog
from dramatiq.brokers.redis import RedisBroker

from campaigns.delivery import control, ledger, open_work, overdue
from campaigns.errors import RefusedOperation, Unreachable, UtskickError
from campaigns.planning.firing import fire_due
from campaigns.register import audit_chain, opt_ins
from campaigns.register.audit_chain import Sealer
from workers import broker as queue
from workers.bell import Bell
from workers.broker import connected, make_broker
from workers.metrics import LEADS, QUEUE, Readiness, serve
from workers.rights_clock import RightsClock
from workers.settings import Settings
from workers.stopping import StopFlag
from workers.sweeping import Sweeping
from workers.wiring import Installation

log = structlog.get_logger()

#: How often it looks, in seconds.
LOOK_SECONDS: Final = 1.0
#: A leader that has not looked for so many seconds leads no more.
LEAD_SECONDS: Final = 5.0


def run_scheduler(settings: Settings) -> None:
    """Run until told to stop.

    Raises:
        KeysFault, Unreachable: it cannot start.
    """
    stop = StopFlag()
    stop.listen()
    installation = Installation(settings)
    installation.ring  # noqa: B018 (refuse foreign keys before anything runs)
    installation.note_transfers()
    with connected(settings) as client:
        broker = make_broker(client)
        leadership, bell = Leadership(broker), Bell(installation, broker)
        sealing, sweeping = Sealing(installation.sealer), Sweeping(installation)
        rights = RightsClock(installation)
        readiness = Readiness()
        serve(settings.metrics, settings.metrics.scheduler_port, readiness)
        log.info("scheduler started")
        while not stop.wait(LOOK_SECONDS):
            try:
                leads = leadership.held()
                LEADS.set(leads)
                if leads:
                    tidy(installation)
                    ring(bell)
                    sealing.look()
                    rights.look()
                sweeping.look(leads=leads)
                for name in queue.QUEUES:
                    QUEUE.labels(name).set(queue.waiting(broker, name))
            except (UtskickError, OSError) as error:
                log.warning("cannot look for work", problem=str(error))
                readiness.note(str(error))
            else:
                readiness.note()
        leadership.give_up()


def ring(bell: Bell) -> None:
    """Put on the queues what is due.

    Raises:
        Unreachable: the database or the queue is away; ring again later.
    """
    bell.ring_for_expansions()
    bell.ring_for_opt_ins()
    bell.ring()


def tidy(installation: Installation) -> None:
    """Fire schedules, hold missed starts, expire, take over dead leases, finish cancellations, complete what is done.

    Raises:
        Unreachable: the database is away; what was done stays done, the rest is done at the next look.
    """
    engine = installation.engine
    opt_ins.tidy(engine)
    for firing in fire_due(installation.planning):
        told = {"campaign": firing.receipt.campaign_id, "submission": firing.receipt.submission_id}
        log.info("schedule fired", **told, missed=firing.missed, faults=len(firing.receipt.faults))
    for campaign in overdue.hold_missed(engine):
        log.warning("start missed; waits for a word", campaign=campaign)
    for campaign in overdue.expire_waiting(engine):
        log.info("deadline passed", campaign=campaign)
    overdue.settle_held_leases(engine)
    for campaign in control.cancelling_campaigns(engine):
        control.finish_cancellation(engine, campaign)
    for campaign in open_work.drained_campaigns(engine):
        ledger.complete_if_done(engine, campaign)


class Sealing:
    """Chains the audit log. A log that does not fit what was sealed here keeps nobody from sending: it is told once."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer, self._told = sealer, ""

    def look(self) -> None:
        """Seal what is committed.

        Raises:
            Unreachable: the database or the file beside the keys is away.
        """
        try:
            audit_chain.seal(self._sealer)
            self._told = ""
        except RefusedOperation as error:
            if str(error) != self._told:
                log.error("audit log not sealed", problem=str(error))  # noqa: TRY400 (its words are all there is)
            self._told = str(error)


class Leadership:
    """Whether this process leads; a mark beside the queues, renewed at every look."""

    def __init__(self, broker: RedisBroker) -> None:
        self._broker, self._me = broker, uuid.uuid4().hex

    def held(self) -> bool:
        """Lead, or go on leading, where nobody else does; true where that cannot be told."""
        try:
            return queue.hold(self._broker, "leader", self._me, LEAD_SECONDS)
        except Unreachable:
            return True

    def give_up(self) -> None:
        """Let another lead at once."""
        queue.let_go(self._broker, "leader", self._me)
