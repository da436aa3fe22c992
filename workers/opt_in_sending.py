"""The sending of mails that ask for a confirmation, in a worker process.

Promise: one at a time and process, so that a smarthost that hangs keeps no more than one thread; each by the routes of
its sender, within the limits of smarthost, domain and warm-up, over a connection that is closed after it. Where the
thread holds a slot at the smarthost, that slot is used, so that a long campaign does not keep these mails waiting.
"""

from __future__ import annotations

import threading
import tomllib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

from campaigns.clock import utc_now
from campaigns.content.catalogue import templates_folder
from campaigns.content.language import LANGUAGES
from campaigns.delivery.opt_in_mail import OptInDesk, Road, Words, send_opt_in
from campaigns.delivery.pacing import wait_for_turn
from campaigns.delivery.transport import Accepted, Begun, Deferred, Outcome
from workers.gate import make_gate
from workers.pass_pace import PassPace
from workers.sending import CROWDED_SECONDS, SendingRoom
from workers.wiring import Installation

#: What has to wait for its turn is asked for again no sooner than after so many seconds.
_LEAST_WAIT: Final = 1.0


class OptInRoom:
    """Sends for one process, at the seats of its sending room."""

    def __init__(self, installation: Installation, room: SendingRoom) -> None:
        self._installation, self._room = installation, room
        self._lock = threading.Lock()
        self._waiting: deque[int] = deque()

    def send(self, opt_in: int) -> list[tuple[int, str | None]]:
        """Send the mail of one wish, and of those that others ask for meanwhile; who asks while somebody else sends has
        nothing to do. Returns what became of each (`send_opt_in`).

        Raises:
            Unreachable: the database is away; what is due stays so.
        """
        done = []
        self._waiting.append(opt_in)
        while self._waiting and self._lock.acquire(blocking=False):
            try:
                while self._waiting:
                    number = self._waiting.popleft()
                    done.append((number, self._send(number)))
            finally:
                self._lock.release()
        return done

    def _send(self, opt_in: int) -> str | None:
        """Send one; at once again where another smarthost can take over from one that was away."""
        status = None
        for _ in self._route:
            if self._room.stopping():
                break
            tried = send_opt_in(self._desk, opt_in)
            status = tried or status
            if tried != "waiting":
                break
        return status

    @property
    def _sender(self) -> str:
        settings = self._installation.settings
        return settings.opt_in.sender or next(iter(settings.senders))

    @property
    def _route(self) -> tuple[str, ...]:
        return self._installation.settings.senders[self._sender].route

    @cached_property
    def _desk(self) -> OptInDesk:
        installation = self._installation
        return OptInDesk(
            installation.engine,
            installation.ring,
            make_gate(installation),
            self._road,
            installation.author(self._sender),
            installation.stationery,
            _words(),
            installation.settings.controller.name,
        )

    @contextmanager
    def _road(self, domain: str, begun: Begun) -> Iterator[Road | datetime]:
        """The first smarthost of the route that is well and has room; see `Roads`."""
        smarthost = self._room.routes.choose(self._route)
        if isinstance(smarthost, datetime):
            yield smarthost
            return
        seat = self._room.seat()
        with seat.lock:
            pace = PassPace(self._room.pacer, seat.hand, smarthost, self._sender)
            transport = None
            try:
                transport = seat.lent(smarthost, begun)
                wait = CROWDED_SECONDS if transport is None else self._wait(pace, domain)
                if transport is None or wait:
                    yield utc_now() + timedelta(seconds=wait)
                else:
                    yield Road(transport, self._listener(smarthost, domain, pace))
            finally:
                pace.finish()
                if transport is not None:
                    transport.close()

    def _wait(self, pace: PassPace, domain: str) -> float:
        """Wait for a turn, before others who were put off: somebody is looking into their mailbox. 0, or how many
        seconds are left to wait."""
        if not pace.active:
            return 0.0
        hold = wait_for_turn(pace, domain, again=True, stopping=self._room.stopping, meanwhile=lambda: None)
        return 0.0 if hold is None else max(hold.seconds, _LEAST_WAIT)

    def _listener(self, smarthost: str, domain: str, pace: PassPace) -> Callable[[Outcome], datetime | None]:
        began, routes = utc_now(), self._room.routes

        def heard(outcome: Outcome) -> datetime | None:
            if isinstance(outcome, Accepted):
                routes.worked(smarthost)
            if not isinstance(outcome, Deferred):
                return None
            pace.slow_down(domain, outcome)
            if outcome.spends_attempt:
                return None
            routes.failed(smarthost, began)
            if routes.another(self._route, smarthost):
                return utc_now()
            return utc_now() + self._installation.retries.shortest_pause

        return heard


def _words() -> Words:
    folder = templates_folder() / "strings"
    words: dict[str, Any] = {}
    for language in LANGUAGES:
        words[language] = tomllib.loads((folder / f"{language}.toml").read_text(encoding="utf-8"))["notice"]
    return words
