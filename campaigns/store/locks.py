"""Taking turns by name within the database, where no row is there yet to be locked."""

from __future__ import annotations

import sqlalchemy as sa


def take_turn(connection: sa.Connection, name: str) -> None:
    """Wait until no other transaction has this turn, and keep it until this one ends.

    On SQLite every transaction that writes has its turn anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_number(name))))


def share_turn(connection: sa.Connection, name: str) -> None:
    """Wait until no other transaction has this turn to itself, and let none have it until this one ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(_number(name))))


def try_turn(connection: sa.Connection, name: str) -> bool:
    """As `take_turn`, without waiting; False where another transaction has or shares it."""
    if connection.dialect.name != "postgresql":
        return True
    taken: bool = connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(_number(name)))).scalar_one()
    return taken


def _number(name: str) -> sa.ColumnElement[int]:
    return sa.func.hashtextextended(name, 0)
