"""Access and erasure look everything up by an index: what they cost does not grow with the register."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from campaigns.rights import disclosure, erasure, requests
from campaigns.rights.requests import Identification
from tests.rights.filling import fill
from tests.rights.test_disclosure import KEEPER
from tests.rights.test_requests import opened
from tests.support.register import TESTER, Register

#: Tables that may be read whole, and why.
SMALL = {
    "legal_hold": "a few rows in the life of a register",
    "parked_mail": "at most ten thousand messages, whose content is searched",
    "gate": "one row",
    "opt_in": "wishes that wait for a confirmation",
    "up": "no table: a person found through merges",
    "down": "no table: a person found through merges",
}
READING = re.compile(r"^\s*(WITH|SELECT|UPDATE|DELETE)\b")
SCANNED = {
    "sqlite": re.compile(r"\bSCAN (?!CONSTANT)(\w+)"),
    "postgresql": re.compile(r"Seq Scan on (?:\w+\.)?(\w+)"),
}


@contextmanager
def listening(engine: sa.Engine) -> Iterator[dict[str, Any]]:
    """Every statement that asks the database, with its parameters."""
    heard: dict[str, Any] = {}

    def hear(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if READING.match(statement) and not many:
            heard[statement] = parameters

    sa.event.listen(engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        sa.event.remove(engine, "before_cursor_execute", hear)


def scanned(engine: sa.Engine, heard: dict[str, Any]) -> dict[str, str]:
    """The tables that are read whole, with the statement that does so."""
    found = {}
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(
                "SET enable_seqscan = off"
            )  # a tiny table would be read whole for its size
        for statement, parameters in heard.items():
            plan = "\n".join(str(row) for row in connection.exec_driver_sql(explain + statement, parameters))
            for name in SCANNED[engine.dialect.name].findall(plan):
                found[re.sub(r"_\d+$", "", name)] = statement
    return {name: statement for name, statement in found.items() if name not in SMALL}


def test_access_and_erasure_read_no_table_whole(register: Register) -> None:
    fill(register)
    asked = [opened(register, kind=kind) for kind in ("access", "erasure")]
    for request in asked:
        requests.identify(register.engine, request, Identification("mailbox"), TESTER)
    with listening(register.engine) as heard:
        disclosure.disclose(register.engine, register.ring, KEEPER, asked[0], TESTER)
        erasure.erase(register.engine, register.ring, asked[1], TESTER)
    assert len(heard) > 40
    assert sorted(scanned(register.engine, heard)) == []
    whole = {"SELECT * FROM delivery WHERE language = 'sv'": ()}
    assert list(scanned(register.engine, whole)) == ["delivery"]
