"""The only place that makes engines and opens transactions.

Promise: `writing` is one durable transaction (SQLite: BEGIN IMMEDIATE, synchronous=FULL; PostgreSQL:
synchronous_commit on), `reading` is one consistent snapshot that never keeps a writer waiting. A database
that cannot be reached, or that stays locked longer than its patience, is `Unreachable`; the unknown outcome
of a COMMIT is an error to the caller too, never a silent success. No error repeats the values of a statement,
which may be somebody's data on the way into a log.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    InvalidatePoolError,
    NoSuchModuleError,
    OperationalError,
)

from campaigns.errors import InputError, Unreachable

#: How long SQLite waits for another process's write, in milliseconds.
SQLITE_PATIENCE_MS = 5_000
#: How long PostgreSQL may take to connect, in seconds.
CONNECT_SECONDS = 10
#: A connection to PostgreSQL that rested for so many seconds is asked whether it is still one.
RESTED_SECONDS = 1.0


def make_engine(url: str, *, connections: int = 10) -> sa.Engine:
    """An engine for a `sqlite:///…` or `postgresql://…` URL. Connects to nothing yet.

    Raises:
        InputError: the URL is no URL of either database, or its folder cannot be made.
    """
    try:
        parsed = sa.make_url(url)
    except ArgumentError:
        raise InputError(
            "the database URL cannot be read; write sqlite:///PATH or postgresql://USER@HOST/NAME"
        ) from None
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"}:
        engine = _sqlite(parsed)
    elif parsed.drivername in {"postgres", "postgresql", "postgresql+psycopg"}:
        engine = _postgres(parsed.set(drivername="postgresql+psycopg"), connections)
    else:
        raise InputError(f"{parsed.drivername} is no database that Utskick runs on; use sqlite or postgresql")
    sa.event.listen(engine, "handle_error", _without_values)
    return engine


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One write transaction, committed at the end of the block and rolled back on an error.

    Raises:
        Unreachable: the database is away or stayed locked; whether a commit took hold may be unknown then.
    """
    with (
        _translated(engine),
        engine.connect().execution_options(utskick_writes=True) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One read transaction.

    Raises:
        Unreachable: the database is away.
    """
    with _translated(engine), engine.connect() as connection, connection.begin():
        yield connection


def where(engine: sa.Engine) -> str:
    """The database for people: its URL without the password."""
    return engine.url.render_as_string(hide_password=True)


def is_missing(engine: sa.Engine) -> bool:
    """Whether this is a file that is not there: to connect would make it."""
    path = engine.url.database or ":memory:"
    return engine.dialect.name == "sqlite" and path != ":memory:" and not Path(path).exists()


@contextmanager
def _translated(engine: sa.Engine) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if "readonly database" in str(error.orig):
            problem = "this user must be able to write the file and its folder"
            raise Unreachable(f"the database {where(engine)} cannot be written: {problem}") from error
        raise Unreachable(f"the database {where(engine)} does not answer: {_first_line(error)}") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unreachable(f"the connection to {where(engine)} broke: {_first_line(error)}") from error
        if type(error) is DatabaseError:  # SQLite's word for a file that is none of its own, or is broken
            raise Unreachable(f"the database {where(engine)} cannot be used: {_first_line(error)}") from error
        raise


def _without_values(context: sa.engine.ExceptionContext) -> None:
    """Leave the first line of an error: PostgreSQL repeats values in those that follow."""
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None and error.args and isinstance(error.args[0], str):
            error.args = (error.args[0].strip().split("\n", 1)[0], *error.args[1:])


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().split("\n", 1)[0]


def _sqlite(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(
        url, connect_args={"timeout": SQLITE_PATIENCE_MS / 1000}, pool_size=20, hide_parameters=True
    )

    sa.event.listen(engine, "do_connect", lambda *_: _make_private(url.database))

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        # The driver's own transaction handling would delay BEGIN until the first write: take it over.
        connection.isolation_level = None
        _write_ahead(connection)
        for pragma in (
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",  # what was erased is not to be found in the file's freed space
            f"busy_timeout={SQLITE_PATIENCE_MS}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        # SQLite's own knows A to Z only; people here are called Åke and Östen.
        connection.create_function("lower", 1, _lower, deterministic=True)

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # A read that later writes can neither wait nor be retried in SQLite; so writers say it at once.
        writes = connection.get_execution_options().get("utskick_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _make_private(path: str | None) -> None:
    """Make a new database file its owner's alone; SQLite would let everybody read it, and gives what it writes beside
    it the same rights. One that is there must not be opened: to close it again would end every lock that this process
    holds on it."""
    if path and path != ":memory:":
        folder = Path(path).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"the database cannot lie in {folder}: {error.strerror}") from None
        with suppress(OSError):  # it is there, or SQLite will say what is wrong
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _write_ahead(connection: Any) -> None:
    """Have SQLite write ahead. While somebody else makes the same new file it answers "locked" without any patience."""
    ends = time.monotonic() + SQLITE_PATIENCE_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > ends:
                raise
            time.sleep(0.01)
        else:
            return


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text


def _postgres(url: sa.URL, connections: int) -> sa.Engine:
    try:
        engine = sa.create_engine(
            url,
            pool_size=connections,
            max_overflow=connections,
            hide_parameters=True,
            connect_args={
                "connect_timeout": CONNECT_SECONDS,
                # Compiling a statement takes PostgreSQL half a second, which it spends where it expects too many rows.
                "options": "-c timezone=UTC -c synchronous_commit=on -c jit=off",
            },
        )
    except (ImportError, NoSuchModuleError):
        raise InputError("PostgreSQL needs the extra `postgres`: pip install 'utskick[postgres]'") from None
    _ask_rested_connections(engine)
    return engine


def _ask_rested_connections(engine: sa.Engine) -> None:
    """See that a connection which lay unused for a while is still one, before a transaction relies on it. Asking each
    time, as the library would, costs a sender more than all else it asks."""

    @sa.event.listens_for(engine, "checkin")
    def _rests(_connection: Any, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    @sa.event.listens_for(engine, "checkout")
    def _is_there(connection: Any, record: Any, _proxy: Any) -> None:
        rests_since = record.info.get("rests_since")
        if rests_since is None or time.monotonic() - rests_since < RESTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error  # the pool makes new ones
