from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.register import Register, made_register


@pytest.fixture
def register(database_url: str, tmp_path: Path) -> Iterator[Register]:
    """A small register, once on SQLite and once on PostgreSQL."""
    with made_register(database_url, tmp_path / "secrets") as made:
        yield made


@pytest.fixture
def sqlite_register(sqlite_url: str, tmp_path: Path) -> Iterator[Register]:
    """The same on SQLite, for what the database has no part in."""
    with made_register(sqlite_url, tmp_path / "secrets") as made:
        yield made
