"""A small SMTP and LMTP server for tests, on a real socket, that does what a script says.

Promise: a message counts only when its final dot came, and is kept byte for byte as the client meant it (dots
unstuffed). Everything that was said on a session is kept, so that a test can see what was *not* sent. One thread per
session; `close` ends them all.
"""

import re
import socket
import ssl
import struct
import threading
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from types import TracebackType
from typing import Literal, Self

Stage = Literal["connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "body", "dot", "rset", "quit"]


@dataclass(frozen=True)
class Answer:
    """What the sink does at a stage instead of its usual reply.

    `raw` is written as it stands (empty: silence); `cut` then ends the connection, `wait_for` holds everything back
    until a test says so, `drip` writes octet by octet. `reset` makes the end a hard one.
    """

    raw: bytes = b""
    cut: bool = False
    reset: bool = False
    wait_for: threading.Event | None = None
    drip: bool = False
    pause: float = 0
    """Seconds between the octets of a drip."""


@dataclass
class Rule:
    """At this stage, where the line's argument or the recipient matches, answer so: `times` times (-1: always), after
    leaving `skip` matches alone."""

    stage: Stage
    answer: Answer
    pattern: str = ""
    times: int = -1
    skip: int = 0


@dataclass
class Script:
    """How the sink behaves."""

    pipelining: bool = True
    size: int | None = None
    smtputf8: bool = False
    starttls: ssl.SSLContext | None = None
    implicit: ssl.SSLContext | None = None
    auth: dict[str, str] = field(default_factory=dict)
    mechanisms: Sequence[str] = ("PLAIN", "LOGIN")
    lmtp: bool = False
    lenient: bool = False
    """Whether bare CR or LF around a dot ends a message too, as in servers open to smuggling."""
    rules: list[Rule] = field(default_factory=list)


@dataclass(frozen=True)
class Received:
    """One message whose final dot came."""

    sender: str
    recipient: str
    content: bytes
    encrypted: bool
    session: int

    @property
    def message_id(self) -> str:
        """Its Message-ID, or nothing."""
        return str(BytesHeaderParser().parsebytes(self.content).get("Message-ID", ""))


@dataclass
class Session:
    """What was said on one connection: the client's lines (contents left out), and contents that had no dot."""

    number: int
    lines: list[bytes] = field(default_factory=list)
    unfinished: bytes = b""
    reached: set[str] = field(default_factory=set)
    eager: int = 0
    """How many commands had come before the one in front of them was answered."""


class _Ended(Exception):
    """The session is over."""


class SmtpSink:
    """The server; a context manager that listens on a free port of `host`."""

    def __init__(self, script: Script | None = None, host: str = "127.0.0.1") -> None:
        self.script = script or Script()
        self.host = host
        self.sessions: list[Session] = []
        self.messages: list[Received] = []
        self.changed = threading.Condition()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        self._listener = socket.create_server((self.host, 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        with suppress(OSError), socket.create_connection((self.host, self.port), timeout=5):
            pass
        with self.changed:
            open_sockets = list(self._sockets)
        for open_socket in open_sockets:
            with suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=10)
        self._listener.close()

    def count(self) -> Counter[str]:
        """How many completed messages there are of each Message-ID."""
        return Counter(message.message_id for message in self.messages)

    def wait_until(self, stage: Stage, session: int = 0, seconds: float = 30) -> None:
        """Wait until a session has come to a stage ("quit" also when its connection has ended)."""

        def is_there() -> bool:
            return len(self.sessions) > session and stage in self.sessions[session].reached

        with self.changed:
            assert self.changed.wait_for(is_there, seconds), f"session {session} never reached {stage}"

    @property
    def lines(self) -> list[bytes]:
        """All lines that clients sent, contents left out."""
        return [line for session in self.sessions for line in session.lines]

    def _start(self, target: Callable[..., object], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            client, _ = self._listener.accept()
            if self._closing.is_set():
                client.close()
                return
            with self.changed:
                session = Session(len(self.sessions))
                self.sessions.append(session)
                self._sockets.append(client)
            self._start(_Dialogue(self, client, session).run)


class _Dialogue:
    """One session."""

    def __init__(self, sink: SmtpSink, client: socket.socket, session: Session) -> None:
        self.sink, self.script, self.socket, self.session = sink, sink.script, client, session
        self.buffer = b""
        self.encrypted = False
        self.sender = self.recipient = ""

    def run(self) -> None:
        try:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.script.implicit is not None:
                self._encrypt(self.script.implicit)
            self._answer("connect", b"220 sink.example ESMTP\r\n")
            while True:
                self._command(self._line())
        except (_Ended, OSError):
            pass
        finally:
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()
            self._reach("quit")

    def _command(self, line: bytes) -> None:
        self.session.lines.append(line)
        verb, _, rest = line.decode("utf-8", "replace").partition(" ")
        handlers = {
            "EHLO": self._ehlo, "LHLO": self._ehlo, "STARTTLS": self._starttls, "AUTH": self._auth,
            "MAIL": self._mail, "RCPT": self._rcpt, "DATA": self._data, "RSET": self._rset, "QUIT": self._quit,
        }  # fmt: skip
        handler = handlers.get(verb.upper())
        if handler is None:
            self._write(b"502 5.5.1 unknown command\r\n")
        else:
            handler(rest)

    def _ehlo(self, rest: str) -> None:
        if self.script.lmtp != self.session.lines[-1].upper().startswith(b"LHLO"):
            self._write(b"500 5.5.1 the other protocol\r\n")
            return
        script, offers = self.script, ["sink.example", "ENHANCEDSTATUSCODES"]
        offers += ["PIPELINING"] if script.pipelining else []
        offers += [f"SIZE {script.size}"] if script.size is not None else []
        offers += ["SMTPUTF8", "8BITMIME"] if script.smtputf8 else []
        offers += ["STARTTLS"] if script.starttls is not None and not self.encrypted else []
        offers += ["AUTH " + " ".join(script.mechanisms)] if script.auth else []
        lines = [f"250{' ' if offer is offers[-1] else '-'}{offer}\r\n" for offer in offers]
        self._answer("ehlo", "".join(lines).encode(), rest)

    def _starttls(self, rest: str) -> None:
        self._answer("starttls", b"220 2.0.0 go ahead\r\n", rest)
        if self.script.starttls is None:
            raise _Ended
        self.buffer = b""
        self._encrypt(self.script.starttls)

    def _encrypt(self, context: ssl.SSLContext) -> None:
        # A client that hung up instead is noticed here: ssl forgets to close a socket whose peer has gone.
        if not self.socket.recv(1, socket.MSG_PEEK):
            raise _Ended
        plain, self.socket = self.socket, context.wrap_socket(self.socket, server_side=True)
        with self.sink.changed:
            self.sink._sockets.remove(plain)
            self.sink._sockets.append(self.socket)
        self.encrypted = True

    def _auth(self, rest: str) -> None:
        mechanism, _, initial = rest.partition(" ")
        if mechanism == "PLAIN":
            _, user, password = b64decode(initial).decode().split("\0")
        else:
            user, password = (self._challenge(prompt) for prompt in (b"VXNlcm5hbWU6", b"UGFzc3dvcmQ6"))
        known = self.script.auth.get(user) == password
        self._answer("auth", b"235 2.7.0 welcome\r\n" if known else b"535 5.7.8 wrong\r\n", mechanism)

    def _challenge(self, prompt: bytes) -> str:
        self._write(b"334 " + prompt + b"\r\n")
        line = self._line()
        self.session.lines.append(line)
        return b64decode(line).decode()

    def _mail(self, rest: str) -> None:
        if self.sender:
            self._write(b"503 5.5.1 nested MAIL\r\n")
            return
        sender = _address(rest)
        if self._answer("mail", b"250 2.1.0 sender ok\r\n", rest):
            self.sender = sender or "<>"

    def _rcpt(self, rest: str) -> None:
        if not self.sender:
            self._write(b"503 5.5.1 no MAIL\r\n")
        elif self._answer("rcpt", b"250 2.1.5 recipient ok\r\n", rest):
            self.recipient = _address(rest)

    def _data(self, _: str) -> None:
        usual = b"354 go ahead\r\n" if self.recipient else b"503 5.5.1 no valid recipient\r\n"
        if self._answer("data", usual, self.recipient):
            content = self._content()
            message = Received(self.sender, self.recipient, content, self.encrypted, self.session.number)
            recipient, self.sender, self.recipient = self.recipient, "", ""
            self._answer("dot", b"250 2.0.0 queued\r\n", recipient, keep=message)

    def _content(self) -> bytes:
        end = _LENIENT_END if self.script.lenient else _END
        if (answer := self._used("body", self.recipient)) is not None:
            self.buffer = self.buffer or self._receive()
            self._reach("body")
            self._act(answer)
        start = 0
        data = b"\r\n" + self.buffer
        while (found := end.search(data, start)) is None:
            start = max(0, len(data) - 8)
            more = self._receive()
            if not more:
                self.session.unfinished = data[2:]
                raise _Ended
            data += more
        self.buffer = data[found.end() :]
        return data[: found.start()].replace(b"\r\n.", b"\r\n")[2:] + b"\r\n"

    def _rset(self, rest: str) -> None:
        self.sender = self.recipient = ""
        self._answer("rset", b"250 2.0.0 flushed\r\n", rest)

    def _quit(self, rest: str) -> None:
        self._answer("quit", b"221 2.0.0 bye\r\n", rest)
        raise _Ended

    def _used(self, stage: Stage, text: str) -> Answer | None:
        """The answer of the first rule that matches, counted as used."""
        for rule in self.script.rules:
            if rule.stage == stage and re.search(rule.pattern, text) and rule.times != 0:
                if rule.skip > 0:
                    rule.skip -= 1
                    continue
                rule.times -= 1
                return rule.answer
        return None

    def _answer(self, stage: Stage, usual: bytes, text: str = "", *, keep: Received | None = None) -> bool:
        """Reply; whether the reply was a yes (2yz, 3yz). A message is kept before its reply is written."""
        answer = self._used(stage, text) or Answer(usual)
        positive = answer.raw[:1] in {b"2", b"3"}
        if keep is not None and answer.raw[:1] not in {b"4", b"5"}:
            with self.sink.changed:
                self.sink.messages.append(keep)
        self._reach(stage)
        self.session.eager += bool(self.buffer)
        self._act(answer)
        return positive

    def _act(self, answer: Answer) -> None:
        if answer.wait_for is not None:
            answer.wait_for.wait(60)
        if answer.drip:
            for octet in answer.raw:
                self._write(bytes([octet]))
                time.sleep(answer.pause)
        elif answer.raw:
            self._write(answer.raw)
        if answer.reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.socket.close()
        if answer.cut or answer.reset:
            raise _Ended

    def _reach(self, stage: Stage) -> None:
        with self.sink.changed:
            self.session.reached.add(stage)
            self.sink.changed.notify_all()

    def _write(self, data: bytes) -> None:
        self.socket.sendall(data)

    def _receive(self) -> bytes:
        return self.socket.recv(65536)

    def _line(self) -> bytes:
        while (end := self.buffer.find(b"\r\n")) < 0:
            more = self._receive()
            if not more:
                raise _Ended
            self.buffer += more
        line, self.buffer = self.buffer[:end], self.buffer[end + 2 :]
        return line


def _address(rest: str) -> str:
    found = re.match(r"(?:FROM|TO):<([^<>]*)>", rest, re.IGNORECASE)
    return found[1] if found else ""


_END = re.compile(rb"\r\n\.\r\n")
_LENIENT_END = re.compile(rb"(?:\r\n|\r|\n)\.(?:\r\n|\r|\n)")
