"""One connection of the mail entrance: SMTP and LMTP, read strictly.

Promise: a line ends with CR and LF; either of them alone, in a command or in content, ends the connection at
once (521), so that nothing after it can pass for a command. Addresses that are not ours get one answer. A
client may hold so many messages, recipients, octets and seconds, make so many mistakes, and no more. Sources:
RFC 5321 4.1.1.4, 4.5.2, 4.5.3.1 and 2.3.8; RFC 2033 4; RFC 2920; RFC 1870.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session, syntax
from prometheus_client import Counter

from campaigns.feedback.mime import MESSAGE_OCTETS
from workers.faults import place_of

_UNKNOWN: Final = "550 5.1.1 There is no such mailbox here"
_LATER: Final = "451 4.3.0 Try again later"
_BUSY: Final = "452 4.3.1 Too much to do, try again later"
_BARE: Final = "521 5.6.0 Lines must end with CR and LF; bye"
_ENOUGH: Final = "421 4.7.0 Enough for one connection; bye"
#: What a message that is too large may go on for before the connection is closed.
_DRAINED: Final = 4
#: How often a connection may say a command that does no work.
_IDLE_COMMANDS: Final = {"*": 200, "MAIL": 100_000, "RCPT": 100_000, "DATA": 100_000, "RSET": 100_000}

log = structlog.get_logger()
# aiosmtpd tells every command, with its address, to this logger.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)

_MESSAGES: Final = Counter("utskick_inbound_messages", "Messages taken or put off", ["reply"])
_REFUSED: Final = Counter("utskick_inbound_refused", "Refusals of the mail entrance", ["why"])


@dataclass(frozen=True)
class Limits:
    """How much the entrance takes on: connections at once, and of them from one address; octets of one message, and of
    all messages in hand; seconds that a client may be silent or take for one message; recipients of a message,
    messages of a connection, and unknown mailboxes that it may ask for."""

    connections: int = 100
    connections_of_one: int = 50
    message_octets: int = MESSAGE_OCTETS
    octets_in_hand: int = 64 * 1024 * 1024
    patience_seconds: float = 300
    recipients: int = 10
    messages: int = 1_000
    unknown_recipients: int = 20


class Taker(Protocol):
    """Who decides about addresses and messages."""

    hostname: str
    limits: Limits
    connections: set[Dialogue]
    octets_in_hand: int

    def is_ours(self, address: str) -> bool:
        """Whether mail to this address is taken."""
        ...

    async def take(self, content: bytes, recipients: Sequence[str]) -> list[str]:
        """The replies of a message, one for each recipient."""
        ...


class Full(asyncio.Protocol):
    """What a caller gets where too many are connected."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Turn it away."""
        _REFUSED.labels("connections").inc()
        if isinstance(transport, asyncio.Transport):
            transport.write(b"421 4.3.2 Too many connections, try again later\r\n")
            transport.close()


