"""Many people leave at once: nobody is turned away, and what each was told is true."""

import http.client
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from campaigns.tokens import TokenPurpose
from tests.support.register import LIST_ID, PEOPLE, Register
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
