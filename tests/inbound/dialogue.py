"""A client that says exactly what a test wants, line by line."""

import socket
from types import TracebackType
from typing import Self


class Dialogue:
    """One connection to the listener; every call returns the whole reply."""

    def __init__(self, port: int, hello: str = "EHLO") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._file = self._socket.makefile("rb")
        self.greeting = self.reply()
        self.offers = self.say(f"{hello} relay.example")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection without a word."""
        self._file.close()
        self._socket.close()

    def reply(self) -> str:
        """The next reply, with all its lines; nothing where the connection has ended."""
        lines = []
        for line in self._file:
            lines.append(line.decode().rstrip("\r\n"))
            if line[3:4] != b"-":
                break
        return "\n".join(lines)

    def say(self, line: str) -> str:
        """One command."""
        return self.put(f"{line}\r\n".encode())

    def put(self, octets: bytes) -> str:
        """Octets as they are, and the reply."""
        self.start(octets)
        return self.reply()

    def start(self, octets: bytes) -> None:
        """Octets as they are."""
        self._socket.sendall(octets)

    def begin(self, *recipients: str) -> list[str]:
        """A transaction up to the recipients; their replies."""
        assert self.say("MAIL FROM:<>").startswith("250")
        return [self.say(f"RCPT TO:<{recipient}>") for recipient in recipients]

    def content(self, octets: bytes, replies: int = 1) -> list[str]:
        """The content; so many replies to its final dot."""
        assert self.say("DATA").startswith("354")
        self._socket.sendall(octets + b".\r\n")
        return [self.reply() for _ in range(replies)]

    def hand_in(self, recipient: str, content: bytes) -> str:
        """A whole transaction; the reply to the final dot."""
        assert self.say("MAIL FROM:<>").startswith("250")
        assert self.say(f"RCPT TO:<{recipient}>").startswith("250")
        assert self.say("DATA").startswith("354")
        return self.put(content + b".\r\n")
