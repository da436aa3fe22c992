"""What the tests of the printed magazine share."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def make_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """A fresh folder at every call, for tests that hypothesis runs many times."""
    return lambda: tmp_path_factory.mktemp("print")
