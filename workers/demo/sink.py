"""A mail sink: takes everything by SMTP and keeps each message as a file, as the recipients' own server would.

Run as `python -m workers.demo.sink PORT FOLDER`. The envelope stands in Return-Path and Delivered-To, which
a final server adds (RFC 5321 4.4). A message is answered with 250 when its file is whole. The sink ends with
the process that started it.
"""

from __future__ import annotations

import itertools
import re
import socketserver
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

_GREETING: Final = b"220 sink.demo.example ESMTP\r\n"
_EHLO: Final = (
    b"250-sink.demo.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n"
)
_PLAIN: Final = {
    b"HELO": b"250 sink.demo.example\r\n",
    b"EHLO": _EHLO,
    b"NOOP": b"250 2.0.0 ok\r\n",
    b"QUIT": b"221 2.0.0 bye\r\n",
}
_ADDRESS: Final = re.compile(rb"(?i)\s*(?:FROM|TO):\s*(<[^>]*>)")


class _Dialogue(socketserver.StreamRequestHandler):
    """One connection. Commands are read ahead in one piece, so pipelining costs nothing."""

    disable_nagle_algorithm = True
    keep: Callable[[bytes, bytes, bytes], None]

    def handle(self) -> None:
        """Talk until the other side hangs up."""
        self.wfile.write(_GREETING)
        sender = recipient = b""
        while line := self.rfile.readline(4096):
            verb, rest = line[:4].upper(), line[4:]
            if verb in _PLAIN:
                self.wfile.write(_PLAIN[verb])
            elif verb in {b"MAIL", b"RCPT", b"RSET"}:
                found = _ADDRESS.match(rest)
                address = found.group(1) if found else b"<>"
                sender = sender if verb == b"RCPT" else address
                recipient = address if verb == b"RCPT" else b""
                self.wfile.write(b"250 2.1.0 ok\r\n")
            elif verb == b"DATA" and recipient:
                self.wfile.write(b"354 go on\r\n")
                self.keep(sender, recipient, self._content())
                sender = recipient = b""
                self.wfile.write(b"250 2.0.0 kept\r\n")
            else:
                self.wfile.write(b"503 5.5.1 not now\r\n")

    def _content(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise ConnectionResetError
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)


class _Sink(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that breaks off has delivered nothing; there is nobody to tell."""


def serve(port: int, folder: Path) -> None:
    """Take mail until the process is ended."""
    numbers = itertools.count(1)

    def keep(sender: bytes, recipient: bytes, content: bytes) -> None:
        number = next(numbers)
        part = folder / f".{number}.part"
        head = b"Return-Path: %s\r\nDelivered-To: %s\r\n" % (sender, recipient.strip(b"<>"))
        part.write_bytes(head + content)
        part.rename(folder / f"{number:06d}.eml")

    class Keeping(_Dialogue):
        def setup(self) -> None:
            self.keep = keep
            super().setup()

    with _Sink(("127.0.0.1", port), Keeping) as server:
        server.serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]))
