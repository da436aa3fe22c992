"""From the cells of one row to a person, or to the reason why not. Knows no database.

A person needs an e-mail address or a whole postal address. Control characters and marks that turn the direction of text
refuse the row, since they could forge what a reader sees; so does a character that an earlier program has lost.
Addresses of functions that handle abuse and failures are refused (RFC 2142): nobody subscribes them. What is no
language, no gender or a person's identity number is left out and counted, and the rest of the row is taken: without
a language the campaign's fallback language is used. A country that has no code stays as it is written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from campaigns.address import EmailAddress, parse_email
from campaigns.errors import AddressFault, InputError
from campaigns.register.business_id import business_id
from campaigns.register.cells import plain_cell
from campaigns.register.intake_columns import UNNAMED
from campaigns.register.intake_encoding import REPLACEMENT
from campaigns.register.words import country_code, gender_word, language_code

LONGEST: Final = 200
_ROLES: Final = frozenset(
    [
        "abuse",
        "postmaster",
        "noc",
        "security",
        "mailer-daemon",
        "hostmaster",
        "webmaster",
        "noreply",
        "no-reply",
    ]
)
_BLANK: Final = re.compile("[\t\r\n \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_INKLESS: Final = re.compile("[\u00ad\u200b\u2060\ufeff]")
_FORBIDDEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]"
)


class RowRefused(InputError):
    """The row cannot be imported."""


@dataclass(slots=True)
class Person:
    """One row as the register takes it: only what was filled in; `left_out` are columns whose value says nothing."""

    values: dict[str, str]
    email: EmailAddress | None
    company: str
    business_id: str
    position: str
    left_out: tuple[str, ...] = ()

    @property
    def has_postal_address(self) -> bool:
        """Whether a letter could be addressed."""
        return has_postal_address(self.values)


def has_postal_address(values: Mapping[str, str | None]) -> bool:
    """Whether these values hold what a cover needs."""
    return bool(values.get("street") and values.get("postal_code") and values.get("city"))


def read_values(values: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Values of single columns as a row's are read, and the columns whose value says nothing; blanks are left away.

    Raises:
        RowRefused: says which column and why.
    """
    read, left_out = {}, []
    for column, cell in values.items():
        value = _clean(column, cell)
        if column == "email" and value:
            address = _email(value)
            value = address.wire if address else ""
        word = _WORDS[column](value) if column in _WORDS and value else value
        if word:
            read[column] = word
        elif value:
            left_out.append(column)
    return read, left_out


class RowReader:
    """Reads rows of one table, whose columns are known."""

    def __init__(self, columns: Sequence[str | None]) -> None:
        self._columns = columns
        self._names = [column for column in columns if column] if all(columns) else None
        self._words = [(column, word) for column, word in _WORDS.items() if column in columns]

    def read(self, cells: Sequence[str]) -> Person:
        """Read one row.

        Raises:
            RowRefused: says which column and why; never repeats the value.
        """
        values = self._values(cells)
        take = values.pop
        email = _email(take("email", ""))
        left_out: tuple[str, ...] = ()
        for column, word in self._words:
            if column in values:
                known = word(values[column])
                if known is None:
                    del values[column]
                    left_out = (*left_out, column)
                else:
                    values[column] = known
        person = Person(
            values, email, take("company", ""), take("business_id", ""), take("position", ""), left_out
        )
        if email is None and not person.has_postal_address:
            raise RowRefused(
                "has neither an e-mail address nor a whole postal address (street, postal code, city)"
            )
        return person

    def _values(self, cells: Sequence[str]) -> dict[str, str]:
        if self._names is not None and _tidy(",".join(cells)):
            named = zip(self._names, cells, strict=False)
            return {column: value for column, cell in named if cell and (value := plain_cell(cell.strip()))}
        values = {}
        for column, cell in zip(self._columns, cells, strict=False):
            if column and cell and (value := _clean(column, plain_cell(cell))):
                values[column] = value
            elif column == UNNAMED and cell.strip():
                raise RowRefused("has something in a column without a head")
        return values


def _tidy(row: str) -> bool:
    """Whether no cell of a whole row needs more than having its ends stripped."""
    return (
        len(row) <= LONGEST
        and row.isprintable()
        and "  " not in row
        and REPLACEMENT not in row
        and unicodedata.is_normalized("NFC", row)
    )


def _clean(column: str, cell: str) -> str:
    text = _INKLESS.sub("", _BLANK.sub(" ", unicodedata.normalize("NFC", cell))).strip(" ")
    if _FORBIDDEN.search(text):
        raise RowRefused(f"{column}: holds a control character or a mark that turns the direction of text")
    if REPLACEMENT in text:
        raise RowRefused(f"{column}: holds a character that was lost before; correct it in the source")
    if len(text) > LONGEST:
        raise RowRefused(f"{column}: is longer than {LONGEST} characters")
    return text


def _email(text: str) -> EmailAddress | None:
    if not text:
        return None
    try:
        address = parse_email(text)
    except AddressFault as error:
        raise RowRefused(f"email: {error}") from None
    if address.local.casefold() in _ROLES:
        raise RowRefused("email: is the address of a function that must not be subscribed")
    return address


def _business_id(text: str) -> str | None:
    try:
        return business_id(text)
    except InputError:
        return None


#: Columns whose values are brought to one spelling.
_WORDS: Final[Mapping[str, Callable[[str], str | None]]] = {
    "language": lru_cache(1024)(language_code),
    "gender": lru_cache(1024)(gender_word),
    "country": lru_cache(1024)(lambda text: country_code(text) or text),
    "business_id": lru_cache(4096)(_business_id),
}
