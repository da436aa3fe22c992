"""Which of the tests run only with `make chaos` (CHAOS=long): those marked `long`. They are left out, not skipped."""

import pytest

from tests.chaos.rig import LONG


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is for the long run."""
    left_out = [item for item in items if item.get_closest_marker("long") and not LONG]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
