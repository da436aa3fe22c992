"""`utskick web` and `utskick inbound` as processes on loopback."""

import http.client
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from campaigns.store import schema
from campaigns.store.engine import writing
from campaigns.tokens import TokenPurpose
from tests.feedback.reports import report
from tests.inbound.dialogue import Dialogue
from tests.support.register import LIST_ID, Register
from tests.web.processes import COMMAND, Running, environment, running, settings_folder
from workers.entrances import listening_socket


@pytest.fixture
def web(register: Register, tmp_path: Path) -> Iterator[Running]:
    with running(register, "web", tmp_path / "web") as process:
        yield process


def ask(process: Running, method: str, path: str, body: str = "") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=30)
    connection.request(method, path, body)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_the_second_part_of_an_answer_does_not_wait_for_the_first_to_be_acknowledged() -> None:
    with (
        listening_socket("127.0.0.1", 0) as listening,
        socket.create_connection(listening.getsockname()),
        listening.accept()[0] as taken,
    ):
        assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_web_asks_leaves_shows_and_stops(register: Register, web: Running) -> None:
    leaving = f"/u/{register.link(TokenPurpose.UNSUBSCRIBE)}"
    before = register.contents()
    for method in ("GET", "HEAD"):
        assert ask(web, method, leaving)[0] == 200
    assert register.contents() == before
    assert ask(web, "GET", "/readyz")[0] == 200
    assert ask(web, "POST", leaving, "List-Unsubscribe=One-Click")[0] == 200
    assert register.noes() == {("unsubscribed", "", LIST_ID)}
    status, text = ask(web, "GET", f"/v/{register.link(TokenPurpose.VIEW)}")
    assert (status, "Hej" in text) == (200, True)
    assert web.told_to_stop() == 0
    logged = web.log.read_text("utf-8")
    assert leaving not in logged
    assert "anna.lind" not in logged
    assert "Traceback" not in logged


def test_the_view_of_a_forgotten_person_is_one_of_the_bad_links(register: Register, web: Running) -> None:
    table = schema.contact
    gone = {"erased_at": datetime.now(UTC), "email": None, "email_key": None, "last_name": None}
    with writing(register.engine) as connection:
        connection.execute(sa.update(table).where(table.c.id == 2).values(**gone))
    assert ask(web, "GET", f"/v/{register.link(TokenPurpose.VIEW, 2)}") == ask(web, "GET", "/v/bad")


def test_the_mail_entrance_listens_and_stops(register: Register, tmp_path: Path) -> None:
    with running(register, "inbound", tmp_path / "inbound") as process:
        with Dialogue(process.port, "LHLO") as client:
            assert client.hand_in(register.return_path(), report("x@y.example")).startswith("250")
        assert register.noes() == {("hard_bounce", "email", 0)}
        assert process.told_to_stop() == 0
        logged = process.log.read_text("utf-8")
        assert "@" not in logged
        assert "Traceback" not in logged


@pytest.mark.parametrize("entrance", ["web", "inbound"])
def test_a_port_that_is_taken_is_said_in_a_sentence(
    register: Register, tmp_path: Path, entrance: str
) -> None:
    with running(register, entrance, tmp_path / "first") as first:
        command = [*COMMAND, entrance, "--port", str(first.port)]
        second = subprocess.run(
            command,
            cwd=tmp_path / "first",
            env=environment(register),
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert second.returncode == 1
    assert b"cannot listen" in second.stderr
    assert b"Traceback" not in second.stderr


def test_the_command_line_reads_and_applies(register: Register, tmp_path: Path) -> None:
    folder = settings_folder(tmp_path / "here")
    (tmp_path / "bounce.eml").write_bytes(report(register.return_path()))

    def command(*arguments: str, given: bytes = b"") -> str:
        done = subprocess.run(
            [*COMMAND, "feedback", *arguments], cwd=folder, env=environment(register), input=given,
            capture_output=True, timeout=60, check=True,
        )  # fmt: skip
        return done.stdout.decode()

    before = register.contents()
    assert '"class": "hard"' in command("parse", str(tmp_path / "bounce.eml"))
    assert register.contents() == before
    assert "hard_bounce" in command("ingest", str(tmp_path / "bounce.eml"))
    assert "repeated" in command("ingest", "-", given=report(register.return_path()))
    assert register.noes() == {("hard_bounce", "email", 0)}
