"""How fast one pass over a batch may go: what `campaigns.delivery.pacing.Pace` asks for, out of the process's limits.

Promise: a recipient's domain is asked before the warm-up, and that before the smarthost, so that what is not
granted costs the others nothing; what was granted and then could not be used because of another limit is kept
for the next row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from campaigns.clock import utc_now
from campaigns.delivery.pacing import Bucket, Hold, asks_for_patience
from campaigns.delivery.transport import Deferred
from workers.pacing import BUSY_SECONDS, UNMEASURED_RATE, Allowance, Hand, Pacer, Turns
from workers.settings_traffic import DomainLimit


class PassPace:
    """The limits of one pass: one smarthost, one sender, one thread."""

    def __init__(self, pacer: Pacer, hand: Hand, smarthost: str, sender: str) -> None:
        self._pacer, self._hand, self._smarthost = pacer, hand, smarthost
        limits = pacer.settings.smarthosts[smarthost].limits
        self._turns = (
            None
            if limits.rate is None
            else pacer.turns(hand, f"smarthost:{smarthost}", limits.rate, limits.connections)
        )
        self._speed = pacer.speed(f"smarthost:{smarthost}")
        self._measured = Bucket()
        self._allowances = _allowances(pacer, smarthost, sender)
        self._slots: dict[str, bool] = {}
        self._domain_kept: str | None = None
        self._kept = False
        self.active = bool(self._turns or self._allowances or pacer.domains) or self._speed < 1

    def open(self) -> float:
        """Whether the pass may begin: takes a turn of the smarthost and keeps it for the first row (0), or seconds to
        wait."""
        if self._kept or not self.active:
            return 0.0
        wait = max((allowance.ask() for allowance in self._allowances), default=0.0) or self._smarthost_wait()
        self._kept = not wait
        return wait

    def turn(self, domain: str, *, again: bool) -> Hold | None:
        """See `Pace`."""
        wait = self._domain_wait(domain, again=again)
        if wait:
            return Hold(wait, for_all=False)
        for allowance in self._allowances:
            if wait := allowance.ask():
                self._domain_kept = domain
                return Hold(wait, for_all=True)
        if not self._kept and (wait := self._smarthost_wait()):
            self._domain_kept = domain
            return Hold(wait, for_all=True)
        self._kept, self._domain_kept = False, None
        for allowance in self._allowances:
            allowance.use()
        return None

    def has_turn(self, domain: str) -> bool:
        """See `Pace`: only what is certain counts, since an envelope that was announced holds up the connection."""
        if domain in self._pacer.domains or self._allowances or self._speed < 1:
            return False
        return self._turns is None or self._turns.has_one()

    def slow_down(self, domain: str, refusal: Deferred) -> None:
        """See `Pace`."""
        if not asks_for_patience(refusal):
            return
        about_domain = refusal.code != 421 and refusal.stage in {"rcpt", "data", "dot"}
        if about_domain and domain in self._pacer.domains:
            self._pacer.slow_down(f"domain:{domain}")
            return
        name = f"smarthost:{self._smarthost}"
        self._pacer.slow_down(name)
        self._speed, self.active = self._pacer.speed(name), True

    def put_off(self, domain: str, count: int) -> list[datetime]:
        """See `Pace`. Whole seconds, so that rows of one batch come back together and not one by one."""
        turns, now = self._domain_turns(domain), utc_now()
        first, step = (BUSY_SECONDS, 0.0) if turns is None else turns.queue_up(count)
        return [now + timedelta(seconds=max(1, math.ceil(first + step * index))) for index in range(count)]

    def finish(self) -> None:
        """See `Pace`."""
        if self._kept and self._turns is not None:
            self._turns.keep()
        for domain, held in self._slots.items():
            if held:
                self._pacer.let_go(f"domain:{domain}", self._hand.holder)
        self._slots.clear()
        for allowance in self._allowances:
            allowance.finish()

    def _smarthost_wait(self) -> float:
        if self._turns is not None:
            return self._turns.take(self._speed)
        if self._speed >= 1:
            return 0.0
        seen = self._hand.meter(self._smarthost).rate or UNMEASURED_RATE
        return self._measured.take(seen * self._speed)

    def _domain_wait(self, domain: str, *, again: bool) -> float:
        limit = self._pacer.domains.get(domain)
        if limit is None or domain == self._domain_kept:
            return 0.0
        if limit.connections is not None and not self._has_slot(domain, limit):
            return BUSY_SECONDS
        turns = self._domain_turns(domain)
        if turns is None:
            return 0.0
        if not again and not turns.has_one() and turns.queue_seconds > 1:
            return turns.queue_seconds
        return turns.take(self._pacer.speed(f"domain:{domain}"))

    def _has_slot(self, domain: str, limit: DomainLimit) -> bool:
        if not self._slots.get(domain):
            held = self._pacer.holds(f"domain:{domain}", self._hand.holder, limit.connections or 1)
            self._slots[domain] = held is True
        return self._slots[domain]

    def _domain_turns(self, domain: str) -> Turns | None:
        limit = self._pacer.domains[domain]
        if limit.rate is None:
            return None
        return self._pacer.turns(self._hand, f"domain:{domain}", limit.rate, limit.connections)


def _allowances(pacer: Pacer, smarthost: str, sender: str) -> Sequence[Allowance]:
    found = []
    table = pacer.settings.smarthosts[smarthost].limits.warm_up
    if table is not None:
        found.append(Allowance(pacer, f"smarthost:{smarthost}", table.ramp()))
    author = pacer.settings.senders[sender]
    if author.warm_up is not None:
        domain = author.address.rpartition("@")[2].lower()
        found.append(Allowance(pacer, f"domain:{domain}", author.warm_up.ramp()))
    return found
