"""What the tests of the printed magazine share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.post.register import OpenRegister, Reader, open_register


@pytest.fixture(scope="session")
def make_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """A fresh folder at every call, for tests that hypothesis runs many times."""
    return lambda: tmp_path_factory.mktemp("print")


@pytest.fixture
def registers() -> Iterator[OpenRegister]:
    """Opens registers, and closes them after the test."""
    opened: list[sa.Engine] = []

    def open_one(url: str, readers: list[Reader]) -> sa.Engine:
        opened.append(open_register(url, readers))
        return opened[-1]

    yield open_one
    for engine in opened:
        engine.dispose()
