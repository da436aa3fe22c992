"""Everything that is held on one person, in plain words for machines: what `disclose` writes and people are shown.

Promise: every record of the personal-data map is in it, with every personal column and every trace; numbers that mean
something only inside are replaced by what they stand for, fingerprints and salts are left out, and whoever acted is
told by role, never by name (GDPR Art. 15(4)). It holds the real recipients, not categories of them (C-154/21).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa

from campaigns.clock import iso, utc_now
from campaigns.keyring import KeyRing
from campaigns.register.processors import SELF, Processor
from campaigns.register.survey_form import said
from campaigns.rights import reach
from campaigns.rights.reach import Person
from campaigns.store import data_map, schema

Found = Mapping[sa.Table, list[dict[str, Any]]]


@dataclass(frozen=True)
class Keeper:
    """Who answers: the controller's particulars, the processors by key, the windows of retention in days."""

    controller: Mapping[str, str]
    processors: Mapping[str, Processor]
    retention_days: Mapping[str, int]


def dossier(connection: sa.Connection, ring: KeyRing, keeper: Keeper, contact_id: int) -> dict[str, Any]:
    """What is held on the person that a contact is.

    Raises:
        NotFound: there is no such contact.
    """
    whose = reach.person(connection, ring, contact_id)
    found = {
        table: reach.rows(connection, table, record, whose)
        for table, record in data_map.records(schema.metadata, "contact").items()
    }
    names = _names(connection, found)
    told = {
        table.name: [_told(table, row, names, whose) for row in rows] for table, rows in found.items() if rows
    }
    return {
        "made_at": iso(utc_now()),
        "register": keeper.controller.get("register_name", ""),
        "controller": dict(keeper.controller),
        "sends": _sends(found, names),
        "recipients": _recipients(found, keeper),
        "records": told,
        "held": _held(found, keeper),
        "profiling": "none: nothing is decided about you by a machine alone",
    }


@dataclass(frozen=True)
class _Names:
    """What numbers stand for."""

    lists: Mapping[int, str]
    companies: Mapping[int, str]
    campaigns: Mapping[int, Mapping[str, Any]]
    surveys: Mapping[int, str]


def _names(connection: sa.Connection, found: Found) -> _Names:
    campaign = schema.campaign
    sent = _numbers(found, "campaign_id")
    about = (campaign.c.id, campaign.c.key, campaign.c.edition, campaign.c.kind, campaign.c.purpose)
    campaigns = connection.execute(sa.select(*about).where(campaign.c.id.in_(sent))).mappings()
    return _Names(
        _by_id(connection, schema.mailing_list, _numbers(found, "list_id")),
        _by_id(connection, schema.company, _numbers(found, "company_id")),
        {row["id"]: {name: row[name] for name in ("key", "edition", "kind", "purpose")} for row in campaigns},
        _surveys(connection, _numbers(found, "survey_id")),
    )


def _numbers(found: Found, column: str) -> set[int]:
    return {row[column] for rows in found.values() for row in rows if row.get(column)}


def _by_id(connection: sa.Connection, table: sa.Table, numbers: set[int]) -> dict[int, str]:
    if not numbers:
        return {}
    rows = connection.execute(sa.select(table.c.id, table.c.name).where(table.c.id.in_(numbers)))
    return {row.id: row.name for row in rows}


def _surveys(connection: sa.Connection, numbers: set[int]) -> dict[int, str]:
    table = schema.survey.c
    rows = connection.execute(sa.select(table.id, table.form).where(table.id.in_(numbers)))
    return {row.id: said(row.form["title"], "") for row in rows}


def _told(table: sa.Table, row: Mapping[str, Any], names: _Names, whose: Person) -> dict[str, Any]:
    record = data_map.record_of(table)
    if record is None:
        return {}
    told: dict[str, Any] = {}
    if row.get("campaign_id") in names.campaigns:
        told["campaign"] = _campaign(row, names)
    if row.get("list_id"):
        told["list"] = names.lists.get(row["list_id"])
    if row.get("company_id"):
        told["company"] = names.companies.get(row["company_id"])
    if row.get("survey_id"):
        told["survey"] = names.surveys.get(row["survey_id"])
    for column in (*(it.name for it in data_map.personal_columns(table)), *record.traces):
        if row[column] is not None and row[column] != "":
            told[column] = _own_subjects(row[column], whose) if column == "subjects" else plain(row[column])
    for column in record.actors:
        if row[column] is not None:
            told[column] = _actor(row[column], whose)
    return told


