"""From the cells of one row to a person, or to the reason why not. Knows no database.

A person needs an e-mail address or a whole postal address. Control characters and marks that turn the direction of text
refuse the row, since they could forge what a reader sees. Addresses of functions that handle abuse and failures are
refused (RFC 2142): nobody subscribes them. A language is one of sv, fi, en in any of its names, or another two-letter
code, for which the campaign's fallback language is used; no language means the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from campaigns.address import EmailAddress, parse_email
from campaigns.errors import AddressFault, InputError

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
_FORBIDDEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_LANGUAGES: Final = {
    **dict.fromkeys(["sv", "swe", "swedish", "svenska", "ruotsi"], "sv"),
    **dict.fromkeys(["fi", "fin", "finnish", "finska", "suomi"], "fi"),
    **dict.fromkeys(["en", "eng", "english", "engelska", "englanti"], "en"),
}


class RowRefused(InputError):
    """The row cannot be imported."""


@dataclass(frozen=True)
class Person:
    """One row as the register takes it: only what was filled in."""

    values: Mapping[str, str]
    email: EmailAddress | None
    company: str
    business_id: str
    position: str

    @property
    def has_postal_address(self) -> bool:
        """Whether a letter could be addressed."""
        return all(self.values.get(name) for name in ("street", "postal_code", "city"))


def read_person(columns: Sequence[str | None], cells: Sequence[str]) -> Person:
    """Read one row.

    Raises:
        RowRefused: says which column and why; never repeats the value.
    """
    if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
        raise RowRefused(f"has {len(cells)} cells for {len(columns)} columns")
    values = {
        column: value
        for column, cell in zip(columns, cells, strict=False)
        if column is not None and (value := _clean(column, cell))
    }
    email = _email(values.pop("email", ""))
    if "language" in values:
        values["language"] = _language(values["language"])
    company, business_id = values.pop("company", ""), values.pop("business_id", "")
    person = Person(values, email, company, _business_id(business_id), values.pop("position", ""))
    if email is None and not person.has_postal_address:
        raise RowRefused(
            "has neither an e-mail address nor a whole postal address (street, postal code, city)"
        )
    return person


def _clean(column: str, cell: str) -> str:
    text = " ".join(
        unicodedata.normalize("NFC", cell.replace("\r\n", " ").replace("\n", " ").replace("\t", " ")).split(
            " "
        )
    )
    text = re.sub(r" {2,}", " ", text).strip()
    if _FORBIDDEN.search(text):
        raise RowRefused(f"{column}: holds a control character or a mark that turns the direction of text")
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


def _language(text: str) -> str:
    plain = re.split(r"[-_ (]", text.casefold(), maxsplit=1)[0]
    if plain in _LANGUAGES:
        return _LANGUAGES[plain]
    if re.fullmatch(r"[a-z]{2}", plain):
        return plain
    raise RowRefused("language: write sv, fi, en or another two-letter code, or leave it empty")


def _business_id(text: str) -> str:
    """The id without blanks; a Finnish one in its own form, also when it came as a VAT number."""
    plain = text.replace(" ", "").upper()
    match = re.fullmatch(r"(?:FI)?(\d{7})-?(\d)", plain)
    return f"{match[1]}-{match[2]}" if match else plain
