"""The file of a register on SQLite, as several processes use it."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sqlalchemy as sa

from campaigns.store.engine import make_engine, reading, writing


def seen_by_another_process(path: Path) -> str:
    """How many rows a process sees that opens the database, reads, and closes it again."""
    count = "c.execute('SELECT count(*) FROM t').fetchone()"
    script = f"import sqlite3; c = sqlite3.connect({str(path)!r}); print(*{count})"
    return subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=20
    ).stdout.strip()


def test_a_new_connection_gives_up_no_lock_of_the_others_in_its_process(tmp_path: Path) -> None:
    # A process that closes any descriptor of a file loses its locks on it (POSIX); whoever closes the database next
    # then takes itself for the last one, and removes the log that the others go on writing to.
    path = tmp_path / "register.db"
    engine = make_engine(f"sqlite:///{path}")
    with writing(engine) as connection:
        connection.execute(sa.text("CREATE TABLE t (n INTEGER)"))
    with reading(engine) as held:
        held.execute(sa.text("SELECT * FROM t")).all()
        with reading(engine) as another:
            another.execute(sa.text("SELECT * FROM t")).all()
    assert seen_by_another_process(path) == "0"
    with writing(engine) as connection:
        connection.execute(sa.text("INSERT INTO t VALUES (1)"))
    assert seen_by_another_process(path) == "1"
    engine.dispose()


def test_a_new_file_is_its_owners_and_an_old_one_stays_as_it_is(tmp_path: Path) -> None:
    new, old = tmp_path / "new.db", tmp_path / "old.db"
    sqlite3.connect(old).execute("CREATE TABLE t (n INTEGER)")
    old.chmod(0o640)
    for path in (new, old):
        engine = make_engine(f"sqlite:///{path}")
        with writing(engine) as connection:
            connection.execute(sa.text("CREATE TABLE u (n INTEGER)"))
        engine.dispose()
    assert [path.stat().st_mode & 0o777 for path in (new, old)] == [0o600, 0o640]


def test_many_may_make_the_same_new_file_at_once(tmp_path: Path) -> None:
    def ask(engine: sa.Engine) -> int:
        with reading(engine) as connection:
            return int(connection.execute(sa.text("SELECT 1")).scalar_one())

    with ThreadPoolExecutor(6) as pool:
        for number in range(60):
            engines = [make_engine(f"sqlite:///{tmp_path / str(number)}") for _ in range(6)]
            assert list(pool.map(ask, engines)) == [1] * 6
            for engine in engines:
                engine.dispose()
