"""The three languages a message can be in, and how each writes a date. Pure tables; an unknown language is a
ValueError.
"""

from __future__ import annotations

from datetime import date
from typing import Final, Literal, get_args

Language = Literal["sv", "fi", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

_MONTHS: Final[dict[Language, str]] = {
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
    "fi": "tammi helmi maalis huhti touko kesä heinä elo syys loka marras joulu",
    "en": "January February March April May June July August September October November December",
}


def as_language(text: str) -> Language:
    """The language that `text` names; ValueError for anything but sv, fi, en."""
    for language in LANGUAGES:
        if language == text:
            return language
    raise ValueError(f"language {text!r} is not one of {', '.join(LANGUAGES)}")


def date_text(day: date, language: Language) -> str:
    """A date in running text: 23 november 2026, 23. marraskuuta 2026, 23 November 2026."""
    month = _MONTHS[language].split()[day.month - 1]
    if language == "fi":
        return f"{day.day}. {month}kuuta {day.year}"
    return f"{day.day} {month} {day.year}"
