"""The mail entrance: bounces and unsubscriptions by mail, over SMTP and LMTP on one port.

Promise: only addresses that we made (a token that verifies) are accepted; one recipient per transaction,
so that both protocols answer alike; 250 only after the message was applied and binds; 451 while the
database is away, or where something of ours fails. A message that cannot be read is kept as an event;
none ends the listener. Content with a CR or LF alone ends the connection at once, so that nothing after
it can pass for a command. Nothing of a sender or recipient is logged. Sources: RFC 5321 4.1.1.4, 4.5.3.1
and 2.3.8; RFC 2033 4; RFC 2920.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session, syntax
from prometheus_client import Counter

from campaigns.errors import Unreachable
from campaigns.feedback.ingest import ingest, recipient_claims
from campaigns.feedback.mime import MESSAGE_OCTETS
from campaigns.keyring import KeyRing
from campaigns.principal import INBOUND
from campaigns.tokens import TokenMaker
from workers.faults import place_of
from workers.hint_alarm import HintAlarm

CONNECTIONS: Final = 100
#: Silence, or one whole message, may last so long, in seconds.
PATIENCE_SECONDS: Final = 300
#: What a message that is too large may go on for before the connection is closed.
_DRAINED_OCTETS: Final = 4 * MESSAGE_OCTETS
_THREADS: Final = 8
_STOP_SECONDS: Final = 15

_UNKNOWN: Final = "550 5.1.1 There is no such mailbox here"
_LATER: Final = "451 4.3.0 Try again later"
_TOO_LARGE: Final = f"552 5.3.4 A message may have {MESSAGE_OCTETS} octets"
_BARE: Final = "521 5.6.0 Lines must end with CR and LF; bye"

log = structlog.get_logger()
# aiosmtpd tells every command, with its address, to this logger.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)

_MESSAGES: Final = Counter("utskick_inbound_messages", "Messages taken or put off", ["reply"])


@dataclass(frozen=True)
class InboundContext:
    """What the listener needs: the register, the tokens, the domain that it receives for, and the keys by which
    unproved reports are counted."""

    engine: sa.Engine
    tokens: TokenMaker
    mail_domain: str
    ring: KeyRing | None = None


class InboundListener:
    """The listener, in a thread of its own. `port` is the one it listens on, also where 0 was asked for."""

    def __init__(self, context: InboundContext) -> None:
        self.context = context
        self.alarm = HintAlarm(context.engine)
        self.port = 0
        self.connections: set[_Server] = set()
        self.threads = ThreadPoolExecutor(_THREADS, "inbound")
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

    async def _listen(self, host: str, port: int) -> None:
        self._server = await self._loop.create_server(self._connection, host, port)
        self.port = self._server.sockets[0].getsockname()[1]

    def _connection(self) -> asyncio.Protocol:
        return _Server(self, self._loop) if len(self.connections) < CONNECTIONS else _Full()

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
        self.threads.shutdown()


def start_inbound(context: InboundContext, host: str, port: int) -> InboundListener:
    """Start the listener; `.stop()` ends it.

    Raises:
        OSError: the port is taken.
    """
    listener = InboundListener(context)
    listener.start(host, port)
    return listener


class _Full(asyncio.Protocol):
    """What a caller gets where too many are connected."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            transport.write(b"421 4.3.2 Too many connections, try again later\r\n")
            transport.close()


