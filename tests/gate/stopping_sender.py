"""A real sender that stops itself (SIGSTOP) at given points of given messages. Run as a program by test_failpoints.

Arguments: the campaign, a JSON object {number: point}, and a file for stamps: "number seconds" when the first octet of
a body was given to the system, on the boot clock. Nothing of the product knows of this: its functions are wrapped here.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from campaigns.clock import boot_seconds
from campaigns.delivery import smtp
from campaigns.delivery.journal import Journal
from campaigns.delivery.ledger import BatchRef
from campaigns.delivery.smtp import SmtpTransport
from campaigns.delivery.smtp_connection import Connection
from workers.sending import SendingRoom
from workers.settings import load_settings
from workers.wiring import Installation

#: In the order in which a message passes them.
POINTS = ("before the check", "checked", "body begun", "body out", "checked again", "begun noted", "dot out")


class Stopping:
    """Which message is on its way, and where it is to stop."""

    def __init__(self, points: dict[str, str], stamps: Path) -> None:
        self._points, self._stamps = points, stamps
        self.number = 0
        self.looks = 0

    def here(self, point: str) -> None:
        """Stop, if this is where this message stops."""
        if self._points.get(str(self.number)) == point:
            self._points.pop(str(self.number))
            os.kill(os.getpid(), signal.SIGSTOP)

    def stamp(self) -> None:
        """Note that the body begins."""
        with self._stamps.open("a") as file:
            file.write(f"{self.number} {boot_seconds()}\n")


def wrap(owner: Any, name: str, around: Callable[..., Any]) -> None:
    """Put a function around another."""
    real = getattr(owner, name)
    setattr(owner, name, lambda *given, **named: around(real, *given, **named))


def install(stopping: Stopping) -> None:
    """Wrap what a message passes through."""

    def hand_over(real: Any, transport: Any, letter: Any, *given: Any, **named: Any) -> Any:
        stopping.number, stopping.looks = letter.delivery.number, 0
        return real(transport, letter, *given, **named)

    def ask_gate(real: Any, *given: Any) -> Any:
        stopping.looks += 1
        if stopping.looks == 1:
            stopping.here("before the check")
        answer = real(*given)
        if answer is None:
            stopping.here("checked" if stopping.looks == 1 else "checked again")
        return answer

    def send_content(real: Any, connection: Any, content: bytes) -> None:
        stopping.stamp()
        real(connection, content[:100])
        stopping.here("body begun")
        real(connection, content[100:])
        stopping.here("body out")

    def begun(real: Any, journal: Any, delivery: Any) -> None:
        real(journal, delivery)
        stopping.here("begun noted")

    def send_dot(real: Any, connection: Any, data: bytes) -> None:
        real(connection, data)
        stopping.here("dot out")

    wrap(SmtpTransport, "hand_over", hand_over)
    wrap(smtp, "ask_gate", ask_gate)
    wrap(Connection, "send_content", send_content)
    wrap(Journal, "begun", begun)
    wrap(Connection, "send_dot", send_dot)


if __name__ == "__main__":
    install(Stopping(json.loads(sys.argv[2]), Path(sys.argv[3])))
    room = SendingRoom(Installation(load_settings()), lambda: False)
    room.send(BatchRef(int(sys.argv[1]), 1))
    room.close()
