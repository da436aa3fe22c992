"""Databases at the present schema: the migrations run once in each test process, and every database is a copy.

What the migrations themselves do, and what a set-up makes of a database that has nothing yet, is shown on empty ones
(`empty_sqlite_url`, `empty_postgres_url`, `empty_database_url`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import make_url

from campaigns.store.engine import make_engine
from campaigns.store.migrate import migrate
from tests.support.postgres import fresh_database


@contextmanager
def migrated_template(server: str) -> Iterator[str]:
    """The name of a database on that server that has all migrations and no connection."""
    with fresh_database(server) as url:
        _migrate(url)
        yield str(make_url(url).database)


def migrated_file(path: Path) -> str:
    """The URL of a new SQLite database at the present schema."""
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(_migrated_octets())
    return f"sqlite:///{path}"


@cache
def _migrated_octets() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "original.sqlite"
        _migrate(f"sqlite:///{path}")
        return path.read_bytes()


def _migrate(url: str) -> None:
    engine = make_engine(url)
    migrate(engine)
    engine.dispose()
