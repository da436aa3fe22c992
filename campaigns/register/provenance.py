"""Where each datum came from: one row per contact and intake, naming the fields that the intake set.

Promise: the latest intake that names a field is that field's source; nothing is forgotten before erasure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.principal import Principal
from campaigns.store import bulk, schema


@dataclass(frozen=True)
class Intake:
    """One taking in of data: its source in words and by class, the basis that it gives and what proves it."""

    kind: str
    source: str
    source_class: str
    basis: str | None
    evidence: str
    digest: str
    list_id: int | None = None


@dataclass(slots=True)
class Origin:
    """The fields of one contact that an intake set, and the row of the file they stood in."""

    row: int
    fields: frozenset[str]


def begin(connection: sa.Connection, intake: Intake, principal: Principal) -> int:
    """Record an intake; returns its id."""
    intake_id: int = connection.execute(
        sa.insert(schema.intake)
        .values(
            kind=intake.kind,
            source=intake.source,
            source_class=intake.source_class,
            basis=intake.basis,
            evidence=intake.evidence,
            list_id=intake.list_id,
            digest=intake.digest,
            at=utc_now(),
            taken_by=principal.name,
        )
        .returning(schema.intake.c.id)
    ).scalar_one()
    return intake_id


def record_many(connection: sa.Connection, intake_id: int, origins: Mapping[int, Origin]) -> None:
    """Record what an intake set, by contact; contacts that it has not touched before."""
    rows = [(contact, origin.row, _in_order(origin.fields)) for contact, origin in origins.items()]
    if rows:
        shared = {"intake_id": intake_id, "at": utc_now()}
        bulk.insert(schema.provenance, connection, ("contact_id", "row", "fields"), rows, shared)


@lru_cache(256)
def _in_order(fields: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(fields))


def add_fields(connection: sa.Connection, intake_id: int, origins: Mapping[int, Origin]) -> set[int]:
    """Add fields to what this intake has set before; returns the contacts for which it had set something."""
    table = schema.provenance
    statement = sa.select(table.c.contact_id, table.c.fields).where(
        table.c.intake_id == intake_id, table.c.contact_id.in_(list(origins))
    )
    known: dict[int, list[str]] = {row.contact_id: row.fields for row in connection.execute(statement)}
    for contact, fields in known.items():
        connection.execute(
            sa.update(table)
            .where(table.c.intake_id == intake_id, table.c.contact_id == contact)
            .values(fields=sorted({*fields, *origins[contact].fields}))
        )
    return set(known)


def follow(connection: sa.Connection, kept: int, other: int, names: Iterable[str]) -> dict[int, list[str]]:
    """Let fields that a contact got of another one come from where that one had them: intake -> names."""
    table = schema.provenance
    rows = connection.execute(
        sa.select(table.c.intake_id, table.c.row, table.c.fields)
        .where(table.c.contact_id == other)
        .order_by(table.c.at.desc(), table.c.intake_id.desc())
    ).all()
    mine = sa.select(table.c.intake_id, table.c.fields).where(table.c.contact_id == kept)
    own = {row.intake_id: set(row.fields) for row in connection.execute(mine)}
    wanted, found = set(names), {}
    for row in rows:
        named = wanted.intersection(row.fields)
        wanted -= named
        fields = sorted(named - own.get(row.intake_id, set()))
        if fields:
            found[row.intake_id] = fields
            origins = {kept: Origin(row.row, frozenset(fields))}
            if not add_fields(connection, row.intake_id, origins):
                record_many(connection, row.intake_id, origins)
    return found


def forget(connection: sa.Connection, contact_id: int, given: Mapping[int, Iterable[str]]) -> None:
    """Take away that fields of a contact came from these intakes: intake -> names."""
    table = schema.provenance
    for intake_id, names in given.items():
        mine = (table.c.contact_id == contact_id, table.c.intake_id == intake_id)
        fields = connection.execute(sa.select(table.c.fields).where(*mine)).scalar_one_or_none() or []
        left = [name for name in fields if name not in set(names)]
        change = sa.update(table).where(*mine).values(fields=left) if left else sa.delete(table).where(*mine)
        connection.execute(change)
