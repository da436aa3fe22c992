"""The doorbell: keeps a short, fair queue of what the database says is due.

Promise: however much is due, only a few messages per campaign wait on the queue, campaigns taking turns, so that one
that comes later is not stuck behind a million. What was put there is marked beside the queue for a few seconds, so a
flushed queue forgets both together and is filled again at once; what a dead worker had taken is put there again when
its mark runs out. A message too many costs one look at the ledger. Holds no due times: those live in the database,
since delayed messages block each other in the queue.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from dramatiq.brokers.redis import RedisBroker

from campaigns.clock import utc_now
from campaigns.delivery import open_work
from campaigns.delivery.ledger import BatchRef
from campaigns.register import opt_ins
from workers import broker as queue
from workers.wiring import Installation

#: How many messages of each campaign wait on the queue when it has been filled.
WINDOW: Final = 8
#: The queue is filled again when fewer messages than this wait.
LOW: Final = 4
#: After so many seconds a message that nobody followed is put there again.
BATCH_MARK_SECONDS: Final = 5
EXPANSION_MARK_SECONDS: Final = 20
OPT_IN_MARK_SECONDS: Final = 30


class Bell:
    """Rings for the work of one installation. Safe for threads; any number may ring at once."""

    def __init__(self, installation: Installation, broker: RedisBroker) -> None:
        self._engine, self._broker = installation.engine, broker

    def ring(self, *, at_once: bool = False) -> int:
        """Fill the queue of batches where few wait (`at_once`: wherever there is room); how many messages that were.

        Raises:
            Unreachable: the database or the queue is away; ring again later.
        """
        waiting = queue.waiting(self._broker, queue.DELIVERIES)
        if waiting >= LOW and not at_once:
            return 0
        due = open_work.due_batches(self._engine)
        room = WINDOW * len({ref.campaign for ref in due}) - waiting
        rung = 0
        for ref in due:
            if rung >= room:
                break
            if queue.mark(self._broker, _name(ref), BATCH_MARK_SECONDS):
                queue.put(self._broker, queue.DELIVERIES, "deliver_batch", ref.campaign, ref.batch_no)
                rung += 1
        return rung

    def ring_for_expansions(self) -> int:
        """Put campaigns on the queue whose start has come; how many messages that were.

        Raises:
            Unreachable: the database or the queue is away; ring again later.
        """
        return sum(self.ring_for_expansion(campaign) for campaign in open_work.due_campaigns(self._engine))

    def ring_for_expansion(self, campaign: int) -> bool:
        """Put one campaign on the queue, unless that happened just now."""
        if not queue.mark(self._broker, f"expansion:{campaign}", EXPANSION_MARK_SECONDS):
            return False
        queue.put(self._broker, queue.EXPANSIONS, "expand_campaign", campaign)
        return True

    def may_ring_for_expansion(self, campaign: int) -> None:
        """An expansion was broken off: it may be put on the queue again at once."""
        queue.unmark(self._broker, f"expansion:{campaign}")

    def ring_for_opt_ins(self) -> None:
        """Put the mails on the queue that ask for a confirmation and are due.

        Raises:
            Unreachable: the database or the queue is away; ring again later.
        """
        for opt_in in opt_ins.due(self._engine):
            if queue.mark(self._broker, _opt_in_name(opt_in), OPT_IN_MARK_SECONDS):
                queue.put(self._broker, queue.SUBMISSIONS, "send_opt_in", opt_in)

    def opt_in_answered(self, opt_in: int) -> None:
        """A message was followed: the mail may be put on the queue again when it is due again."""
        queue.unmark(self._broker, _opt_in_name(opt_in))

    def answered(self, ref: BatchRef, rests_until: datetime | None = None) -> None:
        """A message was followed: the batch may be put on the queue again when it is due again, and has rested."""
        rest = 0.0 if rests_until is None else (rests_until - utc_now()).total_seconds()
        queue.unmark(self._broker, _name(ref), rest)


def _name(ref: BatchRef) -> str:
    return f"batch:{ref.campaign}.{ref.batch_no}"


def _opt_in_name(opt_in: int) -> str:
    return f"opt_in:{opt_in}"
