"""A register with one delivery in hand, on both databases: made once, copied for each test."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import make_url

from campaigns.keyfiles import read_keys
from campaigns.register.suppression import InHand
from campaigns.store import schema
from campaigns.store.engine import make_engine, writing
from tests.support.databases import migrated_file
from tests.support.postgres import fresh_database
from tests.support.register import CAMPAIGN, UNATTEMPTED, Register, made_register


@pytest.fixture(scope="session")
def sqlite_original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the database `original.db` and the keys."""
    folder = tmp_path_factory.mktemp("original")
    _make_original(migrated_file(folder / "original.db"), folder)
    return folder


@pytest.fixture(scope="session")
def postgres_original(
    postgres_server: str, postgres_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """The name of a database, and a folder with the keys."""
    folder = tmp_path_factory.mktemp("original")
    with fresh_database(postgres_server, template=postgres_template) as url:
        _make_original(url, folder)
        yield str(make_url(url).database), folder


@pytest.fixture
def sqlite_register(sqlite_original: Path, empty_sqlite_url: str, tmp_path: Path) -> Iterator[Register]:
    """The register on SQLite."""
    shutil.copy(sqlite_original / "original.db", str(make_url(empty_sqlite_url).database))
    with _copied(empty_sqlite_url, sqlite_original, tmp_path) as register:
        yield register


@pytest.fixture
def postgres_register(
    postgres_original: tuple[str, Path], postgres_server: str, tmp_path: Path
) -> Iterator[Register]:
    """The register on PostgreSQL."""
    original, keys = postgres_original
    with (
        fresh_database(postgres_server, template=original) as url,
        _copied(url, keys, tmp_path) as register,
    ):
        yield register


@pytest.fixture(params=["sqlite", "postgres"])
def register(request: pytest.FixtureRequest) -> Register:
    """The register of tests/support, with its unattempted delivery claimed: it is `sending`."""
    made: Register = request.getfixturevalue(f"{request.param}_register")
    return made


@pytest.fixture
def in_hand() -> InHand:
    """What a sender has in hand that claimed under the first epoch."""
    return InHand(CAMPAIGN, 1, UNATTEMPTED, 1)


def _make_original(url: str, folder: Path) -> None:
    with made_register(url, folder / "secrets") as made, writing(made.engine) as connection:
        waiting = schema.delivery.c.number == UNATTEMPTED
        connection.execute(sa.update(schema.delivery).where(waiting).values(status="sending", attempt=1))
        connection.execute(sa.update(schema.gate).values(epoch=1))


@contextmanager
def _copied(url: str, original: Path, folder: Path) -> Iterator[Register]:
    shutil.copytree(original / "secrets", folder / "secrets")
    ring = read_keys(folder / "secrets")
    assert ring is not None
    engine = make_engine(url)
    yield Register(url, engine, ring, folder / "secrets")
    engine.dispose()
