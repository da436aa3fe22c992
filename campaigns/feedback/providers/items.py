"""Reading what a provider said, whatever it said: missing fields are empty, other types become text. Pure.

Promise: never more than the limit of a text is kept, and none of it is unprintable. Only the word that says
what an event is must be there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from campaigns.errors import Fault, FaultyInput
from campaigns.feedback.event import plain

#: Numbers beyond it are moments in milliseconds.
_LAST_SECOND: Final = 10**11
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_YEARS: Final = range(2000, 2101)


class Item:
    """One JSON object."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    @classmethod
    def of(cls, value: object) -> Item:
        """The object.

        Raises:
            FaultyInput: it is none.
        """
        if not isinstance(value, dict):
            raise FaultyInput([Fault("(event)", "must be a JSON object")])
        return cls(value)

    def value(self, *path: str) -> Any:
        """What stands there, as it is; None where nothing does."""
        value: Any = self._fields
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def is_true(self, *path: str) -> bool:
        """Whether it is true, as JSON or as a word."""
        return self.text(*path).lower() in {"true", "1"}

    def text(self, *path: str, limit: int = 500) -> str:
        """The text there; empty where there is none."""
        value = self.value(*path)
        if isinstance(value, bool):
            return "true" if value else "false"
        return plain(str(value), limit) if isinstance(value, str | int | float) else ""

    def word(self, *path: str) -> str:
        """The word that says what the event is.

        Raises:
            FaultyInput: it is missing.
        """
        text = self.text(*path, limit=100)
        if not text:
            raise FaultyInput([Fault(".".join(path), "is missing")])
        return text

    def inner(self, *path: str) -> Item:
        """The object there; an empty one where there is none."""
        value = self.value(*path)
        return Item(value if isinstance(value, dict) else {})

    def list(self, *path: str) -> list[Any]:
        """The list there; an empty one where there is none."""
        value = self.value(*path)
        return value if isinstance(value, list) else []

    def moment(self, *path: str) -> datetime | None:
        """The moment there: seconds or milliseconds since 1970, ISO 8601 with its zone, or a mail's date."""
        value = self.value(*path)
        text = value.strip()[:60] if isinstance(value, str) else ""
        try:
            number = float(text or value if isinstance(value, str | int | float) else "")
        except (ValueError, OverflowError):
            moment = _written(text)
        else:
            moment = _counted(number)
        return moment if moment is not None and moment.year in _YEARS else None


def _counted(number: float) -> datetime | None:
    try:
        return _EPOCH + timedelta(seconds=number / 1000 if abs(number) > _LAST_SECOND else number)
    except (OverflowError, ValueError):
        return None


def _written(text: str) -> datetime | None:
    for reader in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = reader(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        if moment.tzinfo is not None:
            return moment
    return None
