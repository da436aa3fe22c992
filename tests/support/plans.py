"""How a database will look up what it is asked: which tables it would read whole."""

import re
from collections.abc import Container, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

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


def scanned(engine: sa.Engine, heard: dict[str, Any], small: Container[str]) -> dict[str, str]:
    """The tables that are read whole and are not small, with the statement that does so."""
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
    return {name: statement for name, statement in found.items() if name not in small}
