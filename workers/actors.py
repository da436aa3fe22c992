"""What the queues carry and who does it: three actors, each safe to run twice.

`submit_campaign(document)` on `submissions`, `expand_campaign(campaign)` on `expansions`,
`deliver_batch(campaign, batch)` on `deliveries`. Promise: a message that makes no sense is kept as a
refused submission or ignored, never a crash loop; a server that is away makes the first two wait and try
again; a batch is left to the ledger, from which the bell puts it back on the queue.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import dramatiq
import structlog
from dramatiq.brokers.redis import RedisBroker

from campaigns.delivery import ledger
from campaigns.delivery.ledger import BatchRef
from campaigns.errors import InputError, RefusedOperation, Unreachable, UtskickError
from campaigns.feedback import refusals
from campaigns.planning.approval import hold_large
from campaigns.planning.campaign import receive
from campaigns.planning.expansion import expand
from campaigns.principal import WORKER, Level, Principal
from workers import broker as queue
from workers import metrics
from workers.bell import Bell
from workers.opt_in_sending import OptInRoom
from workers.sending import SendingRoom
from workers.wiring import Installation

log = structlog.get_logger()


class Actors:
    """The actors of one process, declared on its broker."""

    def __init__(self, installation: Installation, broker: RedisBroker, room: SendingRoom) -> None:
        self._installation, self._broker, self._room = installation, broker, room
        self._bell = Bell(installation, broker)
        self._declare("submit_campaign", queue.SUBMISSIONS, self.submit_campaign)
        self._declare("record_events", queue.SUBMISSIONS, self.record_events)
        self._declare("expand_campaign", queue.EXPANSIONS, self.expand_campaign)
        self._opt_ins = OptInRoom(installation, room)
        self._declare("send_opt_in", queue.SUBMISSIONS, self.send_opt_in, max_retries=0)
        self._declare("deliver_batch", queue.DELIVERIES, self.deliver_batch, max_retries=0)

    def submit_campaign(self, document: object = None, *_rest: object, **_named: object) -> None:
        """Take one submission."""
        receipt = receive(self._installation.planning, document)
        taken = receipt.campaign_id is not None or receipt.recurrence_id is not None
        metrics.SUBMISSIONS.labels("accepted" if taken else "refused").inc()
        if receipt.recurrence_id is not None:
            log.info("schedule accepted", submission=receipt.submission_id, schedule=receipt.recurrence_id)
            return
        if receipt.campaign_id is None:
            log.warning("submission refused", submission=receipt.submission_id, faults=len(receipt.faults))
            return
        log.info("submission accepted", submission=receipt.submission_id, campaign=receipt.campaign_id)
        self._bell.ring_for_expansion(receipt.campaign_id)

    def record_events(self, document: object = None, *_rest: object, **_named: object) -> None:
        """Record what another system says happened with contacts, whom it names by our id or a declared reference."""
        from campaigns.register.event_table import take_document

        by = (self._installation.fields, Principal("service:events", Level.REPORTER))
        try:
            report = take_document(self._installation.engine, self._installation.ring, document, by)
        except InputError as error:
            log.warning("events refused", problem=str(error))
            return
        rows = [refusal["row"] for refusal in report.refused]
        log.info("events taken", recorded=report.recorded, unchanged=report.unchanged, refused=rows)

    def expand_campaign(self, campaign: object = None, *_rest: object) -> None:
        """Expand one campaign that is due, or go on with it; one that had to stop is put on the queue again at once."""
        if not isinstance(campaign, int):
            return
        self._room.look()  # in a register that was restored, what is due may have gone out already
        above = self._installation.settings.approval.above
        if hold_large(self._installation.engine, campaign, above, WORKER):
            log.info("campaign waits for approval", campaign=campaign)
            return
        expansion = expand(self._installation.engine, campaign, self._room.stopping)
        if expansion is None:
            if self._room.stopping():
                self._bell.may_ring_for_expansion(campaign)
            return
        metrics.EXPANDED.inc(expansion.recipients)
        log.info("campaign expanded", campaign=campaign, recipients=expansion.recipients)
        self._bell.ring(at_once=True)
        ledger.complete_if_done(self._installation.engine, campaign)

    def send_opt_in(self, opt_in: object = None, *_rest: object) -> None:
        """Send one mail that asks for a confirmation; what fails is put on the queue again by the scheduler."""
        if not isinstance(opt_in, int):
            return
        try:
            for number, status in self._opt_ins.send(opt_in):
                self._bell.opt_in_answered(number)
                log.info("confirmation", opt_in=number, status=status)
        except UtskickError as error:
            log.warning("confirmation not sent", opt_in=opt_in, problem=type(error).__name__)

    def deliver_batch(self, campaign: object = None, batch_no: object = None, *_rest: object) -> None:
        """Hand one batch over."""
        if not (isinstance(campaign, int) and isinstance(batch_no, int)):
            return
        ref = BatchRef(campaign, batch_no)
        self._ring()
        try:
            self._bell.answered(ref, self._send(ref))
        except UtskickError as error:
            # These errors name folders, servers and settings, never a person.
            told = str(error) if isinstance(error, RefusedOperation | Unreachable) else None
            problem = type(error).__name__
            log.warning("batch stopped", campaign=campaign, batch=batch_no, problem=problem, detail=told)
        else:
            self._ring()

    def _send(self, ref: BatchRef) -> datetime | None:
        """Hand a batch over; until when it rests where smarthost or gate are away or a limit is reached."""
        report = self._room.send(ref)
        if report is None:
            return None
        if report.statuses:
            log.info("batch done", campaign=ref.campaign, batch=ref.batch_no, **report.statuses)
        if report.statuses.get("rejected"):
            refusals.heed(self._installation.engine, ref, WORKER)
        if report.due_at is None and report.paced_until is None:
            ledger.complete_if_done(self._installation.engine, ref.campaign)
        if report.paced_until is not None:
            return report.paced_until
        return report.due_at if report.smarthost_away or report.gate_closed else None

    def _ring(self) -> None:
        """Have more put on the queue; where it is away, the next look does it."""
        if not self._room.stopping():
            with suppress(Unreachable):
                self._bell.ring()

    def _declare(self, name: str, queue_name: str, work: Callable[..., None], **options: Any) -> None:
        dramatiq.actor(actor_name=name, queue_name=queue_name, broker=self._broker, **options)(work)
