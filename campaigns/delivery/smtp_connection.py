"""One connection to a smarthost: socket, TLS, greeting, log-in, and whole replies within their time.

Promise: once `open_connection` returns, the server is who its certificate says (unless the address asks for no TLS),
has told its extensions over the protected connection, and has accepted our credentials where there are any. No
credential and no envelope is sent before that. `abort` ends the connection without another octet reaching the server.
Fails with `SmarthostAway`, whatever the cause: refused, cut, silent, unintelligible, untrusted.
Sources: RFC 5321 3.1-3.2 and 4.5.3.2, RFC 3207 (STARTTLS), RFC 8314 (TLS demanded), RFC 4954 (AUTH), RFC 2033 (LMTP).
"""

from __future__ import annotations

import socket
import ssl
import struct
from contextlib import suppress
from typing import Final

from campaigns.clock import boot_seconds
from campaigns.delivery.replies import ReplyFault
from campaigns.delivery.smarthost_url import Credentials, ServerUrl
from campaigns.delivery.smtp_wire import (
    QUIT,
    STARTTLS,
    Extensions,
    RawReply,
    ReplyReader,
    auth_login,
    auth_plain,
    parse_extensions,
)
from campaigns.delivery.transport import Timeouts
from campaigns.errors import Unreachable


class SmarthostAway(Unreachable):
    """The smarthost cannot be used now.

    `reply` is what it said, if it spoke; `was_closed` tells a server that ended the connection (end of stream, reset,
    421) from one that kept silent or made no sense.
    """

    def __init__(self, text: str, *, reply: RawReply | None = None, was_closed: bool = False) -> None:
        super().__init__(text)
        self.reply = reply
        self.was_closed = was_closed


class NothingSent(SmarthostAway):
    """The connection had ended before the first of these octets: the server has none of them."""


class Connection:
    """An open socket on which whole replies are read. `extensions` are those of the last EHLO."""

    __slots__ = ("_encrypted", "_reader", "_socket", "_waits", "extensions", "timeouts")

    def __init__(self, plain: socket.socket, timeouts: Timeouts) -> None:
        self._socket = plain
        self._encrypted = False
        self._reader = ReplyReader()
        self._waits = {_SENDING: 0.0, _RECEIVING: 0.0}
        self.timeouts = timeouts
        self.extensions = Extensions()
        plain.settimeout(None)

    def send(self, data: bytes) -> None:
        """Send commands."""
        self._wait_at_most(self.timeouts.block, _SENDING)
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise _lost(error) from error

    def send_content(self, content: bytes) -> None:
        """Send a message without its dot. The kernel keeps the last, partly filled segment for the dot to join."""
        self._wait_at_most(self.timeouts.block, _SENDING)
        try:
            for start in range(0, len(content), _BLOCK):
                block = content if len(content) <= _BLOCK else content[start : start + _BLOCK]
                if self._encrypted:
                    self._socket.sendall(block)
                else:
                    self._socket.sendall(block, _MORE)
        except OSError as error:
            raise _lost(error) from error

    def send_dot(self, data: bytes) -> None:
        """Send the final dot and what goes with it.

        Raises:
            NothingSent: not one octet was taken, so the message is not complete.
            SmarthostAway: some may have been.
        """
        self._wait_at_most(self.timeouts.block, _SENDING)
        try:
            sent = self._socket.send(data)
        except OSError as error:
            # A plain socket that refuses the first octet has taken none; inside TLS that cannot be told.
            failure = SmarthostAway if self._encrypted else NothingSent
            raise failure(_lost(error).args[0], was_closed=True) from error
        if sent < len(data):
            self.send(data[sent:])

    def reply(self, seconds: float) -> RawReply:
        """The next reply, whole, within so many seconds.

        Raises:
            SmarthostAway: the connection ended, the time ran out, or what came is no reply.
        """
        try:
            found = self._reader.next()
            return found if found is not None else self._receive(seconds)
        except ReplyFault as fault:
            raise SmarthostAway(str(fault)) from fault
        except OSError as error:
            raise _lost(error) from error

    def _receive(self, seconds: float) -> RawReply:
        self._wait_at_most(seconds, _RECEIVING)
        deadline = boot_seconds() + seconds
        while True:
            data = self._socket.recv(_RECEIVE)
            if not data:
                raise SmarthostAway("The smarthost ended the connection.", was_closed=True)
            self._reader.feed(data)
            if (found := self._reader.next()) is not None:
                return found
            if (left := deadline - boot_seconds()) <= 0:
                raise TimeoutError
            self._wait_at_most(left, _RECEIVING)

    def last_words(self) -> RawReply | None:
        """What the server said before it ended the connection, if that arrived; waits for nothing."""
        with suppress(OSError, SmarthostAway):
            return self.reply(_AT_ONCE)
        return None

    def expect_silence(self) -> None:
        """Insist that no reply lies unread, so that the next one answers what is sent next.

        Raises:
            SmarthostAway: the server spoke out of turn.
        """
        if not self._reader.is_empty:
            raise SmarthostAway("The smarthost sent a reply that nothing had asked for.")

    def ask(self, command: bytes, seconds: float) -> RawReply:
        """Send one command and read its reply, which must not be there already."""
        self.expect_silence()
        self.send(command)
        return self.reply(seconds)

    def start_tls(self, url: ServerUrl) -> None:
        """Put TLS on the connection; certificate and host name are checked. What was learnt before is forgotten."""
        self.expect_silence()
        context = _tls_context(url)
        self._socket.settimeout(self.timeouts.ehlo)
        try:
            encrypted = context.wrap_socket(self._socket, server_hostname=url.host)
        except ssl.SSLCertVerificationError as error:
            raise SmarthostAway(
                f"The certificate of {url} is not to be trusted: {error.verify_message}"
            ) from error
        except OSError as error:
            raise SmarthostAway(f"TLS with {url} failed: {_words(error)}") from error
        self._socket, self._encrypted = encrypted, True
        if encrypted.version() is None:
            # On a socket whose peer has just gone, ssl skips the handshake and would go on in the clear.
            raise SmarthostAway(f"TLS with {url} failed: the connection had ended", was_closed=True)
        self.extensions = Extensions()

    def quit(self) -> None:
        """End an idle connection politely, but without waiting long."""
        with suppress(SmarthostAway):
            self.ask(QUIT, self.timeouts.quit)
        self._socket.close()

    def abort(self) -> None:
        """End the connection at once: what the kernel still holds is thrown away, no QUIT, no TLS closing."""
        with suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._socket.close()

    def _wait_at_most(self, seconds: float, direction: int) -> None:
        """Limit the next waits. The kernel keeps the time of a plain socket, which spares a poll for each
        octet group; TLS needs Python's own time-out, which knows no direction."""
        if self._encrypted:
            self._socket.settimeout(seconds)
        elif self._waits[direction] != seconds:
            whole = int(seconds)
            timeval = struct.pack("@ll", whole, max(int((seconds - whole) * 1e6), 0 if whole else 1))
            self._socket.setsockopt(socket.SOL_SOCKET, direction, timeval)
            self._waits[direction] = seconds


