"""People in the register and where they work: set-based writes, and the fingerprints that the gate compares.

Promise: a contact's keys (address, domain, postal) and its values change together. Whoever calls these
functions raises the epoch in the same transaction, since the gate's predicate reads what they write. Blank
values never erase known ones.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from campaigns.address import EmailAddress
from campaigns.clock import utc_now
from campaigns.errors import NotFound
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.store import schema

PERSON_COLUMNS: Final = (
    "first_name",
    "last_name",
    "gender",
    "title",
    "phone",
    "language",
    "street",
    "postal_code",
    "city",
    "country",
)


def folded(text: str) -> str:
    """The form that two spellings of a name or place share."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def postal_text(values: Mapping[str, str | None]) -> str:
    """The text that a postal fingerprint is made of: addressee and address."""
    names = ("first_name", "last_name", "street", "postal_code", "city", "country")
    return "\n".join(folded(values.get(name) or "") for name in names)


def company_text(name: str, business_id: str) -> str:
    """The text that a company's fingerprint is made of: its business id, or its name where there is none."""
    return business_id or f"name:{folded(name)}"


def email_keys(ring: KeyRing, address: EmailAddress | None) -> dict[str, Any]:
    """The columns that belong to an address."""
    if address is None:
        return {"email": None, "email_key": None, "domain_key": None}
    return {
        "email": address.wire,
        "email_key": ring.fingerprint("address", address.comparison_text),
        "domain_key": ring.fingerprint("domain", address.domain),
    }


def by_keys(connection: sa.Connection, column: str, keys: Iterable[bytes]) -> list[sa.RowMapping]:
    """The contacts with one of these fingerprints, the oldest first."""
    table = schema.contact
    statement = sa.select(table).where(table.c[column].in_(list(keys)), table.c.erased_at.is_(None))
    return list(connection.execute(statement.order_by(table.c.id)).mappings())


def insert_many(
    connection: sa.Connection, rows: Sequence[Mapping[str, Any]], principal: Principal
) -> list[int]:
    """Insert contacts; returns their ids in the order of the rows."""
    if not rows:
        return []
    table, now = schema.contact, utc_now()
    made = {"created_at": now, "created_by": principal.name, "updated_at": now, "updated_by": principal.name}
    statement = sa.insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return list(connection.execute(statement, [{**row, **made} for row in rows]).scalars())


def update_many(connection: sa.Connection, rows: Sequence[Mapping[str, Any]], principal: Principal) -> None:
    """Write the whole person columns of contacts; each row names its `contact_id` and all PERSON_COLUMNS and keys."""
    if not rows:
        return
    table = schema.contact
    columns = (*PERSON_COLUMNS, "postal_key")
    statement = (
        sa.update(table)
        .where(table.c.id == sa.bindparam("contact_id"))
        .values(
            {name: sa.bindparam(f"new_{name}") for name in columns}
            | {"updated_at": utc_now(), "updated_by": principal.name}
        )
    )
    values = [
        {"contact_id": row["contact_id"], **{f"new_{name}": row.get(name) for name in columns}}
        for row in rows
    ]
    connection.execute(statement, values)


def companies_by_key(
    connection: sa.Connection, wanted: Mapping[bytes, tuple[str, str]], principal: Principal
) -> dict[bytes, int]:
    """The ids of companies by fingerprint; those that are not there yet are made from (name, business id)."""
    table = schema.company
    found = _company_ids(connection, wanted)
    missing = [key for key in wanted if key not in found]
    if missing:
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        rows = [
            {
                "name": wanted[key][0] or wanted[key][1],
                "business_id": wanted[key][1] or None,
                "company_key": key,
                "created_at": utc_now(),
                "created_by": principal.name,
            }
            for key in missing
        ]
        connection.execute(insert(table).on_conflict_do_nothing(), rows)
        found |= _company_ids(connection, missing)
    return found


def _company_ids(connection: sa.Connection, keys: Iterable[bytes]) -> dict[bytes, int]:
    table = schema.company
    rows = connection.execute(
        sa.select(table.c.company_key, table.c.id).where(table.c.company_key.in_(list(keys)))
    )
    return {bytes(row.company_key): row.id for row in rows}


def positions_of(connection: sa.Connection, contact_ids: Iterable[int]) -> dict[tuple[int, int], str]:
    """The present positions of contacts: (contact, company) -> name."""
    table = schema.position
    rows = connection.execute(
        sa.select(table.c.contact_id, table.c.company_id, table.c.name).where(
            table.c.contact_id.in_(list(contact_ids)), table.c.ended_at.is_(None)
        )
    )
    return {(row.contact_id, row.company_id): row.name or "" for row in rows}


def put_positions(
    connection: sa.Connection,
    wanted: Mapping[tuple[int, int], str],
    known: Mapping[tuple[int, int], str],
    principal: Principal,
) -> set[int]:
    """Write positions that are new or named otherwise; returns the contacts whose position changed."""
    table = schema.position
    new = [pair for pair in wanted if pair not in known]
    renamed = [pair for pair, name in wanted.items() if pair in known and name and known[pair] != name]
    if new:
        connection.execute(
            sa.insert(table),
            [
                {
                    "contact_id": contact,
                    "company_id": company,
                    "name": wanted[contact, company] or None,
                    "started_at": utc_now(),
                    "created_by": principal.name,
                }
                for contact, company in new
            ],
        )
    for contact, company in renamed:
        connection.execute(
            sa.update(table)
            .where(table.c.contact_id == contact, table.c.company_id == company, table.c.ended_at.is_(None))
            .values(name=wanted[contact, company])
        )
    return {contact for contact, _ in (*new, *renamed)}


def show(connection: sa.Connection, contact_id: int) -> dict[str, Any]:
    """What the register holds on one contact: person, positions, subscriptions.

    Raises:
        NotFound: there is no such contact.
    """
    table, position, company = schema.contact, schema.position.c, schema.company.c
    row = connection.execute(sa.select(table).where(table.c.id == contact_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no contact {contact_id}")
    works_for = connection.execute(
        sa.select(company.name.label("company"), company.business_id, position.name.label("position"))
        .join_from(schema.position, schema.company, company.id == position.company_id)
        .where(position.contact_id == contact_id, position.ended_at.is_(None))
    ).mappings()
    subscription, mailing_list = schema.subscription.c, schema.mailing_list.c
    lists = connection.execute(
        sa.select(mailing_list.key.label("list"), subscription.status, subscription.since)
        .join_from(schema.subscription, schema.mailing_list, mailing_list.id == subscription.list_id)
        .where(subscription.contact_id == contact_id)
    ).mappings()
    person = {name: row[name] for name in ("id", "email", *PERSON_COLUMNS)}
    return {
        **person,
        "positions": [dict(item) for item in works_for],
        "subscriptions": [dict(item) for item in lists],
    }
