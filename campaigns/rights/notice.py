"""The register's privacy notice (GDPR Art. 13 and 14) and its record of processing (Art. 30), from what is configured.

Promise: both say what holds now: the same settings give the same document but for its day, and other settings another
version. The words stand in `templates/notices`, a file per language; the law that they cite is the law in force
(`laws.toml`). What a notice must hold is known by `campaigns.rights.notice_check`. Fails with `InputError` where the
words of a language lack something.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final, Literal, get_args

from campaigns.content.catalogue import templates_folder
from campaigns.errors import InputError
from campaigns.register.declared import DeclaredField
from campaigns.register.processors import EEA, Party, Processor, Recipient, outside
from campaigns.rights.windows import Windows
from campaigns.store import data_map, schema
from campaigns.store.data_map import Category, Purpose
from campaigns.store.register_tables import SOURCE_CLASSES

Language = Literal["sv", "fi", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
PURPOSES: Final[tuple[str, ...]] = get_args(Purpose)
CATEGORIES: Final[tuple[str, ...]] = get_args(Category)

#: The sections in their order (1-11 are those that such notices have always had), each with its items.
LAYOUT: Final = {
    "controller": ("controller",),
    "contact": ("contact",),
    "register": ("register",),
    "purposes": ("subjects", "purposes", "legitimate_interest", "marketing_basis"),
    "data": ("data", "extra", "lists"),
    "sources": ("sources", "source_notice"),
    "disclosures": ("disclosures", "recipients", "processors", "transfers"),
    "protection": ("protection",),
    "access": ("access", "access_identity", "access_time", "access_free", "access_refusal"),
    "correction": ("correction", "correction_self", "erasure"),
    "objection": ("objection", "objection_ways", "objection_other"),
    "rights": ("restriction", "portability", "withdrawal", "complaint", "law"),
    "retention": ("retention", "retention_no"),
    "decisions": ("decisions", "tracking"),
    "providing": ("providing",),
}
RECORD: Final = (
    "controller",
    "purposes",
    "subjects",
    "recipients",
    "transfers",
    "retention",
    "measures",
    "map",
)


@dataclass(frozen=True)
class Facts:
    """What is configured: the controller's particulars, the processors in use, windows, extra fields, lists (name and
    kind), below how many people a group is not shown, and who may be given exports."""

    controller: Mapping[str, str]
    processors: tuple[Processor, ...]
    windows: Windows
    fields: tuple[DeclaredField, ...] = ()
    lists: tuple[tuple[str, str], ...] = ()
    minimum_group: int = 5
    recipients: tuple[Recipient, ...] = ()

    @property
    def outside(self) -> list[Party]:
        """Who of them gets data outside the EEA."""
        return outside([*self.processors, *self.recipients])

    @property
    def version(self) -> str:
        """Another one for other facts."""
        known = (sorted(self.controller.items()), self.processors, sorted(self.windows.days.items()))
        told = repr((*known, self.fields, self.lists, self.minimum_group, self.recipients))
        return hashlib.sha256(told.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Item:
    """One thing that is told: a paragraph, and the rows of a list below it."""

    key: str
    text: str
    rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """A numbered section."""

    key: str
    heading: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Document:
    """A notice or a record, in one language."""

    language: Language
    title: str
    made: str
    sections: tuple[Section, ...]

    def item(self, key: str) -> Item | None:
        """The item with this key, wherever it stands."""
        return next((it for section in self.sections for it in section.items if it.key == key), None)


def notice(facts: Facts, language: Language, day: date, words: Mapping[str, Any] | None = None) -> Document:
    """The privacy notice as of a day.

    Raises:
        InputError: the words of this language lack something.
    """
    told = _Told(facts, language, words or words_of(language))
    sections = [
        Section(key, told.word("heading", key), tuple(told.items(items))) for key, items in LAYOUT.items()
    ]
    return told.document("title", day, sections)


def record(facts: Facts, language: Language, day: date) -> Document:
    """The record of processing activities as of a day.

    Raises:
        InputError: the words of this language lack something.
    """
    told = _Told(facts, language, words_of(language), with_contracts=True)
    sections = [Section(key, told.word("record", key), tuple(told.of_record(key))) for key in RECORD]
    return told.document("record_title", day, sections)


@cache
def words_of(language: Language) -> Mapping[str, Any]:
    """The words of a language."""
    return tomllib.loads((templates_folder() / "notices" / f"{language}.toml").read_text("utf-8"))


@cache
def laws() -> Mapping[str, Mapping[str, Any]]:
    """The law in force: number, since when, what it took the place of, and its name in each language."""
    return tomllib.loads((templates_folder() / "notices" / "laws.toml").read_text("utf-8"))


class _Told:
    """The words of a language, filled with facts."""

    def __init__(
        self, facts: Facts, language: Language, words: Mapping[str, Any], *, with_contracts: bool = False
    ) -> None:
        self._facts, self._language, self._words = facts, language, words
        self._with_contracts = with_contracts
        named = {key: law[language] for key, law in laws().items()}
        self._values = {**named, **words.get("law", {}), **facts.controller}
        self._values["minimum_group"] = str(facts.minimum_group)
        self._values["transfers"] = self._transfers()
        self._values["lists"] = self._lists()

    def word(self, *path: str, **more: str) -> str:
        """The text at a path, filled.

        Raises:
            InputError: it is not there, or names a value that is not.
        """
        found: Any = self._words
        for part in path:
            found = found.get(part) if isinstance(found, Mapping) else None
        place = f"notices/{self._language}.toml: {'.'.join(path)}"
        if not isinstance(found, str) or not found.strip():
            raise InputError(f"{place} is missing")
        try:
            return found.format_map({**self._values, **more})
        except (KeyError, ValueError, IndexError) as error:
            raise InputError(f"{place} names {error}, which there is not") from None

    def document(self, title: str, day: date, sections: Iterable[Section]) -> Document:
        made = self.word("made", day=day.isoformat(), version=self._facts.version)
        return Document(self._language, self.word(title), made, tuple(sections))

    def items(self, keys: Iterable[str]) -> Iterable[Item]:
        """The items of a notice; one that would be an empty list is left out."""
        for key in keys:
            rows = self._rows(key)
            if rows or key not in {"extra", "processors", "recipients"}:
                yield Item(key, self.word("text", key), rows)

    def of_record(self, key: str) -> Iterable[Item]:
        """The items of one section of the record."""
        match key:
            case "controller":
                yield from self.items(("controller", "contact", "register"))
            case "purposes":
                yield from self.items(("purposes",))
            case "subjects":
                yield from self.items(("subjects", "data", "extra", "lists"))
            case "recipients":
                yield from self.items(("disclosures", "recipients", "processors"))
            case "measures":
                yield Item("measures", self.word("text", "protection"), self._all("measures"))
            case "map":
                yield Item("map", self.word("text", "map"), self._map())
            case _:
                yield from self.items((key,))

    def _rows(self, key: str) -> tuple[str, ...]:
        match key:
            case "purposes":
                return tuple(self.word("purpose", purpose) for purpose in PURPOSES)
            case "data":
                return tuple(self.word("category", category) for category in CATEGORIES)
            case "extra":
                return tuple(
                    f"{field.name}: {field.purpose} ({self._days(field.retention_days)})"
                    for field in self._facts.fields
                )
            case "sources":
                return tuple(self.word("source", source) for source in SOURCE_CLASSES)
            case "processors":
                return tuple(self._processor(processor) for processor in self._facts.processors)
            case "recipients":
                return tuple(self._recipient(recipient) for recipient in self._facts.recipients)
            case "retention":
                days = self._facts.windows.days
                return tuple(f"{self.word('window', kind)}: {self._days(days[kind])}" for kind in days)
            case _:
                return ()

    def _processor(self, processor: Processor) -> str:
        parts = [self._where(processor)]
        if self._with_contracts:
            ends = processor.ends
            parts.append(self.word("until", day=ends.isoformat()) if ends else self.word("open_ended"))
            parts.append(f"{self.word('contract_reference')} {processor.contract}")
        return f"{processor.name}: {processor.role} ({'; '.join(parts)})"

    def _recipient(self, recipient: Recipient) -> str:
        return f"{recipient.name}: {recipient.contract} ({self._where(recipient)})"

    def _where(self, party: Party) -> str:
        ground = party.transfer_ground or ""
        where = self.word("within") if party.country in EEA else self.word("outside", ground=ground)
        return f"{party.country}, {where}"

    def _transfers(self) -> str:
        outside = self._facts.outside
        places = "; ".join(f"{it.name}, {it.country} ({it.transfer_ground})" for it in outside)
        email = self._facts.controller["email"]
        text = str(self._words.get("transfer", {}).get("some" if outside else "none", ""))
        return text.replace("{places}", places).replace("{email}", email)

    def _lists(self) -> str:
        named = [f"{name} ({self.word('list', kind)})" for name, kind in self._facts.lists]
        return ", ".join(named) or self.word("list", "none")

    def _days(self, days: int) -> str:
        return self.word("days", days=str(days))

    def _all(self, table: str) -> tuple[str, ...]:
        return tuple(self.word(table, key) for key in self._words.get(table, {}))

    def _map(self) -> tuple[str, ...]:
        """Each category of the personal-data map with its window, as the tables themselves declare it."""
        found = dict.fromkeys(
            (record.category, record.retention, record.purposes)
            for record in data_map.records(schema.metadata).values()
        )
        days = self._facts.windows.days
        return tuple(
            f"{self.word('category', category)} — {'; '.join(self._short(it) for it in purposes)} — "
            f"{self._days(days[retention])}"
            for category, retention, purposes in found
        )

    def _short(self, purpose: str) -> str:
        return self.word("purpose", purpose).partition(":")[0]
