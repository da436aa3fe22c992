"""Mailboxes that are polled: taken once, moved only when it is durable, never held up by one message."""

import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from campaigns.clock import boot_seconds
from campaigns.errors import KeysFault, SettingsError, Unreachable
from campaigns.feedback.apply import Outcome, Report, apply_reports
from campaigns.feedback.event import FeedbackEvent
from campaigns.feedback.ingest import arrived
from campaigns.feedback.mime import MESSAGE_OCTETS
from campaigns.register.permit import ANSWER_MS
from campaigns.store import schema
from campaigns.store.engine import reading
from campaigns.tokens import TokenMaker
from tests.feedback.reports import report
from tests.inbound.imap_server import PASSWORD, ImapServer, imap_server
from tests.support.processes import stop
from tests.support.register import Register
from tests.web.processes import COMMAND, environment, settings_folder
from workers.mailbox_url import parse_mailbox_url
from workers.mailboxes import Pass, poll, poll_all
from workers.settings import load_settings
from workers.wiring import Installation

SECOND = {"UTSKICK_MAILBOXES__BOUNCES__SECONDS": "1"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ImapServer]:
    with imap_server(tmp_path) as made:
        yield made


@pytest.fixture
def installed(register: Register, server: ImapServer, tmp_path: Path) -> Iterator[Installation]:
    write_password(register, PASSWORD)
    made = installation(register, server.url, settings_folder(tmp_path / "here"))
    yield made
    made.engine.dispose()


def installation(register: Register, url: str, folder: Path) -> Installation:
    return Installation(
        load_settings(folder, {**environment(register), "UTSKICK_MAILBOXES__BOUNCES__URL": url})
    )


def write_password(register: Register, password: str) -> None:
    path = register.secrets_dir / "mailbox-bounces.secret"
    path.touch(0o600)
    path.write_text(password + "\n")


def bounce(register: Register, number: int = 1) -> bytes:
    return b"Delivered-To: " + register.return_path(number).encode() + b"\r\n" + report("x@y.example")


def leaving(register: Register, number: int) -> bytes:
    address = register.leaving_address(number)
    return f"To: {address}\r\nFrom: someone@kund.example\r\nSubject: unsubscribe\r\n\r\nTack\r\n".encode()


def test_what_lies_there_is_taken_and_moved(
    register: Register, server: ImapServer, installed: Installation
) -> None:
    server.deliver(bounce(register), leaving(register, 2), bounce(register))
    started = boot_seconds()
    assert poll_all(installed) == [Pass("bounces", taken=3)]
    assert boot_seconds() - started >= ANSWER_MS / 1000
    assert ("hard_bounce", "email", 0) in register.noes()
    assert register.status(2) == "unsubscribed"
    assert (server.count(), server.count("Utskick")) == (0, 3)
    assert poll_all(installed, ["bounces"]) == [Pass("bounces")]


