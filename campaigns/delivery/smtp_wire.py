"""The SMTP and LMTP dialogue as bytes, without a socket.

Promise: replies are cut out of a stream whatever pieces it comes in; what is longer than any honest server writes, or
is no reply at all, is a `ReplyFault`, after which the connection must not be believed any more. Commands are made from
checked parts only (`Envelope` admits nothing that could end a command).
Sources: RFC 5321 4.1-4.2, RFC 2920 (pipelining), RFC 1870 (SIZE), RFC 6531 (SMTPUTF8), RFC 4954 (AUTH), RFC 2033.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from campaigns.delivery.replies import Reply, ReplyFault, parse_reply
from campaigns.delivery.smarthost_url import Credentials
from campaigns.delivery.transport import Envelope

# RFC 5321 4.5.3.1.5 allows 512 octets per line; real servers explain themselves at greater length.
REPLY_LINE_OCTETS: Final = 4_096
REPLY_LINES: Final = 100

DOT: Final = b".\r\n"
DATA: Final = b"DATA\r\n"
RSET: Final = b"RSET\r\n"
QUIT: Final = b"QUIT\r\n"
STARTTLS: Final = b"STARTTLS\r\n"


@dataclass(frozen=True, slots=True)
class RawReply:
    """A whole reply, its text not yet looked at; most replies only need their code."""

    code: int
    lines: tuple[bytes, ...]

    def parsed(self) -> Reply:
        """The reply with its enhanced code and text apart."""
        return parse_reply(self.code, self.lines)


class ReplyReader:
    """Cuts replies out of what the server sends."""

    __slots__ = ("_buffer", "_lines")

    def __init__(self) -> None:
        self._buffer = b""
        self._lines: list[bytes] = []

    @property
    def is_empty(self) -> bool:
        """Whether nothing lies unread here: true before every command that needs an answer of its own."""
        return not self._buffer and not self._lines

    def feed(self, data: bytes) -> None:
        """Take in what came from the server."""
        self._buffer = self._buffer + data if self._buffer else data

    def next(self) -> RawReply | None:
        """The next whole reply, or None until more has come.

        Raises:
            ReplyFault: this is no reply, or one beyond all measure.
        """
        while (end := self._buffer.find(b"\n")) >= 0:
            line, self._buffer = self._buffer[:end].removesuffix(b"\r"), self._buffer[end + 1 :]
            code = _code(line)
            self._lines.append(line[4:])
            if line[3:4] != b"-":
                lines, self._lines = tuple(self._lines), []
                return RawReply(code, lines)
            if len(self._lines) >= REPLY_LINES:
                raise ReplyFault("The server's reply has too many lines.")
        if len(self._buffer) > REPLY_LINE_OCTETS:
            raise ReplyFault("The server's reply has a line that is too long.")
        return None


def _code(line: bytes) -> int:
    digits = line[:3]
    if len(line) > REPLY_LINE_OCTETS:
        raise ReplyFault("The server's reply has a line that is too long.")
    if (
        len(digits) != 3
        or not digits.isdigit()
        or digits[0] not in b"2345"
        or line[3:4] not in {b"", b" ", b"-"}
    ):
        raise ReplyFault("The server sent something that is no reply.")
    return int(digits)


@dataclass(frozen=True, slots=True)
class Extensions:
    """What the server offered in its last EHLO; an earlier one is not remembered (RFC 3207 4.2)."""

    pipelining: bool = False
    starttls: bool = False
    smtputf8: bool = False
    declares_size: bool = False
    size: int | None = None
    auth: frozenset[str] = frozenset()


def parse_extensions(lines: Sequence[bytes]) -> Extensions:
    """The reply to EHLO or LHLO, its first line being the server's name (RFC 5321 4.1.1.1)."""
    offered: dict[str, list[str]] = {}
    for line in lines[1:]:
        keyword, *parameters = line.decode("ascii", "replace").upper().replace("AUTH=", "AUTH ").split() or [
            ""
        ]
        offered.setdefault(keyword, []).extend(parameters)
    return Extensions(
        pipelining="PIPELINING" in offered,
        starttls="STARTTLS" in offered,
        smtputf8="SMTPUTF8" in offered,
        declares_size="SIZE" in offered,
        size=_limit(offered.get("SIZE", [])),
        auth=frozenset(offered.get("AUTH", [])),
    )


def _limit(parameters: Sequence[str]) -> int | None:
    """The fixed maximum size; 0 or none means that there is none (RFC 1870 4)."""
    first = parameters[0] if parameters else ""
    return (int(first) or None) if first.isascii() and first.isdigit() and len(first) <= 20 else None


def mail_from(envelope: Envelope, extensions: Extensions, size: int | None) -> bytes:
    """MAIL, with SIZE where the server knows it and the size is known, and SMTPUTF8 where it is needed."""
    declared = f" SIZE={size}" if size is not None and extensions.declares_size else ""
    smtputf8 = " SMTPUTF8" if envelope.needs_smtputf8 else ""
    return f"MAIL FROM:<{envelope.sender}>{declared}{smtputf8}\r\n".encode()


def rcpt_to(envelope: Envelope) -> bytes:
    """RCPT."""
    return f"RCPT TO:<{envelope.recipient}>\r\n".encode()


def envelope_group(envelope: Envelope, extensions: Extensions, size: int | None) -> bytes:
    """MAIL, RCPT and DATA in one piece (RFC 2920 3.1: DATA is the last of a group)."""
    return mail_from(envelope, extensions, size) + rcpt_to(envelope) + DATA


def auth_plain(credentials: Credentials) -> bytes:
    """AUTH PLAIN with its initial response (RFC 4616)."""
    return b"AUTH PLAIN " + b64encode(f"\0{credentials.user}\0{credentials.password}".encode()) + b"\r\n"


def auth_login(credentials: Credentials) -> tuple[bytes, bytes, bytes]:
    """AUTH LOGIN: the command and its two answers, each sent after a 334."""
    user, password = credentials.user.encode(), credentials.password.encode()
    return b"AUTH LOGIN\r\n", b64encode(user) + b"\r\n", b64encode(password) + b"\r\n"
