"""What a person types about themselves, read with the same rules as any other intake, each fault named by a word.

Promise: nothing that is found faulty is stored, and no value is repeated in a fault. Knows no database.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from campaigns.errors import InputError
from campaigns.register.intake_rows import LONGEST, read_values
from campaigns.register.words import country_code

#: What a person may correct, in the order in which they are asked.
FIELDS: Final = (
    "first_name",
    "last_name",
    "title",
    "email",
    "phone",
    "street",
    "postal_code",
    "city",
    "country",
)
Problem = Literal["too_long", "characters", "email", "phone", "postal_code", "whole_address", "needed"]
_ADDRESS: Final = ("street", "postal_code", "city")
_PHONE: Final = re.compile(r"\+?[0-9][0-9 ()/.-]{3,30}")
_LONGEST_NUMBER: Final = 15
_FIVE_DIGITS: Final = re.compile(r"[0-9]{3} ?[0-9]{2}")
#: Countries whose postal codes have five digits; an address without a country is taken for one of them.
_FIVE_DIGIT_COUNTRIES: Final = frozenset({"", "FI", "SE", "AX"})


def read_own(typed: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Problem]]:
    """The values as the register takes them, blank where a field was emptied, and what is wrong by field."""
    values: dict[str, str] = {}
    problems: dict[str, Problem] = {}
    for name in FIELDS:
        if name not in typed:
            continue
        try:
            values[name] = read_values({name: typed[name]})[0].get(name, "")
        except InputError:
            problems[name] = _problem(name, typed[name])
    for name in set(values) - set(problems):
        if (problem := _further(name, values)) is not None:
            problems[name] = problem
    return values, {name: problems[name] for name in FIELDS if name in problems}


def _problem(name: str, text: str) -> Problem:
    if len(text.strip()) > LONGEST:
        return "too_long"
    return "email" if name == "email" else "characters"


def _further(name: str, values: Mapping[str, str]) -> Problem | None:
    value = values[name]
    if name == "phone" and value:
        digits = sum(character.isdigit() for character in value)
        return None if _PHONE.fullmatch(value) and digits <= _LONGEST_NUMBER else "phone"
    if name == "postal_code" and value:
        country = values.get("country", "")
        known = country_code(country) or country
        return "postal_code" if known in _FIVE_DIGIT_COUNTRIES and not _FIVE_DIGITS.fullmatch(value) else None
    given = [bool(values.get(it)) for it in _ADDRESS]
    if name in _ADDRESS and not value and any(given):
        return "whole_address"
    return None
