"""Declared extra fields of a contact: nothing is kept that nobody has declared with a purpose and a time to go. Pure.

Promise: a value is read by its field's type into one spelling, or refused with the reason; the reason never repeats
the value. A `reference` is how another system names the person: one value names one contact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from campaigns.errors import InputError

FieldType = Literal["text", "number", "date", "yes_no", "choice", "reference"]
_YES: Final = frozenset({"yes", "true", "1", "x", "ja", "kyllä"})
_NO: Final = frozenset({"no", "false", "0", "nej", "ei"})
_LONGEST: Final = 200


@dataclass(frozen=True)
class DeclaredField:
    """One extra field: its name, type and choices, what it is for, how many days it is kept, its heads in tables."""

    name: str
    type: FieldType
    purpose: str
    retention_days: int
    choices: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether its values can be more or less."""
        return self.type == "number"

    def read(self, text: str) -> str:
        """The one spelling of a value.

        Raises:
            InputError: it is no value of this type.
        """
        if len(text) > _LONGEST:
            raise InputError(f"is longer than {_LONGEST} characters")
        if self.type == "number":
            return _number(text)
        if self.type == "date":
            return _date(text)
        if self.type == "yes_no":
            return _yes_no(text)
        if self.type == "choice":
            return self._choice(text)
        return text

    def _choice(self, text: str) -> str:
        for choice in self.choices:
            if choice.casefold() == text.casefold():
                return choice
        raise InputError(f"is none of {', '.join(self.choices)}")


def _number(text: str) -> str:
    try:
        number = float(text.replace("\u00a0", "").replace(" ", "").replace(",", "."))
    except ValueError:
        raise InputError("is no number") from None
    if not math.isfinite(number):
        raise InputError("is no number")
    return f"{number:.15g}"


def _date(text: str) -> str:
    try:
        if "." in text:
            day, month, year = text.split(".")
            return date(int(year), int(month), int(day)).isoformat()
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise InputError("is no date such as 2026-11-25 or 25.11.2026") from None


def _yes_no(text: str) -> str:
    word = text.casefold()
    if word in _YES:
        return "yes"
    if word in _NO:
        return "no"
    raise InputError("is neither yes nor no")
