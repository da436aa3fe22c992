"""One question asked of the database again and again: of the server that takes the writes, outside any transaction, and
with a limit to the wait.

Promise: an answer shows everything that was committed before the question was sent. It never comes from a standby, from
a snapshot that was taken earlier, or later than the limit. Fails with `Unreachable`, after which the next question is
asked over a new connection. Not safe for threads: one asks at a time.
"""

from __future__ import annotations

import select
import sqlite3
from contextlib import suppress
from typing import Any, Final, Protocol

import sqlalchemy as sa

from campaigns.clock import boot_seconds
from campaigns.errors import Unreachable

Answer = tuple[Any, ...]

_CONNECT_SECONDS: Final = 2


class Asker(Protocol):
    """Asks its question."""

    def ask(self, seconds: float) -> Answer | None:
        """The first row of the answer, or None where it has none; waits at most so long once it is connected.

        Raises:
            Unreachable: no answer in time.
        """
        ...

    def close(self) -> None:
        """Let go of the connection; a later question makes a new one."""
        ...


def make_asker(engine: sa.Engine, question: sa.Select[Any], statement_ms: int) -> Asker:
    """An asker on a connection of its own, to the database of this engine.

    PostgreSQL itself gives up after `statement_ms`, so that questions nobody waits for any more do not pile up there.
    """
    text = str(question.compile(dialect=engine.dialect, compile_kwargs={"literal_binds": True}))
    if engine.dialect.name == "postgresql":
        return _PostgresAsker(engine, text, statement_ms)
    return _SqliteAsker(engine.url.database or "", text)


class _SqliteAsker:
    """A read outside a transaction sees what is committed at that moment, and in WAL mode waits for nobody."""

    def __init__(self, path: str, question: str) -> None:
        self._path, self._question = path, question
        self._connection: sqlite3.Connection | None = None

    def ask(self, seconds: float) -> Answer | None:
        try:
            if self._connection is None:
                self._connection = sqlite3.connect(
                    f"file:{self._path}?mode=rw",
                    uri=True,
                    timeout=seconds,
                    isolation_level=None,
                    check_same_thread=False,
                )
            rows = self._connection.execute(
                self._question
            ).fetchall()  # to its end: an open cursor pins a snapshot
        except sqlite3.Error as error:
            self.close()
            raise Unreachable(f"the database does not answer: {error}") from error
        return rows[0] if rows else None

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class _PostgresAsker:
    """A prepared statement in autocommit. The wait for its reply is our own, since libpq's has no limit."""

    def __init__(self, engine: sa.Engine, question: str, statement_ms: int) -> None:
        _, self._parameters = engine.dialect.create_connect_args(engine.url)
        self._question, self._statement_ms = question.encode(), statement_ms
        self._connection: Any = None
        self._transformer: Any = None

    def ask(self, seconds: float) -> Answer | None:
        import psycopg

        deadline = boot_seconds() + seconds
        try:
            if self._connection is None:
                self._connect()
                deadline = boot_seconds() + seconds
            return self._answer(deadline)
        except psycopg.errors.QueryCanceled as error:
            raise Unreachable("the database does not answer in time") from error
        except (psycopg.Error, OSError) as error:
            self.close()
            raise Unreachable(f"the database does not answer: {str(error).strip()}") from error

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()

    def __del__(self) -> None:
        self.close()

    def _connect(self) -> None:
        import psycopg
        from psycopg.adapt import Transformer

        more = f"-c timezone=UTC -c statement_timeout={self._statement_ms}"
        given = {**self._parameters, "options": f"{self._parameters.get('options', '')} {more}".strip()}
        given.setdefault("target_session_attrs", "read-write")
        given.setdefault("connect_timeout", _CONNECT_SECONDS)
        given.setdefault("tcp_user_timeout", _CONNECT_SECONDS * 1000)
        connection = psycopg.connect(**given, autocommit=True)
        try:
            self._check(connection.pgconn.prepare(_NAME, self._question))
        except BaseException:
            connection.close()
            raise
        self._connection, self._transformer = connection, Transformer(connection)

    def _answer(self, deadline: float) -> Answer | None:
        import psycopg

        line = self._connection.pgconn
        line.send_query_prepared(_NAME, [])
        line.flush()
        found = None
        while True:
            while line.is_busy():
                left = deadline - boot_seconds()
                if left <= 0 or not select.select([line.socket], [], [], left)[0]:
                    raise psycopg.OperationalError("no reply in time")
                line.consume_input()
            result = line.get_result()
            if result is None:
                break
            self._check(result)
            found = result
        if found is None or found.ntuples == 0:
            return None
        self._transformer.set_pgresult(found)
        answer: Answer = self._transformer.load_row(0, tuple)
        return answer

    def _check(self, result: Any) -> None:
        import psycopg
        from psycopg import pq

        if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            raise psycopg.errors.error_from_result(result)


_NAME: Final = b"utskick"