class Dialogue(SMTP):
    """One connection: SMTP that also greets LMTP clients and reads strictly."""

    line_length_limit = 65_536

    def __init__(self, taker: Taker, loop: asyncio.AbstractEventLoop) -> None:
        self._taker, self._limits = taker, taker.limits
        super().__init__(
            _Hooks(),
            hostname=taker.hostname,
            ident="Utskick",
            data_size_limit=self._limits.message_octets,
            enable_SMTPUTF8=True,
            timeout=self._limits.patience_seconds,
            command_call_limit=_IDLE_COMMANDS,
            loop=loop,
        )
        self._lmtp = False
        self._messages = self._unknown = 0
        self._held = 0
        self.caller = ""
        self.in_hand: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless this caller has its share of connections already: whoever holds many open, and says nothing on
        them, leaves room for others."""
        self.caller = str((transport.get_extra_info("peername") or [""])[0])
        held = sum(other.caller == self.caller for other in self._taker.connections)
        if held >= self._limits.connections_of_one and isinstance(transport, asyncio.Transport):
            full = Full()
            transport.set_protocol(full)
            full.connection_made(transport)
            return
        self._taker.connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Give back what is held."""
        self._taker.connections.discard(self)
        self._hold(-self._held)
        super().connection_lost(error)

    def hang_up(self) -> None:
        """End the connection."""
        if self.transport is not None:
            self.transport.close()

    async def handle_exception(self, error: Exception) -> str:
        """A bare line end is the end; whatever else fails, the sender may try again."""
        if isinstance(error, _HangUpError):
            _REFUSED.labels(error.why).inc()
            self._reader.ended = True
            return error.reply
        log.error("inbound command failed", error=place_of(error))
        return _LATER

    def _cb_client_connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super()._cb_client_connected(reader, writer)
        self._reader: Any = _StrictReader(reader)

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, hostname: str) -> None:  # noqa: N802 (the name that aiosmtpd calls)
        """LMTP's greeting (RFC 2033 4.1)."""
        await self.smtp_EHLO(hostname)
        self._lmtp = True

    @syntax("EHLO hostname")
    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802 (aiosmtpd's name)
        """SMTP's greeting."""
        self._lmtp = False
        await super().smtp_EHLO(hostname)

    @syntax("HELO hostname")
    async def smtp_HELO(self, hostname: str) -> None:  # noqa: N802 (aiosmtpd's name)
        """SMTP's old greeting."""
        self._lmtp = False
        await super().smtp_HELO(hostname)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 (aiosmtpd's name)
        """Begin a message, unless this connection has had its share or there is too much in hand."""
        if self._messages >= self._limits.messages:
            raise _HangUpError(_ENOUGH, "messages")
        elif self._taker.octets_in_hand >= self._limits.octets_in_hand:
            _REFUSED.labels("busy").inc()
            await self.push(_BUSY)
        else:
            await super().smtp_MAIL(arg)

    async def handle_RCPT(self, address: str) -> str:  # noqa: N802 (of the hook that calls it)
        """Take an address of ours, up to the limit."""
        if not self._taker.is_ours(address):
            _REFUSED.labels("unknown recipient").inc()
            self._unknown += 1
            if self._unknown >= self._limits.unknown_recipients:
                self._reader.ended = True
                return _ENOUGH
            return _UNKNOWN
        recipients = self.envelope.rcpt_tos if self.envelope is not None else []
        if len(recipients) >= self._limits.recipients:
            return "452 4.5.3 Too many recipients"
        recipients.append(address)
        return "250 2.1.5 OK"

    @syntax("DATA")
    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 (aiosmtpd's name)
        """Read the content up to the line with a dot, hand it on, answer."""
        if await self.check_helo_needed():
            return
        recipients = list(self.envelope.rcpt_tos) if self.envelope is not None else []
        if arg or not recipients:
            await self.push("501 5.5.4 DATA takes no argument" if arg else "503 5.5.1 Need RCPT first")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        self._messages += 1
        self.in_hand = self.loop.create_future()
        try:
            await self._answer(await self._content(), recipients)
        finally:
            self._hold(-self._held)
            self.in_hand.set_result(None)
            self.in_hand = None
            self._set_post_data_state()  # type: ignore[no-untyped-call]  # aiosmtpd has no types

    async def _answer(self, content: bytes | str, recipients: Sequence[str]) -> None:
        """One reply for each recipient in LMTP. In SMTP there is only one: taken by all, or to be sent again."""
        replies = [content] * len(recipients) if isinstance(content, str) else []
        if isinstance(content, bytes):
            self._reset_timeout()
            replies = await self._taker.take(content, recipients)
        if not self._lmtp:
            replies = [next((reply for reply in replies if not reply.startswith("250")), replies[0])]
        for reply in replies:
            _MESSAGES.labels(reply[:3]).inc()
            await self.push(reply)

    async def _content(self) -> bytes | str:
        """The content without its dots (RFC 5321 4.5.2); the reply, where it is too large to be held."""
        limit, refusal = self._limits.message_octets, ""
        kept, seen, whole = bytearray(), 0, True
        while True:
            line, ended = await self._piece()
            if whole and ended and line == b".\r\n":
                return refusal or bytes(kept)
            bare = line[:-2] if ended else line
            if b"\r" in bare or b"\n" in bare:
                raise _HangUpError(_BARE, "bare line end")
            seen += len(line)
            if seen > limit:
                refusal = f"552 5.3.4 A message may have {limit} octets"
            elif not refusal and self._taker.octets_in_hand + len(line) > self._limits.octets_in_hand:
                refusal = _BUSY
            if seen > _DRAINED * limit:
                raise _HangUpError(refusal, "size")
            if not refusal:
                self._hold(len(line))
                kept += line[1:] if whole and line.startswith(b".") else line
            whole = ended

    async def _piece(self) -> tuple[bytes, bool]:
        """The next line, or a part of one that is very long; and whether its end is there."""
        try:
            return await self._reader.readuntil(b"\r\n"), True
        except asyncio.LimitOverrunError as error:
            return await self._reader.readexactly(error.consumed), False

    def _hold(self, octets: int) -> None:
        self._held += octets
        self._taker.octets_in_hand += octets


class _HangUpError(Exception):
    """What is not read to its end; the connection ends with this reply."""

    def __init__(self, reply: str, why: str) -> None:
        super().__init__(reply)
        self.reply, self.why = reply, why


class _StrictReader:
    """Commands end with CR and LF, and hold neither of them. Once it is `ended`, what has come is not looked at any
    more, and the connection is closed."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self.ended = False
        self._reader = reader
        self.read, self.readexactly = reader.read, reader.readexactly

    async def readuntil(self, separator: bytes = b"") -> bytes:
        """A line up to the separator; by default a command."""
        if self.ended:
            raise asyncio.CancelledError  # the task of this connection ends, as if it had been lost
        line = await self._reader.readuntil(separator or b"\n")
        if not separator and (not line.endswith(b"\r\n") or b"\r" in line[:-2]):
            raise _HangUpError(_BARE, "bare line end")
        return line


class _Hooks:
    """What aiosmtpd asks, handed on to the dialogue."""

    async def handle_EHLO(  # noqa: N802 (the name that aiosmtpd calls)
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, replies: list[str]
    ) -> list[str]:
        """What LMTP demands and SMTP may have (RFC 2033 4)."""
        session.host_name = hostname
        return [*replies[:-1], "250-PIPELINING", "250-ENHANCEDSTATUSCODES", replies[-1]]

    async def handle_RCPT(  # noqa: N802 (the name that aiosmtpd calls)
        self, server: Dialogue, _session: Session, _envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """An address."""
        return await server.handle_RCPT(address)
