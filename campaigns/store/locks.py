"""Taking turns by name within the database, where no row is there yet to be locked."""

from __future__ import annotations

import sqlalchemy as sa


def take_turn(connection: sa.Connection, name: str) -> None:
    """Wait until no other transaction has this turn, and keep it until this one ends.

    On SQLite every transaction that writes has its turn anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(name, 0))))
