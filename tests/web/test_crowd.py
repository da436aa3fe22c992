"""Many people leave at once: nobody is turned away, and what each was told is true."""

import http.client
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sqlalchemy as sa

from campaigns.register import persons
from campaigns.tokens import TokenPurpose
from tests.support.register import LIST_ID, PEOPLE, Register, made_register
from tests.web.place import client_for
from tests.web.processes import running

CROWD = 100


def test_a_hundred_at_once_are_all_answered(register: Register, tmp_path: Path) -> None:
    """More than the threads and the connections to the database; each sees its "no" stand when it is answered."""

    def leave(turn: int) -> tuple[int, str]:
        number = 1 + turn % len(PEOPLE)
        connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
        path = f"/u/{register.link(TokenPurpose.UNSUBSCRIBE, number)}"
        connection.request("POST", path, "List-Unsubscribe=One-Click")
        status = connection.getresponse().status
        connection.close()
        return status, register.status(number)

    with running(register, "web", tmp_path / "web") as web, ThreadPoolExecutor(CROWD) as callers:
        assert set(callers.map(leave, range(CROWD))) == {(200, "unsubscribed")}
    assert register.noes() == {("unsubscribed", "", LIST_ID)}


def test_nobody_who_leaves_fails_with_a_correction_that_waits_for_an_import(
    postgres_url: str, tmp_path: Path
) -> None:
    def press(number: int, form: dict[str, str]) -> int:
        path = f"/p/{register.link(TokenPurpose.PREFERENCES, number)}"
        return client.post(path, data=form).status_code

    with (
        made_register(postgres_url, tmp_path / "secrets") as register,
        client_for(register) as client,
        ThreadPoolExecutor(4) as callers,
        register.engine.begin() as chunk,
    ):
        chunk.execute(sa.select(sa.func.pg_advisory_xact_lock(persons.INTAKE_TURN)))
        corrections = [callers.submit(press, 4, {"do": "correct", "first_name": "Olle"})]
        time.sleep(0.3)
        leaving = [
            callers.submit(press, 1, {"do": "stop"}),
            callers.submit(press, 3, {"do": "leave", "list": str(LIST_ID)}),
        ]
        corrections.append(callers.submit(press, 2, {"do": "correct", "first_name": "Eki"}))
        assert [answer.result() for answer in leaving] == [200, 200]
        assert [answer.result() for answer in corrections] == [503, 503]
        assert register.noes() == {("objection", "", 0), ("unsubscribed", "", LIST_ID)}
