"""Business ids: one spelling for each company, and no personal identity numbers. Pure.

Promise: a Finnish Y-tunnus (`1234567-1`, or the VAT number `FI12345671`) and a Swedish organisationsnummer
(`556016-0680`, also with 16 in front or as the VAT number `SE556016068001`) come out in one form; digits alone are
taken for one of them only where the check digit says so. Other ids come out in capitals without blanks. A number that
is a person's, which a table of companies must not hold (GDPR Art. 87, and the Swedish and Finnish acts under it), is
refused. Fails with `InputError`, which never repeats the number.
"""

from __future__ import annotations

import re
from typing import Final

from campaigns.errors import InputError

_FINNISH: Final = re.compile(r"(?:FI)?-?([0-9]{6,7})-([0-9])|FI-?([0-9]{7})([0-9])")
_FINNISH_BARE: Final = re.compile(r"([0-9]{7})([0-9])")
_SWEDISH: Final = re.compile(r"(?:16)?([0-9]{6})-([0-9]{4})|SE-?([0-9]{6})-?([0-9]{4})(?:01)?")
_SWEDISH_BARE: Final = re.compile(r"(?:16)?([0-9]{6})([0-9]{4})")
_FINNISH_PERSON: Final = re.compile(
    r"(?:0[1-9]|[12][0-9]|3[01])(?:0[1-9]|1[0-2])[0-9]{2}[-+A-FU-Y][0-9]{3}[0-9A-Y]"
)
_SWEDISH_PERSON: Final = re.compile(r"(?:19|20)[0-9]{6}-?[0-9]{4}")
_BIRTH_DATE: Final = re.compile(r"(?:19|20)?[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")
_FINNISH_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2)


def business_id(text: str) -> str:
    """The one spelling of a business id.

    Raises:
        InputError: it is a personal identity number.
    """
    plain = re.sub(r"[\s\u00ad]", "", text).upper().replace("\N{EN DASH}", "-")
    if _FINNISH_PERSON.fullmatch(plain) or _SWEDISH_PERSON.fullmatch(plain):
        raise InputError(_PERSONAL)
    if found := _SWEDISH.fullmatch(plain):
        return _swedish(*_digits(found))
    if found := _FINNISH.fullmatch(plain):
        return "{:0>7}-{}".format(*_digits(found))
    if (found := _FINNISH_BARE.fullmatch(plain)) and _finnish_check(found[1]) == int(found[2]):
        return f"{found[1]}-{found[2]}"
    if (found := _SWEDISH_BARE.fullmatch(plain)) and _luhn(found[1] + found[2]):
        return _swedish(found[1], found[2])
    return plain


_PERSONAL: Final = "is a personal identity number, which is not needed here"


def _digits(found: re.Match[str]) -> tuple[str, str]:
    first, second = (group for group in found.groups() if group is not None)
    return first, second


def _finnish_check(number: str) -> int:
    rest = sum(int(digit) * weight for digit, weight in zip(number, _FINNISH_WEIGHTS, strict=True)) % 11
    return 11 - rest if rest else 0


def _swedish(first: str, second: str) -> str:
    if _BIRTH_DATE.fullmatch(first) and _luhn(first + second):
        raise InputError(_PERSONAL)
    return f"{first}-{second}"


def _luhn(digits: str) -> bool:
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(digits))
    return sum(number // 10 + number % 10 for number in doubled) % 10 == 0
