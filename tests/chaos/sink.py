"""A sink in a process of its own, on aiosmtpd: it counts by Message-ID what was completed, and misbehaves when asked.

Run as a program: `sink.py HOST[,HOST] PORT LOG RULES`. Each completed message is a line `taken <boot seconds>
<Message-ID> <recipient>`. RULES is a JSON object: `delay` in seconds before each reply to the dot; for each of `cut`
(taken, but the connection ends in place of a reply), `garbage` (taken, the reply is none), `421`, `451` and `552` (not
taken, and so answered) its share of all messages; `hold` names a file: while it is there, no reply to a dot leaves.
"""

import asyncio
import json
import os
import random
import sys
import time
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

REFUSALS = {
    "421": "421 4.3.2 going down",
    "451": "451 4.2.0 try again later",
    "552": "552 5.3.4 too much for me",
}


class Handler:
    """Takes messages, or does not."""

    def __init__(self, log: Path, rules: dict[str, Any]) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._rules = rules
        self._dice = random.Random(7)

    async def handle_EHLO(  # noqa: N802 (aiosmtpd's name)
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, replies: list[str]
    ) -> list[str]:
        """Offer pipelining."""
        session.host_name = hostname
        return [*replies[:-1], "250-PIPELINING", replies[-1]]

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        """One complete message."""
        what = self._what()
        if what in REFUSALS:
            return REFUSALS[what]
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        name = str(BytesHeaderParser().parsebytes(content[:4000]).get("Message-ID", "none")).strip()
        moment = time.clock_gettime(time.CLOCK_BOOTTIME)
        os.write(self._log, f"taken {moment} {name} {envelope.rcpt_tos[0]}\n".encode())
        if delay := self._rules.get("delay"):
            await asyncio.sleep(delay)
        while self._is_held():  # noqa: ASYNC110 (another process lets go)
            await asyncio.sleep(0.05)
        if what == "cut" and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
        return "garbage" if what == "garbage" else "250 2.0.0 taken"

    def _is_held(self) -> bool:
        hold = self._rules.get("hold")
        return hold is not None and Path(hold).exists()

    def _what(self) -> str:
        throw = self._dice.random()
        for name in ("cut", "garbage", *REFUSALS):
            throw -= self._rules.get(name, 0)
            if throw < 0:
                return name
        return "take"


async def serve(hosts: list[str], port: int, log: Path, rules: dict[str, Any]) -> None:
    """Serve until killed."""
    handler = Handler(log, rules)
    loop = asyncio.get_running_loop()

    def session() -> SMTP:
        return SMTP(handler, hostname="sink.example", enable_SMTPUTF8=True, timeout=600, loop=loop)

    server = await loop.create_server(session, hosts, port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1].split(","), int(sys.argv[2]), Path(sys.argv[3]), json.loads(sys.argv[4])))
