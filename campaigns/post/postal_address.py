"""From a contact's postal address to the rows on a cover posted in Finland.

Promise: every part of an address is printed in full, or left out in the written order with a finding that says so,
or the whole address is refused with all its faults. Nothing is cut. A row wider, or an address higher, than the print
house takes cannot be made: `Layout` refuses it. Faults and findings name parts and lengths, never what stands in
them, so they may be logged.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from campaigns.errors import Fault, FaultyInput
from campaigns.post.cells import formula_safe, one_line, unprintable
from campaigns.post.countries import Country, CountryGroup, country_group, country_of

FindingKind = Literal["dropped", "warning"]
PostalReason = Literal["no_postal_address", "postal_address_unusable"]


@dataclass(frozen=True, slots=True, repr=False)
class PostalAddress:
    """A contact's postal address as the register holds it; empty text where a part is missing.

    `street` may hold two lines and is where `PL 55`, `PB 55` or `Box 12` stands. `country` is an ISO code or a name
    in Swedish, Finnish or English. `first` is whom the mail is addressed to: mail with the company in its first row
    is the company's, mail with the person there is personal.
    """

    company: str = ""
    department: str = ""
    person: str = ""
    position: str = ""
    street: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = ""
    first: Literal["company", "person"] = "company"


@dataclass(frozen=True, slots=True)
class PrintProfile:
    """What the print house can print: characters in a row, rows of an address (the code's row not counted)."""

    width: int = 30
    max_rows: int = 6

    def __post_init__(self) -> None:
        if not (20 <= self.width <= 100 and 3 <= self.max_rows <= 10):
            raise FaultyInput([Fault("print profile", "width must be 20–100 characters, max_rows 3–10")])


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a register person should know about an address that is printed all the same."""

    where: str
    kind: FindingKind
    note: str


@dataclass(frozen=True, slots=True)
class PostalFault:
    """Why nothing can be posted: there is no address, or it cannot be used. `reason` is the ledger's word."""

    reason: PostalReason
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Layout:
    """An address in the print house's columns. Postcode and town are printed side by side, as one row.

    Raises:
        FaultyInput: a row is wider or the whole is higher than `profile` allows, or a needed part is empty.
    """

    profile: PrintProfile
    name1: str
    name2: str
    name3: str
    street1: str
    street2: str
    postcode: str
    town: str
    country_code: str
    country_name: str
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if faults := list(self._misfits()):
            raise FaultyInput(faults)

    @property
    def rows(self) -> tuple[str, ...]:
        """The rows from the top as they are printed, empty ones left out."""
        return tuple(text for _, text in self._named_rows())

    @property
    def group(self) -> CountryGroup:
        """The file it belongs in."""
        return country_group(self.country_code)

    def _named_rows(self) -> Iterator[tuple[str, str]]:
        for name in ("name1", "name2", "name3", "street1", "street2"):
            yield from _if_any(name, formula_safe(getattr(self, name)))
        yield "postcode and town", f"{formula_safe(self.postcode)} {formula_safe(self.town)}"
        yield from _if_any("country_name", self.country_name)

    def _misfits(self) -> Iterator[Fault]:
        for name in _NEVER_EMPTY:
            if not getattr(self, name):
                yield Fault(name, "is empty; the print house drops such a row")
        rows = list(self._named_rows())
        for name, text in rows:
            if len(text) > self.profile.width:
                problem = (
                    f"{len(text)} characters, and the print house takes {self.profile.width}; shorten it"
                )
                yield Fault(name, problem)
        if len(rows) > self.profile.max_rows:
            problem = f"{len(rows)} rows, and the print house takes {self.profile.max_rows}; merge some"
            yield Fault("rows", problem)


def lay_out(address: PostalAddress, profile: PrintProfile = PrintProfile()) -> Layout | PostalFault:
    """The rows of a cover posted in Finland, or all the faults that forbid it.

    When the names do not fit, the department is left out, then the position; never the company, the person, the
    street or the postcode.
    """
    part = {name: one_line(getattr(address, name)) for name in PARTS}
    if not (part["street"] or part["postal_code"] or part["city"]):
        return PostalFault("no_postal_address", (Fault("postal address", "there is none in the register"),))
    streets = [line for raw in address.street.splitlines() if (line := one_line(raw))]
    country = country_of(part["country"], part["postal_code"])
    postcode = country.postcode(part["postal_code"]) if country else None
    faults = [*_unprintable_parts(address), *_missing(part, streets), *_misplaced(part, country, postcode)]
    if faults or country is None or postcode is None:
        return _unusable(faults)
    tail = _tail(country, postcode, part["city"])
    names, dropped = _names(part, address.first, profile.max_rows - len(streets) - 1 - country.abroad)
    findings = (
        *dropped,
        *_box_warnings(streets, country, postcode),
        *_formula_warnings([*names, *streets, part["city"]]),
    )
    try:
        return Layout(profile, *_three(names), *_two(streets), *tail, findings)
    except FaultyInput as misfit:
        return _unusable(misfit.faults)


def postal_key_text(address: PostalAddress) -> str:
    """One text for all spellings of the same addressee at the same address, for a keyed fingerprint.

    Person, company, street, postcode, city and country on a line each, NFC, case-folded, white space collapsed,
    the postcode without spaces and prefix, the country as its ISO code. Stored fingerprints rest on it: a
    change here makes every one of them miss.
    """
    country = country_of(address.country, address.postal_code)
    postcode = country.compact(address.postal_code) if country else address.postal_code
    place = country.code if country else address.country
    parts = (address.person, address.company, address.street, postcode, address.city, place)
    return "\n".join(_folded(text) for text in parts)


def _folded(text: str) -> str:
    # Case folding can leave decomposed characters, so that it is composed once more afterwards.
    return unicodedata.normalize("NFC", one_line(text).casefold())


def _if_any(name: str, text: str) -> Iterator[tuple[str, str]]:
    if text:
        yield name, text


def _unusable(faults: Sequence[Fault]) -> PostalFault:
    return PostalFault("postal_address_unusable", tuple(faults))


def _unprintable_parts(address: PostalAddress) -> Iterator[Fault]:
    for name in PARTS:
        if found := unprintable(getattr(address, name)):
            yield Fault(name, f"holds characters that cannot be printed ({found}); take them out")


def _missing(part: dict[str, str], streets: list[str]) -> Iterator[Fault]:
    if not (part["company"] or part["person"]):
        yield Fault("company", "neither a company nor a person is named; name one")
    if not streets:
        yield Fault("street", "is missing; give a street or a box")
    if len(streets) > 2:
        yield Fault("street", f"{len(streets)} lines, and there is room for two; merge them")
    if not any(character.isalpha() for character in part["city"]):
        yield Fault("city", "is missing; give the town")


def _misplaced(part: dict[str, str], country: Country | None, postcode: str | None) -> Iterator[Fault]:
    if not part["postal_code"]:
        yield Fault("postal_code", "is missing; give the postcode")
    if country is None and part["country"]:
        yield Fault("country", "is not one we post to; use an ISO code such as FI, SE, DE, or a name")
    elif country is None and part["postal_code"]:
        yield Fault("country", "is empty and the postcode is not in the Finnish form; give the country")
    elif country and postcode is None and part["postal_code"]:
        yield Fault(
            "postal_code", f"is not of the form used in {country.code}; look it up (leading zeros lost?)"
        )


def _tail(country: Country, postcode: str, city: str) -> tuple[str, str, str, str]:
    """Postcode, town, country code and country name as they are printed."""
    return postcode, one_line(city.upper()), country.code, country.cover_name if country.abroad else ""


def _names(part: dict[str, str], first: str, room: int) -> tuple[list[str], list[Finding]]:
    order = _COMPANY_FIRST if first == "company" else _PERSON_FIRST
    kept = [name for name in order if part[name]]
    findings = []
    for name in _DROPPED_FIRST:
        if len(kept) > min(room, 3) and name in kept:
            kept.remove(name)
            findings.append(Finding(name, "dropped", "left out: the cover has no row for it"))
    return [part[name] for name in kept], findings


def _box_warnings(streets: list[str], country: Country, postcode: str) -> Iterator[Finding]:
    # A street's postcode ends in 0 or 5; boxes have a postcode of their own, ending in 1. Codes that begin with 000
    # belong to one large receiver each and fit any box.
    if country.abroad or postcode[-1] not in "05" or postcode.startswith("000"):
        return
    if any(_BOX.match(line) for line in streets):
        note = "a box with what looks like a street's postcode: the postcode of boxes ends in 1"
        yield Finding("postal_code", "warning", note)


def _formula_warnings(texts: Sequence[str]) -> Iterator[Finding]:
    if any(formula_safe(text) != text for text in texts):
        note = "a row begins with = + - or @: an apostrophe stands before it in the file, not to be printed"
        yield Finding("rows", "warning", note)


def _three(names: list[str]) -> tuple[str, str, str]:
    first, second, third, *_ = [*names, "", "", ""]
    return first, second, third


def _two(streets: list[str]) -> tuple[str, str]:
    first, second, *_ = [*streets, "", ""]
    return first, second


#: The parts of an address, in the order of the register's columns.
PARTS: Final = ("company", "department", "person", "position", "street", "postal_code", "city", "country")

_NEVER_EMPTY: Final = ("name1", "street1", "postcode", "town", "country_code")
_COMPANY_FIRST: Final = ("company", "department", "person", "position")
_PERSON_FIRST: Final = ("person", "position", "company", "department")
_DROPPED_FIRST: Final = ("department", "position")
_BOX: Final = re.compile(r"P\.?\s?[LB]\.?\s?[0-9]|P\.?\s?O\.?\s?Box\b", re.IGNORECASE)
