"""The SMTP and LMTP dialogue as bytes, without a socket.

Promise: replies are cut out of a stream whatever pieces it comes in; what is longer than any honest server writes, or
is no reply at all, is a `ReplyFault`, after which the connection must not be believed any more. Commands are made from
checked parts only (`Envelope` admits nothing that could end a command).
Sources: RFC 5321 4.1-4.2, RFC 2920 (pipelining), RFC 1870 (SIZE), RFC 6531 (SMTPUTF8), RFC 4954 (AUTH), RFC 2033.
"""

from __future__ import annotations

from base64 import b64encode
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
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
        return _parsed(self.code, self.lines)


# Many servers answer every message with the same words.
_parsed: Final = lru_cache(maxsize=64)(parse_reply)


class ReplyReader:
    """Cuts replies out of what the server sends.

    A server says the same to nearly every MAIL, RCPT and DATA, so the first few lines of a connection are read once.
    """

    __slots__ = ("_begun", "_known", "_lines", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._lines: deque[bytes] = deque()
        self._begun: list[bytes] = []
        self._known: dict[bytes, RawReply] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing lies unread here: true before every command that needs an answer of its own."""
        return not (self._lines or self._rest or self._begun)

    def feed(self, data: bytes) -> None:
        """Take in what came from the server.

        Raises:
            ReplyFault: a line goes on beyond all measure.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._lines.extend(lines)
        if len(self._rest) > REPLY_LINE_OCTETS:
            raise ReplyFault("The server's reply has a line that is too long.")

    def next(self) -> RawReply | None:
        """The next whole reply, or None until more has come.

        Raises:
            ReplyFault: this is no reply, or one beyond all measure.
        """
        while self._lines:
            line = self._lines.popleft()
            if not self._begun and (known := self._known.get(line)) is not None:
                return known
            code, mark = _CODES.get(line[:3]), line[3:4]
            if code is None or mark not in _MARKS or len(line) > REPLY_LINE_OCTETS:
                raise ReplyFault("The server sent something that is no reply.")
            self._begun.append(line[4:].rstrip())
            if mark != b"-":
                return self._whole(code, line)
            if len(self._begun) >= REPLY_LINES:
                raise ReplyFault("The server's reply has too many lines.")
        return None

    def _whole(self, code: int, last: bytes) -> RawReply:
        texts, self._begun = tuple(self._begun), []
        reply = RawReply(code, texts)
        if len(texts) == 1 and len(self._known) < _KNOWN_LINES:
            self._known[last] = reply
        return reply


_KNOWN_LINES: Final = 8
_CODES: Final = {b"%d" % code: code for code in range(200, 600)}
# After the code: text, more lines, or nothing (RFC 5321 4.2); a carriage return is what is left of a bare line end.
_MARKS: Final = frozenset({b" ", b"-", b"", b"\r"})


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
