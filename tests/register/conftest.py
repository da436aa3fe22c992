import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from campaigns.keyfiles import make_keys
from campaigns.register import identity
from campaigns.store.engine import make_engine, writing
from campaigns.store.migrate import migrate
from tests.support.register import TESTER, Register


@contextmanager
def empty_register(url: str, secrets_dir: Path) -> Iterator[Register]:
    """A founded register with nobody in it."""
    engine = make_engine(url)
    migrate(engine)
    ring = make_keys(secrets_dir)
    with writing(engine) as connection:
        identity.found(connection, secrets.token_hex(8), ring.marks(), TESTER)
    try:
        yield Register(url, engine, ring, secrets_dir)
    finally:
        engine.dispose()


@pytest.fixture
def register(database_url: str, tmp_path: Path) -> Iterator[Register]:
    """An empty register, once on SQLite and once on PostgreSQL."""
    with empty_register(database_url, tmp_path / "secrets") as made:
        yield made


@pytest.fixture
def sqlite_register(sqlite_url: str, tmp_path: Path) -> Iterator[Register]:
    """An empty register on SQLite, for what the database has no part in."""
    with empty_register(sqlite_url, tmp_path / "secrets") as made:
        yield made