def test_large_messages_are_not_all_held_at_once(
    register: Register, server: ImapServer, installed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = []

    def counted(engine: sa.Engine, reports: Sequence[Report]) -> Outcome:
        together.append(len(reports))
        return apply_reports(engine, reports)

    monkeypatch.setattr("workers.mailboxes.apply_reports", counted)
    monkeypatch.setattr("workers.mailboxes.OCTETS_TOGETHER", 2_000)
    server.deliver(*(bounce(register, number) + b"x" * 1_000 for number in (1, 2, 3)))
    assert poll_all(installed) == [Pass("bounces", taken=3)]
    assert together == [2, 1]


def test_what_is_not_durable_stays(register: Register, server: ImapServer, installed: Installation) -> None:
    server.deliver(bounce(register))
    with register.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE gate RENAME TO hidden_gate")
        connection.exec_driver_sql("ALTER TABLE parked_mail RENAME TO hidden_mail")
    # A table that is missing is an outage to SQLite and a fault to PostgreSQL.
    with suppress(Unreachable):
        assert poll(installed, "bounces") == Pass("bounces", left=1)
    assert server.count() == 1
    with register.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE hidden_gate RENAME TO gate")
        connection.exec_driver_sql("ALTER TABLE hidden_mail RENAME TO parked_mail")
    assert poll(installed, "bounces") == Pass("bounces", taken=1)
    assert register.noes() == {("hard_bounce", "email", 0)}


def test_a_poisonous_message_is_parked_and_holds_nobody_up(
    register: Register, server: ImapServer, installed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No message is known that breaks the reader; one that does is made by breaking the reader for it."""

    def breaks(engine: sa.Engine, tokens: TokenMaker, raw: bytes, *more: Any) -> list[FeedbackEvent]:
        if b"poison" in raw:
            raise ZeroDivisionError("private words")
        return arrived(engine, tokens, raw, *more)

    monkeypatch.setattr("workers.mailboxes.arrived", breaks)
    server.deliver(bounce(register), b"Subject: poison\r\n\r\n\r\n", leaving(register, 3))
    assert poll(installed, "bounces") == Pass("bounces", taken=2, parked=1)
    assert (server.count(), server.count("Utskick")) == (0, 3)
    assert register.status(3) == "unsubscribed"
    with reading(register.engine) as connection:
        assert connection.execute(sa.select(schema.parked_mail.c.kind)).scalars().all() == ["unreadable"]


def test_what_came_again_after_a_failure_changes_nothing(
    register: Register, server: ImapServer, installed: Installation
) -> None:
    server.deliver(bounce(register))
    poll(installed, "bounces")
    before = register.noes(), register.events()
    server.deliver(bounce(register))
    assert poll(installed, "bounces") == Pass("bounces", taken=1)
    assert (register.noes(), register.events()) == before


def test_of_a_large_message_the_beginning_is_read(
    register: Register, server: ImapServer, installed: Installation
) -> None:
    server.deliver(bounce(register) + b"\r\n" + (b"x" * 998 + b"\r\n") * (MESSAGE_OCTETS // 1000 + 10))
    assert poll(installed, "bounces").taken == 1
    assert server.count() == 0


def test_a_wrong_password_and_a_missing_one_are_said_so(
    register: Register, server: ImapServer, installed: Installation
) -> None:
    write_password(register, "wrong")
    with pytest.raises(KeysFault, match="refuses"):
        poll(installed, "bounces")
    (register.secrets_dir / "mailbox-bounces.secret").chmod(0o644)
    with pytest.raises(KeysFault, match="can be read by others"):
        poll(installed, "bounces")
    (register.secrets_dir / "mailbox-bounces.secret").unlink()
    with pytest.raises(KeysFault, match="has no password"):
        poll(installed, "bounces")


def test_a_server_that_is_away_is_told_apart(register: Register, tmp_path: Path) -> None:
    write_password(register, PASSWORD)
    place = installation(register, "imap://someone@127.0.0.1:1/INBOX", settings_folder(tmp_path / "here"))
    with pytest.raises(Unreachable, match="mailbox bounces"):
        poll(place, "bounces")
    place.engine.dispose()


def test_the_command_polls_until_it_is_told_to_stop(
    register: Register, server: ImapServer, tmp_path: Path
) -> None:
    write_password(register, PASSWORD)
    folder = settings_folder(tmp_path / "run")
    env = {**environment(register), "UTSKICK_MAILBOXES__BOUNCES__URL": server.url, **SECOND}
    log = (tmp_path / "log").open("wb")
    child = subprocess.Popen([*COMMAND, "mailbox", "run"], cwd=folder, env=env, stderr=log)
    try:
        for number in (1, 2):
            server.deliver(bounce(register, number))
            _wait(lambda: server.count() == 0)
        assert len(register.events()) == 2
        stop(child, signal.SIGTERM)
        assert child.returncode == 0
    finally:
        stop(child, signal.SIGKILL)
        log.close()
    logged = (tmp_path / "log").read_text()
    assert "@" not in logged
    assert PASSWORD not in logged


@pytest.mark.parametrize(
    "url",
    [
        "imap://user@imap.company.example/INBOX",
        "imaps://user:secret@imap.company.example/INBOX",
        "imaps://imap.company.example/INBOX",
        "https://user@imap.company.example/INBOX",
        "imaps://user@imap.company.example:99999/INBOX",
        "imaps://user@imap.company.example/INBOX?x=1",
        "",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (its words are looked at)
        parse_mailbox_url(url)
    assert not {"imap.company.example", "secret"} & set(
        re.split(r"[@/: ]", str(caught.value))
    ) or "such as" in str(caught.value)


def test_a_mailbox_elsewhere_needs_a_processor_that_may_be_used(register: Register, tmp_path: Path) -> None:
    folder = settings_folder(tmp_path / "here")
    url = "imaps://user@imap.company.example/INBOX"
    with pytest.raises(SettingsError, match="names no processor"):
        installation(register, url, folder)
    more = {"UTSKICK_MAILBOXES__BOUNCES__PROCESSOR": "mail-operator"}
    overseas = {"UTSKICK_PROCESSORS__MAIL-OPERATOR__COUNTRY": "US"}
    base = {**environment(register), "UTSKICK_MAILBOXES__BOUNCES__URL": url}
    load_settings(folder, {**base, **more})
    with pytest.raises(SettingsError, match=r"mailboxes\.bounces"):
        load_settings(folder, {**base, **more, **overseas})


def test_the_parts_of_a_url() -> None:
    place = parse_mailbox_url("imaps://bounces%40a.example@imap.a.example/Return%20paths/2026")
    assert (place.host, place.port, place.user, place.folder, place.tls) == (
        "imap.a.example", 993, "bounces@a.example", "Return paths/2026", True,
    )  # fmt: skip
    assert parse_mailbox_url("imap://u@localhost").folder == "INBOX"


def _wait(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)
