"""A mail sink: takes everything by SMTP and keeps each message as a file, as the recipients' own server would.

Run as `python -m workers.demo.sink PORT FOLDER`. The envelope stands in Return-Path and Delivered-To, which
a final server adds (RFC 5321 4.4). It ends with the process that started it.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


class _Keeper:
    """Writes each message to the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)

    async def handle_DATA(  # noqa: N802 (the name that aiosmtpd calls)
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        head = f"Return-Path: <{envelope.mail_from}>\r\nDelivered-To: {envelope.rcpt_tos[0]}\r\n"
        content: Any = envelope.content
        number = next(self._numbers)
        part = self._folder / f".{number}.part"
        part.write_bytes(head.encode() + content)
        part.rename(self._folder / f"{number:06d}.eml")
        return "250 2.0.0 kept"


async def _serve(port: int, folder: Path) -> None:
    keeper = _Keeper(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(keeper, hostname="sink.demo.example", ident="sink", loop=loop), "127.0.0.1", port
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