def _campaign(row: Mapping[str, Any], names: _Names) -> str:
    campaign = names.campaigns[row["campaign_id"]]
    return f"{campaign['key']} {campaign['edition']}".strip()


def _own_subjects(subjects: Iterable[str], whose: Person) -> list[str]:
    """Of all that an entry was about, what was the person: the others are others."""
    own = {f"contact:{number}" for number in whose.contacts}
    return sorted(own.intersection(subjects))


def _actor(principal: str, whose: Person) -> str:
    """Who acted, by role."""
    kind, _, name = principal.partition(":")
    if kind == "contact":
        return "you" if name in {str(number) for number in whose.contacts} else "another person"
    return _ROLES.get(kind, "an employee")


_ROLES: Final = {"service": "a connected system", "process": "this system by itself"}


def _sends(found: Found, names: _Names) -> list[dict[str, Any]]:
    """Every message: what it was, through which list and for which purpose, on which basis, and what became of it."""
    bases: dict[str, list[dict[str, Any]]] = {}
    for row in found[schema.contact_basis]:
        bases.setdefault(row["purpose"], []).append(
            {"basis": row["basis"], "since": plain(row["since"]), "ended_at": plain(row["ended_at"])}
        )
    attempts: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for row in found[schema.attempt]:
        told = {name: plain(row[name]) for name in ("ended_at", "outcome", "processor", "smarthost")}
        attempts.setdefault((row["campaign_id"], row["number"]), []).append(told)
    sends = []
    for row in found[schema.delivery]:
        campaign = names.campaigns.get(row["campaign_id"], {})
        sends.append(
            {
                **campaign,
                "channel": row["channel"],
                "list": names.lists.get(row["list_id"]),
                "why": bases.get(campaign.get("purpose", ""), []),
                "status": row["status"],
                "withheld_because": row["reason"],
                "handed_over_at": plain(row["handed_over_at"]),
                "attempts": attempts.get((row["campaign_id"], row["number"]), []),
            }
        )
    return sends


def _recipients(found: Found, keeper: Keeper) -> list[dict[str, Any]]:
    """Who really got something of the person's data: processors by name, and everybody it was given to."""
    told: dict[tuple[str, str], dict[str, Any]] = {}
    for row in found[schema.attempt]:
        _count(told, _processor(row["processor"], keeper), row["ended_at"])
    for row in found[schema.disclosure]:
        _count(told, {"name": row["recipient"], "role": row["what"], "ground": row["ground"]}, row["at"])
    return sorted(told.values(), key=lambda it: (it["first_at"], it["name"]))


def _processor(key: str, keeper: Keeper) -> dict[str, Any]:
    processor = keeper.processors.get(key)
    if key == SELF:
        return {"name": keeper.controller.get("name", SELF), "role": "the controller's own systems"}
    if processor is None:
        return {"name": key, "role": "processor"}
    return {
        "name": processor.name,
        "role": processor.role,
        "country": processor.country,
        "contract": processor.contract,
        "transfer_ground": processor.transfer_ground,
    }


def _count(told: dict[tuple[str, str], dict[str, Any]], recipient: dict[str, Any], at: datetime) -> None:
    place = told.setdefault(
        (recipient["name"], recipient["role"]),
        {**{name: it for name, it in recipient.items() if it is not None}, "times": 0, "first_at": iso(at)},
    )
    place["times"] += 1
    place["first_at"], place["last_at"] = (
        min(place["first_at"], iso(at)),
        max(place.get("last_at", ""), iso(at)),
    )


def _held(found: Found, keeper: Keeper) -> list[dict[str, Any]]:
    """Of each kind of record: category, purposes, how long it is kept."""
    held: dict[str, dict[str, Any]] = {}
    for table, rows in found.items():
        record = data_map.record_of(table)
        if record is not None and rows:
            days = keeper.retention_days.get(record.retention)
            held.setdefault(
                record.kind,
                {
                    "kind": record.kind,
                    "category": record.category,
                    "purposes": list(record.purposes),
                    "retention": record.retention,
                    "kept_days": days,
                },
            )
    return list(held.values())


def plain(value: Any) -> Any:
    """A value as JSON holds it; octets as text where they are text, else as base64."""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        octets = bytes(value)
        try:
            return octets.decode()
        except UnicodeDecodeError:
            return "base64:" + base64.b64encode(octets).decode()
    return value
