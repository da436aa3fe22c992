"""The personal-data map: what each table holds on whom, for what, for how long, and what erasure does with it.

Promise: the tables themselves are the map; `info` of a table is its `Record` (or `nobody(…)`), and every column is
either personal (`columns.personal`) or named in the record as a key, a fingerprint, a trace or an actor. `records`
gives the map, `gaps` says what has no declaration (a test holds it empty). Disclosure, erasure, retention and the
notice are written from it, so that a new column is in all of them from its first day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import sqlalchemy as sa

Subject = Literal["contact", "company", "operator"]
Category = Literal[
    "identity",
    "contact_details",
    "work",
    "wishes",
    "basis_and_source",
    "history",
    "sends",
    "correspondence",
    "opinions",
    "requests",
    "audit",
    "access",
]
Purpose = Literal[
    "customer_relations",
    "customer_service",
    "marketing",
    "analysis",
    "feedback",
    "research",
    "accountability",
]
#: Names of windows of the settings' table [retention].
Retention = Literal[
    "contacts",
    "events",
    "deliveries",
    "feedback",
    "parked_mail",
    "suppressions",
    "requests",
    "audit",
    "accounts",
]
#: `id` and `contact_id` are columns; `delivery` goes by (campaign_id, number); `fingerprint` by the person's keys;
#: `intake` by provenance; `disclosure` by who stands in one; `audit` by the entries that name the contact; `about`
#: by the delivery or the fingerprint of an address; "": the rows are not a contact's.
Reach = Literal["id", "contact_id", "delivery", "fingerprint", "intake", "disclosure", "audit", "about", ""]
#: `blank`: personal columns are emptied, the row stays. `delete`: the row goes. `keep`: it stays, for the reason told.
Erasure = Literal["blank", "delete", "keep"]

_RECORD: Final = "utskick_record"
_NOBODY: Final = "utskick_nobody"
_PERSONAL: Final = "personal"


@dataclass(frozen=True, kw_only=True)
class Record:
    """One kind of record. `keys` are numbers that lead to other rows, `fingerprints` are made of what the person has
    and go with it, `traces` say when, where and in which state, `actors` who did it; all other columns are personal."""

    kind: str
    subject: Subject
    category: Category
    purposes: tuple[Purpose, ...]
    retention: Retention
    reach: Reach
    erasure: Erasure
    why_kept: str = ""
    keys: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()

    @property
    def info(self) -> dict[str, Any]:
        """What the table carries as its `info`."""
        return {_RECORD: self}


@dataclass(frozen=True)
class Nobody:
    """A table without personal data: why, and which of its columns nevertheless hold words or octets."""

    why: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Datum:
    """One personal column with all that is declared of it."""

    table: sa.Table
    column: sa.Column[Any]
    record: Record
    category: Category
    given: bool = field(default=False)

    @property
    def name(self) -> str:
        """`table.column`, as documents name it."""
        return f"{self.table.name}.{self.column.name}"


def nobody(why: str, *words: str) -> dict[str, Any]:
    """The `info` of a table that holds nothing on anybody; `words` are its columns of text, JSON or octets."""
    return {_NOBODY: Nobody(why, words)}


def personal_info(category: Category | None = None, *, given: bool = False) -> dict[str, Any]:
    """The `info` of a personal column. `given`: a person may have given it themselves, so that portability (Art. 20)
    covers it."""
    return {_PERSONAL: True, "category": category, "given": given}


def record_of(table: sa.Table) -> Record | None:
    """The declared record of a table; None where it holds nobody's data or nothing is declared."""
    found: Record | None = table.info.get(_RECORD)
    return found


def records(metadata: sa.MetaData, subject: Subject | None = None) -> Mapping[sa.Table, Record]:
    """Every table that holds data on somebody (or on that kind of subject), in the order of their foreign keys."""
    found = {table: record for table in metadata.sorted_tables if (record := record_of(table)) is not None}
    return {table: it for table, it in found.items() if subject is None or it.subject == subject}


def data(metadata: sa.MetaData) -> Iterator[Datum]:
    """Every personal column, with what is declared of it."""
    for table, record in records(metadata).items():
        for column in personal_columns(table):
            info = column.info
            yield Datum(
                table, column, record, info.get("category") or record.category, bool(info.get("given"))
            )


def personal_columns(table: sa.Table) -> list[sa.Column[Any]]:
    """The columns of a table that hold personal data."""
    return [column for column in table.columns if column.info.get(_PERSONAL)]


def gaps(metadata: sa.MetaData) -> Iterator[str]:
    """What is not declared, or declared twice or wrongly: a sentence each."""
    for table in metadata.sorted_tables:
        record = record_of(table)
        none: Nobody | None = table.info.get(_NOBODY)
        if (record is None) == (none is None):
            yield f"{table.name}: declare info=Record(…).info or info=nobody(…), one of them"
        elif record is not None:
            yield from _gaps_of_record(table, record)
        elif none is not None:
            yield from _gaps_of_nobody(table, none)


def _gaps_of_record(table: sa.Table, record: Record) -> Iterator[str]:
    named = [*record.keys, *record.fingerprints, *record.traces, *record.actors]
    told = [*named, *(column.name for column in personal_columns(table))]
    for column in table.columns:
        if told.count(column.name) != 1:
            how = "as nothing" if column.name not in told else "more than once"
            yield f"{table.name}.{column.name} is declared {how}: make it personal(…) or name it in the record"
    for name in sorted(set(told) - {column.name for column in table.columns}):
        yield f"{table.name} has no column {name}, which its record names"
    if record.erasure == "keep" and not record.why_kept:
        yield f"{table.name} outlives an erasure; say why_kept"
    if record.reach in {"id", "contact_id"} and record.reach not in table.columns:
        yield f"{table.name} has no column {record.reach} to be reached by"
    if not record.purposes:
        yield f"{table.name} has no purpose"


def _gaps_of_nobody(table: sa.Table, none: Nobody) -> Iterator[str]:
    for column in table.columns:
        if column.info.get(_PERSONAL):
            yield f"{table.name}.{column.name} is personal, in a table that is nobody's"
        if column.name in {"contact_id", "company_id"}:
            yield f"{table.name} names {column.name}; declare a Record"
        if (
            isinstance(column.type, _FREE)
            and column.name not in none.words
            and not _worded(table, column.name)
        ):
            yield f"{table.name}.{column.name} may hold anything; name it in nobody(…), or make it personal(…)"


def _worded(table: sa.Table, name: str) -> bool:
    """Whether a CHECK holds the column to a few words."""
    return any(
        isinstance(check, sa.CheckConstraint) and str(check.name or "").endswith(f"{name}_is_known")
        for check in table.constraints
    )


_FREE: Final = (sa.Text, sa.String, sa.JSON, sa.LargeBinary)

#: What records are held for, by what they are about.
RELATIONS: Final[tuple[Purpose, ...]] = ("customer_relations", "customer_service", "marketing")
WISHES: Final[tuple[Purpose, ...]] = ("marketing", "accountability")
PROOF: Final[tuple[Purpose, ...]] = ("accountability",)
HISTORY: Final[tuple[Purpose, ...]] = ("customer_relations", "customer_service", "marketing", "analysis")
SENDS: Final[tuple[Purpose, ...]] = ("marketing", "analysis", "accountability")
RESEARCH: Final[tuple[Purpose, ...]] = ("research",)
FEEDBACK: Final[tuple[Purpose, ...]] = ("marketing", "feedback", "accountability")
