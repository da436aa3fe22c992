"""A worker process whose surroundings are bent; run as a program in place of `utskick worker`. Argument: its threads.

CHAOS_STAMPS: a file for "number seconds" when the first octet of a body was given to the system. CHAOS_LEASE: how long
a lease lasts, in seconds. CHAOS_CLOCK: a file with the seconds by which the wall clock is wrong. CHAOS_TWICE: every
queue message is put there twice. The product knows nothing of this.
"""

import os
import sys
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from campaigns import clock


def bend_the_clock(file: Path) -> None:
    """Make the wall clock wrong by what the file says; before anybody else imports it."""
    real = clock.utc_now

    def utc_now() -> datetime:
        wrong = 0.0
        with suppress(OSError, ValueError):
            wrong = float(file.read_text())
        return real() + timedelta(seconds=wrong)

    clock.utc_now = utc_now


if "CHAOS_CLOCK" in os.environ:
    bend_the_clock(Path(os.environ["CHAOS_CLOCK"]))

from campaigns.delivery import ledger, smtp  # noqa: E402 (the path is set first)
from campaigns.delivery.smtp_connection import Connection  # noqa: E402 (the path is set first)
from workers import broker  # noqa: E402 (the path is set first)
from workers.logs import set_up_logs  # noqa: E402 (the path is set first)
from workers.settings import load_settings  # noqa: E402 (the path is set first)
from workers.worker import run_worker  # noqa: E402 (the path is set first)


def stamp_bodies(file: Path) -> None:
    """Note when bodies begin."""
    log = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    transact, send = smtp.SmtpTransport._transact, Connection.send_content
    current: dict[int, int] = {}

    def transacting(transport: Any, letter: Any, *given: Any) -> Any:
        current[id(letter.content)] = letter.delivery.number
        try:
            return transact(transport, letter, *given)
        finally:
            current.pop(id(letter.content), None)

    def sending(connection: Any, content: bytes) -> None:
        os.write(log, f"{current[id(content)]} {clock.boot_seconds()}\n".encode())
        send(connection, content)

    setattr(smtp.SmtpTransport, "_transact", transacting)  # noqa: B010 (mypy forbids the plain form)
    setattr(Connection, "send_content", sending)  # noqa: B010 (mypy forbids the plain form)


def put_twice() -> None:
    """Deliver every queue message twice."""
    real = broker.put

    def twice(*given: Any, **named: Any) -> None:
        real(*given, **named)
        real(*given, **named)

    broker.put = twice


if __name__ == "__main__":
    if "CHAOS_STAMPS" in os.environ:
        stamp_bodies(Path(os.environ["CHAOS_STAMPS"]))
    if "CHAOS_LEASE" in os.environ:
        ledger.LEASE = timedelta(seconds=float(os.environ["CHAOS_LEASE"]))  # type: ignore[misc]  # Final, but for this
    if "CHAOS_TWICE" in os.environ:
        put_twice()
    set_up_logs()
    run_worker(load_settings(), int(sys.argv[1]), ())
