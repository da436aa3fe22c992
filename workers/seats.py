"""What one sending thread holds: per smarthost a connection, a journal and, where connections are limited, a slot.

Promise: a thread has at most one connection to each smarthost, and none without a slot; what it has not used for half a
minute it gives up. Each journal lies in its smarthost's folder, so that what a killed sender left is recorded with the
smarthost that was really used.
"""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from campaigns.delivery.journal import Journal
from campaigns.delivery.smarthost import open_transport
from campaigns.delivery.smarthost_url import parse_smarthost_url
from campaigns.delivery.transport import Begun, Transport
from workers.pacing import Hand, Pacer
from workers.wiring import Installation

#: A connection that carried nothing for so many seconds is closed, and its slot given up.
IDLE_SECONDS: Final = 30.0
#: A slot is held on to this often, in seconds.
RENEW_SECONDS: Final = 5.0


@dataclass
class Counter:
    """Where a thread hands over to one smarthost."""

    journal: Journal
    transport: Transport
    used_at: float


class Seat:
    """The place of one thread. `lock` is held while it works; others may tend it meanwhile."""

    def __init__(self, installation: Installation, pacer: Pacer) -> None:
        self._installation, self._pacer = installation, pacer
        self.lock = threading.Lock()
        self.hand = Hand(uuid.uuid4().hex)
        self._counters: dict[str, Counter] = {}
        self._renewed_at = 0.0

    def counter(self, smarthost: str) -> Counter | None:
        """This thread's counter at a smarthost, its connection opened with the first message; None where all slots are
        taken."""
        if not self._pacer.holds_connection(smarthost, self.hand):
            self._close(smarthost)
            return None
        if smarthost not in self._counters:
            journal = Journal(journal_folder(self._installation, smarthost), uuid.uuid4().hex)
            self._counters[smarthost] = Counter(journal, self._transport(smarthost, journal.begun), 0.0)
        self._counters[smarthost].used_at = time.monotonic()
        return self._counters[smarthost]

    def lent(self, smarthost: str, begun: Begun) -> Transport | None:
        """For a message that is no campaign's: a connection without a journal, in the place of this thread's own, which
        is closed; None where all slots are taken. Whoever borrows it closes it."""
        counter = self.counter(smarthost)
        if counter is None:
            return None
        counter.transport.close()
        return self._transport(smarthost, begun)

    def _transport(self, smarthost: str, begun: Begun) -> Transport:
        settings = self._installation.settings
        return open_transport(
            parse_smarthost_url(settings.smarthosts[smarthost].url.get_secret_value()),
            ehlo_name=settings.mail_domain,
            begun=begun,
            timeouts=self._installation.timeouts(smarthost),
        )

    def owners(self) -> list[str]:
        """The names under which this thread claims batches. Called from another thread."""
        return [counter.journal.owner for counter in list(self._counters.values())]

    def hold_slots(self) -> None:
        """Hold on to the slots in use. Called from another thread."""
        now = time.monotonic()
        if now - self._renewed_at >= RENEW_SECONDS:
            self._renewed_at = now
            for smarthost in list(self._counters):
                self._pacer.holds_connection(smarthost, self.hand)

    def tend(self) -> None:
        """Close what is idle. Called from another thread."""
        now = time.monotonic()
        if self.lock.acquire(blocking=False):
            try:
                for smarthost, counter in list(self._counters.items()):
                    if now - counter.used_at > IDLE_SECONDS:
                        self._close(smarthost)
            finally:
                self.lock.release()

    def close(self) -> None:
        """Close the connections; let go of journals and slots."""
        for smarthost in list(self._counters):
            self._close(smarthost)

    def _close(self, smarthost: str) -> None:
        counter = self._counters.pop(smarthost, None)
        if counter is not None:
            counter.transport.close()
            counter.journal.close()
        self._pacer.leaves_connection(smarthost, self.hand)


def journal_folder(installation: Installation, smarthost: str) -> Path:
    """Where the journals of this host's senders to a smarthost are."""
    return installation.settings.data_dir / "journal" / smarthost
