"""Transactions: what they keep, what they refuse, and what a database that is away is called."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, StatementError

from campaigns.errors import InputError, Unreachable
from campaigns.store import engine as store
from campaigns.store import schema
from campaigns.store.engine import make_engine, reading, where, writing
from campaigns.store.migrate import migrate

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[sa.Engine]:
    made = make_engine(empty_database_url)
    migrate(made)
    yield made
    made.dispose()


def add_list(connection: sa.Connection, key: str, at: datetime = NOON) -> None:
    connection.execute(
        sa.insert(schema.mailing_list).values(
            key=key, kind="newsletter", name=key, purpose="p", created_at=at, created_by="process:test"
        )
    )


def keys(engine: sa.Engine) -> list[str]:
    with reading(engine) as connection:
        table = schema.mailing_list.c
        return list(connection.execute(sa.select(table.key).order_by(table.key)).scalars())


def test_a_write_that_fails_leaves_nothing(engine: sa.Engine) -> None:
    def write_and_fail() -> None:
        with writing(engine) as connection:
            add_list(connection, "gone")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    with writing(engine) as connection:
        add_list(connection, "stays")
    assert keys(engine) == ["stays"]


def test_a_reader_sees_one_state_and_keeps_no_writer_waiting(
    empty_database_url: str, engine: sa.Engine
) -> None:
    other = make_engine(empty_database_url)
    count = sa.select(sa.func.count()).select_from(schema.mailing_list)
    with reading(engine) as connection:
        assert connection.execute(count).scalar() == 0
        with writing(other) as second:
            add_list(second, "new")
        if engine.dialect.name == "sqlite":  # PostgreSQL promises it for each statement
            assert connection.execute(count).scalar() == 0
    assert keys(engine) == ["new"]
    other.dispose()


def test_writers_wait_for_each_other(empty_database_url: str, engine: sa.Engine) -> None:
    def add(number: int) -> None:
        own = make_engine(empty_database_url)
        for step in range(5):
            with writing(own) as connection:
                table = schema.mailing_list
                seen = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
                add_list(connection, f"{number}-{step}-{seen}")
        own.dispose()

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys(engine)) == 20


def test_instants_come_back_as_they_went_in_utc(engine: sa.Engine) -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-7)))
    with writing(engine) as connection:
        add_list(connection, "a", elsewhere)
    with reading(engine) as connection:
        (found,) = connection.execute(sa.select(schema.mailing_list.c.created_at)).scalars()
    assert (found, found.tzinfo) == (NOON, UTC)


def test_an_instant_without_a_time_zone_is_refused(engine: sa.Engine) -> None:
    with pytest.raises(StatementError, match="time zone"), writing(engine) as connection:
        add_list(connection, "a", NOON.replace(tzinfo=None))


def test_an_error_of_the_database_does_not_repeat_the_values(engine: sa.Engine) -> None:
    """Such an error may end up in a log; a value may be somebody's address."""
    with writing(engine) as connection:
        add_list(connection, "kanari@kund.example")
    with pytest.raises(IntegrityError) as caught, writing(engine) as connection:
        add_list(connection, "kanari@kund.example")
    assert "kanari" not in str(caught.value)


def test_a_postgresql_that_is_away_is_unreachable_and_its_password_is_not_told(tmp_path: Path) -> None:
    engine = make_engine(f"postgresql://u:hemligt@/none?host={tmp_path}")
    for opened in (reading, writing):
        with pytest.raises(Unreachable) as caught, opened(engine):
            pass
        assert "hemligt" not in str(caught.value)
    assert "hemligt" not in where(engine)


def test_a_postgresql_that_goes_away_in_a_transaction_is_unreachable(empty_postgres_url: str) -> None:
    engine, other = make_engine(empty_postgres_url), make_engine(empty_postgres_url)

    def write_and_be_cut_off() -> None:
        with writing(engine) as connection:
            pid = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
            with writing(other) as killer:
                killer.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            connection.execute(sa.text("SELECT 1"))

    with pytest.raises(Unreachable):
        write_and_be_cut_off()
    with reading(engine) as connection:  # and it is reached again
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1
    engine.dispose()
    other.dispose()


def test_postgresql_may_restart_while_all_connections_rest(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "RESTED_SECONDS", 0.0)
    engine, other = make_engine(postgres_url), make_engine(postgres_url)
    with reading(engine), reading(engine), reading(engine):
        pass  # three connections, of which each is used again later
    with writing(other) as killer:
        killer.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        )
    with reading(engine) as first, reading(engine) as second, reading(engine) as third:
        assert [one.execute(sa.text("SELECT 1")).scalar() for one in (first, second, third)] == [1, 1, 1]
    engine.dispose()
    other.dispose()


def test_a_sqlite_file_that_stays_locked_is_unreachable(
    empty_sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "SQLITE_PATIENCE_MS", 50)
    engine, other = make_engine(empty_sqlite_url), make_engine(empty_sqlite_url)
    migrate(engine)
    with writing(engine) as connection:
        add_list(connection, "first")
        with pytest.raises(Unreachable, match="locked"), writing(other):
            pass
        with reading(other) as reader:  # reading goes on
            assert reader.execute(sa.text("SELECT 1")).scalar() == 1


def test_a_file_that_is_no_database_is_unreachable(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("this is no database at all, it is a text", "utf-8")
    engine = make_engine(f"sqlite:///{path}")
    with pytest.raises(Unreachable, match="not a database"), reading(engine):
        pass


def test_sqlite_keeps_what_it_committed_and_its_references(empty_sqlite_url: str) -> None:
    engine = make_engine(empty_sqlite_url)
    with reading(engine) as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5_000}


def test_postgresql_commits_durably_and_thinks_in_utc(empty_postgres_url: str) -> None:
    engine = make_engine(empty_postgres_url)
    with reading(engine) as connection:
        shown = [
            connection.execute(sa.text(f"SHOW {name}")).scalar()
            for name in ("timezone", "synchronous_commit")
        ]
    assert shown == ["UTC", "on"]
    engine.dispose()


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://host/db", "postgresql+asyncpg://h/d", "postgres"])
def test_a_url_of_no_database_that_we_know_is_refused(url: str) -> None:
    with pytest.raises(InputError):
        make_engine(url)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_all_spellings_of_postgresql_are_taken(scheme: str) -> None:
    assert make_engine(f"{scheme}://u@h/d").url.drivername == "postgresql+psycopg"