class _Server(SMTP):
    """One connection: SMTP that also greets LMTP clients and reads content strictly."""

    line_length_limit = 65_536

    def __init__(self, listener: InboundListener, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            _Handler(listener),
            hostname=listener.context.mail_domain,
            ident="Utskick",
            data_size_limit=MESSAGE_OCTETS,
            enable_SMTPUTF8=True,
            timeout=PATIENCE_SECONDS,
            loop=loop,
        )
        self._listener = listener
        self.in_hand: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._listener.connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._listener.connections.discard(self)
        super().connection_lost(error)

    def hang_up(self) -> None:
        """End the connection."""
        if self.transport is not None:
            self.transport.close()

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, hostname: str) -> None:  # noqa: N802 (the name that aiosmtpd calls)
        """LMTP's greeting (RFC 2033 4.1); with one recipient per transaction the replies are those of
        SMTP."""
        await self.smtp_EHLO(hostname)

    @syntax("DATA")
    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 (the name that aiosmtpd calls)
        """Read the content up to the line with a dot, hand it on, answer."""
        if await self.check_helo_needed():
            return
        recipients = self.envelope.rcpt_tos if self.envelope is not None else []
        if arg or not recipients:
            await self.push("501 5.5.4 DATA takes no argument" if arg else "503 5.5.1 Need RCPT first")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        try:
            content = await self._content()
        except _HangUpError as error:
            await self.push(error.reply)
            self.hang_up()
            return
        self.in_hand = self.loop.create_future()
        try:
            await self.push(_TOO_LARGE if content is None else await self._taken(content, recipients[0]))
        finally:
            self.in_hand.set_result(None)
            self.in_hand = None
            self._set_post_data_state()  # type: ignore[no-untyped-call]

    async def _taken(self, content: bytes, recipient: str) -> str:
        handler: _Handler = self.event_handler
        reply = await self.loop.run_in_executor(self._listener.threads, handler.take, content, recipient)
        _MESSAGES.labels(reply[:3]).inc()
        return reply

    async def _content(self) -> bytes | None:
        """The content without its dots (RFC 5321 4.5.2); None where it is too large."""
        kept, seen, whole = bytearray(), 0, True
        while True:
            line, ended = await self._piece()
            if whole and ended and line == b".\r\n":
                return None if seen > MESSAGE_OCTETS else bytes(kept)
            bare = line[:-2] if ended else line
            if b"\r" in bare or b"\n" in bare:
                raise _HangUpError(_BARE)
            seen += len(line)
            if seen <= MESSAGE_OCTETS:
                kept += line[1:] if whole and line.startswith(b".") else line
            elif seen > _DRAINED_OCTETS:
                raise _HangUpError(_TOO_LARGE)
            whole = ended

    async def _piece(self) -> tuple[bytes, bool]:
        """The next line, or a part of one that is very long; and whether its end is there."""
        try:
            return await self._reader.readuntil(b"\r\n"), True
        except asyncio.LimitOverrunError as error:
            return await self._reader.readexactly(error.consumed), False


class _HangUpError(Exception):
    """Content that is not read to its end; the connection ends with this reply."""

    def __init__(self, reply: str) -> None:
        super().__init__(reply)
        self.reply = reply


class _Handler:
    """Decides about recipients and messages."""

    def __init__(self, listener: InboundListener) -> None:
        self._context = listener.context
        self._alarm = listener.alarm

    async def handle_EHLO(  # noqa: N802 (the name that aiosmtpd calls)
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, replies: list[str]
    ) -> list[str]:
        """What LMTP demands and SMTP may have (RFC 2033 4)."""
        session.host_name = hostname
        return [*replies[:-1], "250-PIPELINING", "250-ENHANCEDSTATUSCODES", replies[-1]]

    async def handle_RCPT(  # noqa: N802 (the name that aiosmtpd calls)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take an address of ours, one at a time."""
        domain = address.rpartition("@")[2].lower()
        if domain != self._context.mail_domain or recipient_claims(self._context.tokens, address) is None:
            return _UNKNOWN
        if envelope.rcpt_tos:
            return "452 4.5.3 One recipient at a time"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_exception(self, error: Exception) -> str:
        """Whatever fails, the sender may try again."""
        log.error("inbound command failed", error=place_of(error))
        return _LATER

    def take(self, content: bytes, recipient: str) -> str:
        """Apply a message in a thread; the reply."""
        context = self._context
        try:
            consequences = ingest(context.engine, context.tokens, content, recipient, INBOUND, context.ring)
        except Unreachable:
            return _LATER
        except Exception as error:  # noqa: BLE001 (its words may hold personal data, and no message ends the listener)
            log.error("inbound message failed", error=place_of(error))  # noqa: TRY400
            return _LATER
        log.info("inbound message taken", consequences=consequences)
        self._alarm.heard(consequences)
        return "250 2.0.0 Taken"
