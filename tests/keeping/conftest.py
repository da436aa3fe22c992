"""An installation with a sink, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.operations.place import Place, made_place
from tests.support.smtp_sink import SmtpSink


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    with SmtpSink() as running:
        yield running


@pytest.fixture
def place(database_url: str, sink: SmtpSink, tmp_path: Path) -> Iterator[Place]:
    with made_place(tmp_path, database_url, f"smtp://127.0.0.1:{sink.port}") as made:
        yield made


@pytest.fixture
def small_place(sqlite_url: str, sink: SmtpSink, tmp_path: Path) -> Iterator[Place]:
    """On SQLite only, for what does not depend on the database."""
    with made_place(tmp_path, sqlite_url, f"smtp://127.0.0.1:{sink.port}") as made:
        yield made
