"""What happened with contacts and companies: offers, purchases, use of services, meetings, feedback, call recordings.

Promise: an event names its contact by our id or by a declared reference of another system, never by an address; it
carries its source and its time; the same event of the same source again changes nothing. Of a recorded call only the
reference is kept, with the reason, the place and until when. Each bad event is refused with its number and reason, the
others go on. Set-based, one audit entry for all.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any, Final

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.errors import InputError
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register import audit, companies, persons
from campaigns.register.business_id import business_id
from campaigns.register.fields import contacts_named
from campaigns.store import bulk, schema
from campaigns.store.people_tables import EVENT_KINDS

EVENT_NAMES: Final = (
    "contact",
    "company",
    "kind",
    "at",
    "event_id",
    "about",
    "amount",
    "reference",
    "reason",
    "place",
    "until",
)
BY_ID: Final = "id"
_TEXTS: Final = ("about", "reference", "reason", "place")
_LONGEST: Final = 500
_COLUMNS: Final = (
    *("contact_id", "company_id", "kind", "at", "event_id", "about", "amount", "reference", "reason"),
    *("place", "until"),
)
Numbered = tuple[int, Mapping[str, Any]]


@dataclass
class EventReport:
    """Counts of events; `rows` is the sum of the other three."""

    rows: int = 0
    recorded: int = 0
    unchanged: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, row: int, reason: str) -> None:
        """Count a refused event."""
        self.refused.append({"row": row, "reason": reason})


@dataclass(frozen=True)
class EventSource:
    """Where events come from, and how they name contacts: `id`, or a declared field of type reference."""

    source: str
    by: str = BY_ID


@dataclass(slots=True)
class _Event:
    row: int
    contact: str
    company: str
    values: dict[str, Any]


def record_events(
    connection: sa.Connection,
    ring: KeyRing,
    source: EventSource,
    events: Sequence[Numbered],
    principal: Principal,
) -> EventReport:
    """Record events, each with the number that it is called by in the report."""
    demand(principal, Operation.EVENT_RECORD)
    report = EventReport()
    read = [event for number, values in events if (event := _taken(number, values, report)) is not None]
    rows = _rows(connection, ring, source, read, report)
    known = _known(connection, source.source, rows)
    fresh = {key: row for key, row in rows.items() if key not in known}
    _insert(connection, source, fresh, principal)
    report.recorded = len(fresh)
    report.unchanged = len(events) - len(report.refused) - len(fresh)
    report.rows = len(events)
    report.refused.sort(key=lambda refusal: refusal["row"])
    return report


def _taken(number: int, values: Mapping[str, Any], report: EventReport) -> _Event | None:
    try:
        return _read(number, values)
    except InputError as error:
        report.refuse(number, str(error))
        return None


def _read(number: int, values: Mapping[str, Any]) -> _Event:
    unknown = sorted(set(values) - set(EVENT_NAMES))
    if unknown:
        raise InputError(f"{unknown[0]}: is not declared for events")
    texts = {name: _text(name, value) for name, value in values.items()}
    kind = texts.get("kind", "").casefold().replace(" ", "_")
    if kind not in EVENT_KINDS:
        raise InputError(f"kind: is none of {', '.join(EVENT_KINDS)}")
    contact, company = texts.get("contact", ""), texts.get("company", "")
    if not contact and not company:
        raise InputError("names neither a contact nor a company")
    if not texts.get("at"):
        raise InputError("at: says when it happened")
    kept: dict[str, Any] = {name: texts.get(name) or None for name in _TEXTS}
    kept |= {"kind": kind, "at": moment("at", texts["at"]), "event_id": texts.get("event_id", "")}
    kept["amount"] = _amount(texts["amount"]) if texts.get("amount") else None
    kept["until"] = moment("until", texts["until"]) if texts.get("until") else None
    if kind == "call_recording" and not (kept["reference"] and kept["reason"] and kept["until"]):
        raise InputError("a call recording says reference, reason and until")
    return _Event(number, contact, business_id(company) if company else "", kept)


def _text(name: str, value: Any) -> str:
    text = "" if value is None else " ".join(str(value).split())
    if len(text) > _LONGEST or not (text.isprintable() or not text):
        raise InputError(f"{name}: 1 to {_LONGEST} printable characters")
    return text


def moment(name: str, text: str) -> datetime:
    """A date, which is its beginning in UTC, or an instant with its offset.

    Raises:
        InputError: it is neither.
    """
    try:
        if len(text) == len("2026-11-25"):
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        found = datetime.fromisoformat(text)
    except ValueError:
        found = datetime.min  # noqa: DTZ901 (has no zone, which is the fault)
    if found.tzinfo is None:
        raise InputError(
            f"{name}: is no date such as 2026-11-25 and no instant such as 2026-11-25T09:00:00+02:00"
        )
    return found.astimezone(UTC)


def _amount(text: str) -> float:
    try:
        found = float(text.replace(" ", "").replace(",", "."))
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise InputError("amount: is no number")
    return found


def _rows(
    connection: sa.Connection,
    ring: KeyRing,
    source: EventSource,
    read: Sequence[_Event],
    report: EventReport,
) -> dict[str, tuple[Any, ...]]:
    """The events whose contact and company are known, by their ids."""
    contacts = _contacts(connection, source.by, {event.contact for event in read if event.contact})
    keys = {event.company: ring.fingerprint("company", event.company) for event in read if event.company}
    firms = companies.known_ids(connection, ring, {key: text for text, key in keys.items()})
    rows = {}
    for event in read:
        contact = contacts.get(event.contact)
        company = firms.get(keys[event.company]) if event.company else None
        if (event.contact and contact is None) or (event.company and company is None):
            who = "contact" if event.contact and contact is None else "company"
            report.refuse(event.row, f"{who}: names nobody in the register")
            continue
        values = event.values
        values["event_id"] = values["event_id"] or _digest(event.contact or None, company, values)
        rows[values["event_id"]] = (contact, company, *(values[name] for name in _COLUMNS[2:]))
    return rows


def _contacts(connection: sa.Connection, by: str, names: Collection[str]) -> dict[str, int]:
    if by != BY_ID:
        return contacts_named(connection, by, names)
    table = schema.contact
    numbers = [int(name) for name in names if name.isascii() and name.isdecimal() and len(name) < 18]
    statement = sa.select(table.c.id).where(table.c.erased_at.is_(None))
    found = {row.id for row in bulk.matching(connection, statement, table.c.id, numbers)}
    kept = persons.roots(connection, found)
    return {str(number): kept.get(number, number) for number in found}


def move(
    connection: sa.Connection, before: int, after: int, only: Collection[int] | None = None
) -> list[int]:
    """Give the events of a contact (or only these) to another one; which."""
    table = schema.event
    some = [table.c.id.in_(list(only))] if only is not None else []
    moved = connection.execute(
        sa.update(table)
        .where(table.c.contact_id == before, *some)
        .values(contact_id=after)
        .returning(table.c.id)
    )
    return sorted(moved.scalars())


def _digest(contact: str | None, company: int | None, values: Mapping[str, Any]) -> str:
    """What makes two events without a name of their own the same; the contact as it was named."""
    said = [str(contact), str(company), *(str(values[name]) for name in sorted(values) if name != "event_id")]
    return "sha256:" + hashlib.sha256("\n".join(said).encode()).hexdigest()[:32]


def _known(connection: sa.Connection, source: str, keys: Collection[str]) -> set[str]:
    table = schema.event
    statement = sa.select(table.c.event_id).where(table.c.source == source)
    return {row.event_id for row in bulk.matching(connection, statement, table.c.event_id, keys)}


def _insert(
    connection: sa.Connection, source: EventSource, fresh: Mapping[str, tuple[Any, ...]], principal: Principal
) -> None:
    if not fresh:
        return
    made = {"source": source.source, "recorded_at": utc_now(), "recorded_by": principal.name}
    bulk.insert(schema.event, connection, _COLUMNS, fresh.values(), made)
    concerned = {f"contact:{row[0]}" for row in fresh.values() if row[0]}
    concerned |= {f"company:{row[1]}" for row in fresh.values() if row[1]}
    entry = audit.Entry(principal, "contact:event:record", sorted(concerned), f"source {source.source}")
    audit.write(connection, entry)


def of_contact(connection: sa.Connection, contact_id: int) -> list[dict[str, Any]]:
    """The events of one contact, the latest first."""
    table = schema.event
    names = ("kind", "at", "source", "about", "amount", "reference", "reason", "place", "until")
    rows = connection.execute(
        sa.select(*(table.c[name] for name in names))
        .where(table.c.contact_id == contact_id)
        .order_by(table.c.at.desc())
    ).mappings()
    return [{name: value for name, value in row.items() if value is not None} for row in rows]
