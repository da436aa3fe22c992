"""The same installation as for the operations' tests."""

from tests.operations.conftest import place, sink, small_place

__all__ = ["place", "sink", "small_place"]
