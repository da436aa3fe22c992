"""What the queues carry and who does it: three actors, each safe to run twice.

`submit_campaign(document)` on `submissions`, `expand_campaign(campaign)` on `expansions`,
`deliver_batch(campaign, batch)` on `deliveries`. Promise: a message that makes no sense is kept as a
refused submission or ignored, never a crash loop; a server that is away makes the first two wait and try
again; a batch is left to the ledger, from which `ring_again` puts it back on the queue.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dramatiq
import structlog
from dramatiq.brokers.redis import RedisBroker

from campaigns.clock import utc_now
from campaigns.delivery import control, ledger, open_work, overdue
from campaigns.delivery.ledger import BatchRef
from campaigns.errors import RefusedOperation, Unreachable, UtskickError
from campaigns.planning.campaign import receive
from campaigns.planning.expansion import expand
from workers import broker as queue
from workers.sending import SendingRoom
from workers.wiring import Installation

log = structlog.get_logger()


class Actors:
    """The actors of one process, declared on its broker."""

    def __init__(self, installation: Installation, broker: RedisBroker, room: SendingRoom) -> None:
        self._installation, self._broker, self._room = installation, broker, room
        self._declare("submit_campaign", queue.SUBMISSIONS, self.submit_campaign)
        self._declare("expand_campaign", queue.EXPANSIONS, self.expand_campaign)
        self._declare("deliver_batch", queue.DELIVERIES, self.deliver_batch, max_retries=0)

    def submit_campaign(self, document: object = None, *_rest: object, **_named: object) -> None:
        """Take one submission."""
        receipt = receive(self._installation.planning, document)
        if receipt.campaign_id is None:
            log.warning("submission refused", submission=receipt.submission_id, faults=len(receipt.faults))
            return
        log.info("submission accepted", submission=receipt.submission_id, campaign=receipt.campaign_id)
        queue.put(self._broker, queue.EXPANSIONS, "expand_campaign", receipt.campaign_id)

    def expand_campaign(self, campaign: object = None, *_rest: object) -> None:
        """Expand one campaign that is due."""
        if not isinstance(campaign, int):
            return
        expansion = expand(self._installation.engine, campaign)
        if expansion is None:
            return
        log.info("campaign expanded", campaign=campaign, recipients=expansion.recipients)
        for batch_no in expansion.batches:
            queue.put(self._broker, queue.DELIVERIES, "deliver_batch", campaign, batch_no)
        ledger.complete_if_done(self._installation.engine, campaign)

    def deliver_batch(self, campaign: object = None, batch_no: object = None, *_rest: object) -> None:
        """Hand one batch over."""
        if not (isinstance(campaign, int) and isinstance(batch_no, int)):
            return
        try:
            report = self._room.send(BatchRef(campaign, batch_no))
        except UtskickError as error:
            # These errors name folders, servers and settings, never a person.
            told = str(error) if isinstance(error, RefusedOperation | Unreachable) else None
            problem = type(error).__name__
            log.warning("batch stopped", campaign=campaign, batch=batch_no, problem=problem, detail=told)
            return
        if report is None:
            return
        log.info("batch done", campaign=campaign, batch=batch_no, **report.statuses)
        if report.due_at is None:
            ledger.complete_if_done(self._installation.engine, campaign)
        elif not self._room.stopping():
            wait = max(0.0, (report.due_at - utc_now()).total_seconds())
            if wait < LONGEST_QUEUE_WAIT:
                delay = int(wait * 1000) + 50
                queue.put(self._broker, queue.DELIVERIES, "deliver_batch", campaign, batch_no, delay_ms=delay)

    def _declare(self, name: str, queue_name: str, work: Callable[..., None], **options: Any) -> None:
        dramatiq.actor(actor_name=name, queue_name=queue_name, broker=self._broker, **options)(work)


#: Longer waits than this many seconds are the scheduler's; delayed messages block each other in the queue.
LONGEST_QUEUE_WAIT = 20.0


def ring_again(installation: Installation, broker: RedisBroker) -> int:
    """Put on the queues what the database says is due and nobody works on; returns how many messages that were.

    Queues that still hold messages are left alone: what is due is in them, or will be found at the next look.
    """
    engine, messages = installation.engine, 0
    if queue.waiting(broker, queue.EXPANSIONS) == 0:
        for campaign in open_work.due_campaigns(engine):
            queue.put(broker, queue.EXPANSIONS, "expand_campaign", campaign)
            messages += 1
    if queue.waiting(broker, queue.DELIVERIES) == 0:
        for ref in open_work.due_batches(engine):
            queue.put(broker, queue.DELIVERIES, "deliver_batch", ref.campaign, ref.batch_no)
            messages += 1
    for campaign in open_work.drained_campaigns(engine):
        ledger.complete_if_done(engine, campaign)
    return messages


def tidy(installation: Installation) -> None:
    """Let time have its effect: hold missed starts, expire, take over dead leases, finish cancellations."""
    engine = installation.engine
    for campaign in overdue.hold_missed(engine):
        log.warning("start missed; waits for a word", campaign=campaign)
    for campaign in overdue.expire_waiting(engine):
        log.info("deadline passed", campaign=campaign)
    overdue.settle_held_leases(engine)
    for campaign in control.cancelling_campaigns(engine):
        control.finish_cancellation(engine, campaign)