def open_connection(url: ServerUrl, ehlo_name: str, timeouts: Timeouts) -> Connection:
    """Connect, greet, encrypt and log in.

    Raises:
        SmarthostAway: any of it failed; nothing secret was sent without TLS, and no envelope at all.
    """
    try:
        plain = socket.create_connection((url.host, url.port), timeout=timeouts.connect)
    except (OSError, UnicodeError) as error:
        raise SmarthostAway(f"{url} cannot be reached: {_words(error)}") from error
    connection = Connection(plain, timeouts)
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _greet(connection, url, ehlo_name)
    except OSError as error:
        connection.abort()
        raise _lost(error) from error
    except BaseException:
        connection.abort()
        raise
    return connection


def _greet(connection: Connection, url: ServerUrl, ehlo_name: str) -> None:
    if url.tls == "implicit":
        connection.start_tls(url)
    _positive(connection.reply(connection.timeouts.greeting), f"{url} does not greet us")
    _ehlo(connection, url, ehlo_name)
    if url.tls == "starttls":
        if not connection.extensions.starttls:
            raise SmarthostAway(f"{url} offers no STARTTLS, and nothing is sent without it.")
        reply = connection.ask(STARTTLS, connection.timeouts.ehlo)
        _positive(reply, f"{url} refuses STARTTLS")
        connection.start_tls(url)
        _ehlo(connection, url, ehlo_name)
    if url.credentials is not None:
        _log_in(connection, url, url.credentials)


def _ehlo(connection: Connection, url: ServerUrl, ehlo_name: str) -> None:
    verb = "LHLO" if url.scheme == "lmtp" else "EHLO"
    reply = connection.ask(f"{verb} {ehlo_name}\r\n".encode("ascii"), connection.timeouts.ehlo)
    _positive(reply, f"{url} refuses {verb}")
    connection.extensions = parse_extensions(reply.lines)


def _log_in(connection: Connection, url: ServerUrl, credentials: Credentials) -> None:
    offered, seconds = connection.extensions.auth, connection.timeouts.ehlo
    if "PLAIN" in offered:
        reply = connection.ask(auth_plain(credentials), seconds)
    elif "LOGIN" in offered:
        command, user, password = auth_login(credentials)
        reply = connection.ask(command, seconds)
        for answer in (user, password):
            if reply.code == 334:
                reply = connection.ask(answer, seconds)
    else:
        raise SmarthostAway(f"{url} offers neither AUTH PLAIN nor AUTH LOGIN.")
    _positive(reply, f"{url} refuses our user name and password")


def _positive(reply: RawReply, problem: str) -> None:
    if reply.code // 100 != 2:
        words = reply.parsed()
        raise SmarthostAway(
            f"{problem}: {reply.code} {words.text}", reply=reply, was_closed=reply.code == 421
        )


def _tls_context(url: ServerUrl) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if url.cafile is not None:
        try:
            context.load_verify_locations(url.cafile)
        except OSError as error:
            raise SmarthostAway(
                f"The certificate authority {url.cafile} cannot be read: {_words(error)}"
            ) from error
    return context


def _lost(error: OSError) -> SmarthostAway:
    closed = isinstance(error, ConnectionError | ssl.SSLEOFError | ssl.SSLZeroReturnError)
    return SmarthostAway(f"The connection to the smarthost was lost: {_words(error)}", was_closed=closed)


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError | BlockingIOError):
        return "no answer in time"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


_BLOCK: Final = 262_144
_RECEIVE: Final = 4_096
_SENDING: Final = socket.SO_SNDTIMEO
_RECEIVING: Final = socket.SO_RCVTIMEO
_AT_ONCE: Final = 0.001
_MORE: Final = getattr(socket, "MSG_MORE", 0)
_LINGER_NOT: Final = struct.pack("ii", 1, 0)
