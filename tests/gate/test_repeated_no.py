"""A "no" whose answer was lost, and answers that wait: the web killed between COMMIT and answer, the mail entrance."""

import signal
import smtplib
import threading
import time
from http.client import HTTPConnection
from pathlib import Path

import sqlalchemy as sa

from campaigns.store import schema
from campaigns.store.engine import writing
from campaigns.tokens import TokenPurpose
from tests.support.processes import stop
from tests.support.register import Register
from tests.web.processes import running

WAIT = 1.5


def patient(register: Register) -> None:
    """Let the register's answers wait long enough to see it."""
    with writing(register.engine) as connection:
        connection.execute(sa.update(schema.gate).values(answer_ms=int(WAIT * 1000)))


def post(port: int, path: str) -> int:
    """POST nothing; the status, or 0 where the connection ends."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def test_a_web_process_killed_before_its_answer_leaves_no_short_cut(
    postgres_register: Register, tmp_path: Path
) -> None:
    register = postgres_register
    patient(register)
    path = f"/u/{register.link(TokenPurpose.UNSUBSCRIBE)}"
    got: list[int] = []
    with running(register, "web", tmp_path / "first") as web:
        asking = threading.Thread(target=lambda: got.append(post(web.port, path)))
        asking.start()
        while register.status() != "unsubscribed":  # committed
            time.sleep(0.01)
        stop(web.child, signal.SIGKILL)
        asking.join()
    assert got == [0]
    with running(register, "web", tmp_path / "second") as web:
        began = time.monotonic()
        assert post(web.port, path) == 200
        assert time.monotonic() - began >= WAIT


def test_the_mail_entrance_says_250_only_when_the_no_binds(sqlite_register: Register, tmp_path: Path) -> None:
    register = sqlite_register
    patient(register)
    with (
        running(register, "inbound", tmp_path / "inbound") as inbound,
        smtplib.LMTP("127.0.0.1", inbound.port) as mail,
    ):
        began = time.monotonic()
        mail.sendmail(
            "anna.lind@kund.example", [register.leaving_address()], "Subject: leave\r\n\r\nleave\r\n"
        )
        assert time.monotonic() - began >= WAIT
    assert register.status() == "unsubscribed"
