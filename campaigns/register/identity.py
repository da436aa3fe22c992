"""What makes a register this one: its incarnation, the marks of its keys, its gate.

Promise: founded once, in one transaction; a second founding is refused by the schema. A key once remembered is
demanded of every process from then on.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.keyring import KeyMark
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.register.permit import open_gate
from campaigns.store import schema
from campaigns.store.engine import reading


def found(
    connection: sa.Connection, incarnation: str, marks: Iterable[KeyMark], principal: Principal
) -> None:
    """Found the register: its row, its keys' marks, its gate, its first audit entry."""
    now = utc_now()
    connection.execute(sa.insert(schema.register).values(id=1, incarnation=incarnation, created_at=now))
    _insert_marks(connection, marks)
    open_gate(connection, incarnation)
    audit.write(
        connection, audit.Entry(principal, "register:register:found", [f"register:{incarnation}"], "")
    )


def remember(connection: sa.Connection, marks: Iterable[KeyMark], principal: Principal) -> None:
    """Take keys into the register that it does not know yet, with an audit entry."""
    new = sorted(set(marks) - set(read_marks(connection)))
    if not new:
        return
    _insert_marks(connection, new)
    subjects = [f"key:{mark.purpose}-{mark.key_id}" for mark in new]
    audit.write(connection, audit.Entry(principal, "register:key:add", subjects, ""))


def _insert_marks(connection: sa.Connection, marks: Iterable[KeyMark]) -> None:
    for mark in marks:
        connection.execute(
            sa.insert(schema.register_key).values(
                purpose=mark.purpose,
                key_id=mark.key_id,
                check_value=mark.check_value,
                created_at=utc_now(),
            )
        )


def read_marks(connection: sa.Connection) -> list[KeyMark]:
    """The marks of all keys that the register knows."""
    table = schema.register_key
    rows = connection.execute(sa.select(table.c.purpose, table.c.key_id, table.c.check_value))
    return sorted(KeyMark(row.purpose, row.key_id, row.check_value) for row in rows)


def key_marks(engine: sa.Engine) -> list[KeyMark]:
    """As `read_marks`, in a transaction of its own."""
    with reading(engine) as connection:
        return read_marks(connection)
