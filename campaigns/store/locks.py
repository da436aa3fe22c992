"""Taking turns by name within the database, where no row is there yet to be locked; and going on after a deadlock."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from campaigns.errors import Unreachable

P = ParamSpec("P")
T = TypeVar("T")
#: PostgreSQL's word for the transaction that it ended so that the other one could go on.
_DEADLOCK: Final = "40P01"
_TRIES: Final = 4


def over_deadlocks(work: Callable[P, T]) -> Callable[P, T]:
    """Do work that is one transaction again, where PostgreSQL undid it for another that wanted the same rows in another
    order: by then the other one has ended."""

    @wraps(work)
    def done(*args: P.args, **more: P.kwargs) -> T:
        for _ in range(_TRIES - 1):
            try:
                return work(*args, **more)
            except Unreachable as error:
                if not _is_deadlock(error):
                    raise
        return work(*args, **more)

    return done


def _is_deadlock(error: Unreachable) -> bool:
    cause = error.__cause__
    return isinstance(cause, DBAPIError) and getattr(cause.orig, "sqlstate", None) == _DEADLOCK


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
