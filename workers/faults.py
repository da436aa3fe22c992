"""How an unexpected error is told in a log: its class and its place, never its words, which may hold an
address."""

from __future__ import annotations

import traceback


def place_of(error: BaseException) -> str:
    """The class of an error and where it was raised, as `ValueError at file.py:12`."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + place
