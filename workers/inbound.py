"""The mail entrance: bounces and unsubscriptions by mail, over SMTP and LMTP on one port.

Promise: only addresses that we made (a token that verifies) are accepted; one recipient per transaction, so
that both protocols answer alike; 250 only after the message was applied and binds; 451 while the database
is away. Line ends other than CRLF are refused. A message that cannot be read is kept as an event; none ends
the listener.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
import structlog
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session, syntax

from campaigns.delivery.composing import RETURN_PATH_PREFIX, UNSUBSCRIBE_PREFIX
from campaigns.errors import Unreachable
from campaigns.feedback.dsn import MESSAGE_OCTETS
from campaigns.feedback.ingest import ingest, local_part_claims
from campaigns.principal import INBOUND
from campaigns.tokens import TokenMaker

log = structlog.get_logger()

_UNKNOWN: Final = "550 5.1.1 There is no such mailbox here"


@dataclass(frozen=True)
class InboundContext:
    """What the listener needs: the register, the tokens, and the domain that it receives for."""

    engine: sa.Engine
    tokens: TokenMaker
    mail_domain: str


class _Server(SMTP):
    """SMTP that also greets LMTP clients."""

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, hostname: str) -> None:  # noqa: N802 (the name that aiosmtpd calls)
        """LMTP's greeting (RFC 2033 4.1); with one recipient per transaction the replies are those of SMTP."""
        await self.smtp_EHLO(hostname)


class _Handler:
    """Decides about recipients and messages."""

    def __init__(self, context: InboundContext) -> None:
        self._context = context

    async def handle_RCPT(  # noqa: N802 (the name that aiosmtpd calls)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take an address of ours."""
        if envelope.rcpt_tos:
            return "452 4.5.3 One recipient at a time"
        domain = address.rpartition("@")[2].lower()
        ours = (local_part_claims(self._context.tokens, prefix, [address]) for prefix in _PREFIXES)
        if domain != self._context.mail_domain or all(claims is None for claims in ours):
            return _UNKNOWN
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 (the name that aiosmtpd calls)
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Apply a message, then answer."""
        content: Any = envelope.original_content or b""
        if content.count(b"\r") != content.count(b"\r\n") or content.count(b"\n") != content.count(b"\r\n"):
            return "550 5.6.0 Lines must end with CRLF"
        return await asyncio.get_running_loop().run_in_executor(
            None, self._take, content, envelope.rcpt_tos[0]
        )

    def _take(self, content: bytes, recipient: str) -> str:
        try:
            consequences = ingest(self._context.engine, self._context.tokens, content, recipient, INBOUND)
        except Unreachable:
            return "451 4.3.0 Try again later"
        log.info("mail taken", consequences=consequences)
        return "250 2.0.0 Taken"


_PREFIXES: Final = (RETURN_PATH_PREFIX, UNSUBSCRIBE_PREFIX)


class _Controller(Controller):
    def factory(self) -> SMTP:
        """One protocol per connection."""
        return _Server(
            self.handler, hostname=self.hostname_shown, data_size_limit=MESSAGE_OCTETS, ident="Utskick"
        )

    hostname_shown = "localhost"


def start_inbound(context: InboundContext, host: str, port: int) -> Controller:
    """Start the listener in a thread of its own; `.stop()` ends it.

    Raises:
        OSError: the port is taken.
    """
    controller = _Controller(_Handler(context), hostname=host, port=port)
    controller.hostname_shown = context.mail_domain
    controller.start()
    return controller
