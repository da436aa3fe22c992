"""Companies, and who works there: set-based writes.

Promise: a company is one row, recognised by its business id, or by its name where it has none, under whichever key the
row was written; a person has at most one
present position at a company. Whoever calls these functions raises the epoch in the same transaction, since the gate's
predicate reads what they write.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register.spelling import folded
from campaigns.store import bulk, schema

Place = tuple[int, int]
_NEW_COMPANIES: Final = 0x7574736E  # any fixed number will do: one transaction at a time makes companies


def company_text(name: str, business_id: str) -> str:
    """The text that a company's fingerprint is made of: its business id, or its name where there is none."""
    return business_id or f"name:{folded(name)}"


def companies_by_key(
    connection: sa.Connection, ring: KeyRing, wanted: Mapping[bytes, tuple[str, str]], principal: Principal
) -> dict[bytes, int]:
    """The ids of companies by present fingerprint; those that are not there yet, under whichever key, are made from
    (name, business id)."""
    texts = {key: company_text(*firm) for key, firm in wanted.items()}
    found = known_ids(connection, ring, texts)
    if len(found) == len(wanted):
        return found
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_NEW_COMPANIES)))
        found = known_ids(connection, ring, texts)
    missing = {key: firm for key, firm in wanted.items() if key not in found}
    ids = bulk.new_ids(connection, schema.company, len(missing))
    rows = [
        (number, name or business_id, business_id or None, key)
        for number, (key, (name, business_id)) in zip(ids, missing.items(), strict=True)
    ]
    made = {"created_at": utc_now(), "created_by": principal.name}
    bulk.insert(schema.company, connection, ("id", "name", "business_id", "company_key"), rows, made)
    return found | dict(zip(missing, ids, strict=True))


def known_ids(connection: sa.Connection, ring: KeyRing, texts: Mapping[bytes, str]) -> dict[bytes, int]:
    """The ids of the companies that are in the register under any key, by their present fingerprint; `texts` are what
    the fingerprints were made of."""
    table, present = schema.company, {key: key for key in texts}
    if len(ring.keys["fingerprint"]) > 1:
        present |= {
            older: key for key, text in texts.items() for older in ring.fingerprints("company", text).values()
        }
    statement = sa.select(table.c.company_key, table.c.id).order_by(table.c.id.desc())
    rows = bulk.matching(connection, statement, table.c.company_key, list(present))
    return {present[bytes(row.company_key)]: row.id for row in rows}


def positions_of(connection: sa.Connection, contact_ids: Collection[int]) -> dict[Place, str]:
    """The present positions of contacts: (contact, company) -> name."""
    table = schema.position
    statement = sa.select(table.c.contact_id, table.c.company_id, table.c.name).where(
        table.c.ended_at.is_(None)
    )
    rows = bulk.matching(connection, statement, table.c.contact_id, contact_ids)
    return {(row.contact_id, row.company_id): row.name or "" for row in rows}


def start_positions(connection: sa.Connection, wanted: Mapping[Place, str], principal: Principal) -> None:
    """Begin positions: (contact, company) -> name."""
    rows = [(contact, company, name or None) for (contact, company), name in wanted.items()]
    if rows:
        shared = {"started_at": utc_now(), "created_by": principal.name}
        bulk.insert(schema.position, connection, ("contact_id", "company_id", "name"), rows, shared)


def rename_positions(connection: sa.Connection, wanted: Mapping[Place, str]) -> None:
    """Give present positions another name."""
    table = schema.position
    statement = (
        sa.update(table)
        .where(
            table.c.contact_id == sa.bindparam("contact"),
            table.c.company_id == sa.bindparam("company"),
            table.c.ended_at.is_(None),
        )
        .values(name=sa.bindparam("new_name"))
    )
    rows = [
        {"contact": contact, "company": company, "new_name": name}
        for (contact, company), name in wanted.items()
    ]
    if rows:
        connection.execute(statement, rows)


def employers(connection: sa.Connection, contact_ids: Iterable[int]) -> list[sa.RowMapping]:
    """Where contacts work now: contact, company's name and business id, position's name."""
    position, company = schema.position.c, schema.company.c
    statement = (
        sa.select(
            position.contact_id,
            company.name.label("company"),
            company.business_id,
            position.name.label("position"),
        )
        .join_from(schema.position, schema.company, company.id == position.company_id)
        .where(position.contact_id.in_(list(contact_ids)), position.ended_at.is_(None))
        .order_by(position.id)
    )
    return list(connection.execute(statement).mappings())


def career(connection: sa.Connection, contact_id: int) -> list[dict[str, Any]]:
    """Where a contact works and worked: company, business id, name of the position, since when, until when."""
    position, company = schema.position.c, schema.company.c
    names = (company.name.label("company"), company.business_id, position.name.label("position"))
    statement = (
        sa.select(*names, position.started_at, position.ended_at)
        .join_from(schema.position, schema.company, company.id == position.company_id)
        .where(position.contact_id == contact_id)
        .order_by(position.ended_at.is_not(None), position.id)
    )
    return [dict(row) for row in connection.execute(statement).mappings()]


def set_span(connection: sa.Connection, place: Place, since: datetime | None, until: datetime | None) -> None:
    """Say since when a present position is held, and until when it was."""
    table = schema.position
    span = {name: at for name, at in (("started_at", since), ("ended_at", until)) if at is not None}
    if span:
        contact, company = place
        connection.execute(
            sa.update(table)
            .where(table.c.contact_id == contact, table.c.company_id == company, table.c.ended_at.is_(None))
            .values(**span)
        )


def follow(connection: sa.Connection, kept: int, other: int) -> list[int]:
    """Give a contact the present positions of another one that is the same person, since they began; which rows."""
    table = schema.position
    places = sa.select(table).where(table.c.ended_at.is_(None)).order_by(table.c.id)
    had = {row.company_id for row in connection.execute(places.where(table.c.contact_id == kept))}
    made = []
    for row in connection.execute(places.where(table.c.contact_id == other)).mappings().all():
        if row["company_id"] not in had:
            values = {name: value for name, value in row.items() if name != "id"}
            statement = sa.insert(table).values({**values, "contact_id": kept}).returning(table.c.id)
            made.append(connection.execute(statement).scalar_one())
    return made


def forget(connection: sa.Connection, positions: Collection[int]) -> None:
    """Take positions away that were another person's."""
    table = schema.position
    connection.execute(sa.delete(table).where(table.c.id.in_(list(positions))))
