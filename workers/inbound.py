"""The mail entrance: bounces and unsubscriptions by mail, over SMTP and LMTP on one port.

Promise: only addresses that we made (a token that verifies) are accepted; 250 only after the message was
applied and binds, for each recipient by itself in LMTP and for all of them in SMTP; 451 while the database
is away, or where something of ours fails. A message that cannot be read is kept as an event; none ends the
listener. What is more than can be held is put off (421, 452), never taken and lost. No mail is ever sent in
reply, and nothing of a sender or recipient is logged. The dialogue itself is `workers.inbound_dialogue`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
import structlog

from campaigns.errors import Unreachable
from campaigns.feedback.apply import Report, apply_reports, may_be_a_no
from campaigns.feedback.event import FeedbackEvent
from campaigns.feedback.ingest import arrived, recipient_claims
from campaigns.keyring import KeyRing
from campaigns.principal import INBOUND
from campaigns.register.permit import Binding
from campaigns.tokens import TokenMaker
from workers.faults import place_of
from workers.hint_alarm import HintAlarm
from workers.inbound_dialogue import Dialogue, Full, Limits
from workers.shared_commits import SharedCommit

_THREADS: Final = 4
_STOP_SECONDS: Final = 15
_LATER: Final = "451 4.3.0 Try again later"

log = structlog.get_logger()


@dataclass(frozen=True)
class InboundContext:
    """What the listener needs: the register, the tokens, the domain that it receives for, and the keys by which
    unproved reports are counted."""

    engine: sa.Engine
    tokens: TokenMaker
    mail_domain: str
    ring: KeyRing | None = None
    limits: Limits = field(default_factory=Limits)


class InboundListener:
    """The listener, in a thread of its own. `port` is the one it listens on, also where 0 was asked for."""

    def __init__(self, context: InboundContext) -> None:
        self.port = 0
        self.hostname, self.limits = context.mail_domain, context.limits
        self.connections: set[Dialogue] = set()
        #: Octets of messages in hand, over all connections.
        self.octets_in_hand = 0
        self._context, self._alarm = context, HintAlarm(context.engine)
        self._threads = ThreadPoolExecutor(_THREADS, "inbound")
        self._commits: SharedCommit[Report, list[str]] = SharedCommit(self._commit, "inbound-commits")
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="inbound", daemon=True)

    def start(self, host: str, port: int) -> None:
        """Begin to listen.

        Raises:
            OSError: the port is taken.
        """
        self._thread.start()
        try:
            self._run(self._listen(host, port))
        except OSError:
            self._end()
            raise

    def stop(self) -> None:
        """Take no more, answer what is in hand, end."""
        if self._thread.is_alive():
            self._run(self._close())
            self._end()

    def is_ours(self, address: str) -> bool:
        """Whether mail to this address is taken."""
        domain = address.rpartition("@")[2].lower()
        return domain == self.hostname and recipient_claims(self._context.tokens, address) is not None

    async def take(self, content: bytes, recipients: Sequence[str]) -> list[str]:
        """Apply a message for each of its recipients; their replies, when they bind."""
        return list(await asyncio.gather(*(self._taken(content, recipient) for recipient in recipients)))

    async def _taken(self, content: bytes, recipient: str) -> str:
        try:
            events = await self._loop.run_in_executor(self._threads, self._read, content, recipient)
            words = await self._commits.hand_in(
                (events, INBOUND), binds=may_be_a_no(events), weight=len(events)
            )
        except Unreachable:
            return _LATER
        except Exception as error:  # noqa: BLE001 (its words may hold personal data, and no message ends the listener)
            log.error("inbound message failed", error=place_of(error))  # noqa: TRY400 (no traceback, it may hold mail)
            return _LATER
        log.info("inbound message taken", consequences=words)
        return "250 2.0.0 Taken"

    def _read(self, content: bytes, recipient: str) -> list[FeedbackEvent]:
        context = self._context
        return arrived(context.engine, context.tokens, content, recipient, context.ring)

    def _commit(self, reports: Sequence[Report]) -> tuple[Sequence[list[str]], Binding]:
        outcome = apply_reports(self._context.engine, reports)
        for words in outcome.consequences:
            self._alarm.heard(words)
        return outcome.consequences, outcome.binding

    async def _listen(self, host: str, port: int) -> None:
        self._server = await self._loop.create_server(self._connection, host, port)
        self.port = self._server.sockets[0].getsockname()[1]

    def _connection(self) -> asyncio.Protocol:
        return Dialogue(self, self._loop) if len(self.connections) < self.limits.connections else Full()

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        in_hand = [server.in_hand for server in self.connections if server.in_hand is not None]
        if in_hand:
            await asyncio.wait(in_hand, timeout=_STOP_SECONDS)
        for server in list(self.connections):
            server.hang_up()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()
        self._threads.shutdown()


def start_inbound(context: InboundContext, host: str, port: int) -> InboundListener:
    """Start the listener; `.stop()` ends it.

    Raises:
        OSError: the port is taken.
    """
    listener = InboundListener(context)
    listener.start(host, port)
    return listener
