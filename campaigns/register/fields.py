"""The values of declared extra fields: set-based reads and writes.

Promise: a field has one value for each contact; a reference that several contacts carry names nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.register import persons
from campaigns.register.declared import DeclaredField
from campaigns.store import bulk, schema


def values_of(connection: sa.Connection, contacts: Collection[int]) -> dict[int, dict[str, str]]:
    """The extra fields of contacts: contact -> name -> value."""
    table = schema.contact_field
    statement = sa.select(table.c.contact_id, table.c.name, table.c.text)
    found: dict[int, dict[str, str]] = {}
    for row in bulk.matching(connection, statement, table.c.contact_id, contacts):
        found.setdefault(row.contact_id, {})[row.name] = row.text
    return found


def set_many(
    connection: sa.Connection, declared: Mapping[str, DeclaredField], values: Mapping[tuple[int, str], str]
) -> None:
    """Set extra fields: (contact, name) -> value as `read` gave it. Those that had another value get this one."""
    table = schema.contact_field
    had = values_of(connection, {contact for contact, _ in values})
    now = utc_now()
    changed = [
        {"contact": contact, "field": name, "new_text": text, "new_number": _as_number(declared[name], text)}
        for (contact, name), text in values.items()
        if name in had.get(contact, {})
    ]
    if changed:
        statement = sa.update(table).where(
            table.c.contact_id == sa.bindparam("contact"), table.c.name == sa.bindparam("field")
        )
        put = {"text": sa.bindparam("new_text"), "number": sa.bindparam("new_number"), "changed_at": now}
        connection.execute(statement.values(put), changed)
    fresh = [
        (contact, name, text, _as_number(declared[name], text))
        for (contact, name), text in values.items()
        if name not in had.get(contact, {})
    ]
    if fresh:
        names = ("contact_id", "name", "text", "number")
        bulk.insert(schema.contact_field, connection, names, fresh, {"changed_at": now})


def contacts_named(connection: sa.Connection, name: str, references: Collection[str]) -> dict[str, int]:
    """Who is named by references of another system; one that several persons carry names nobody."""
    table, contact = schema.contact_field, schema.contact
    statement = (
        sa.select(table.c.text, table.c.contact_id)
        .join(contact, contact.c.id == table.c.contact_id)
        .where(table.c.name == name, contact.c.erased_at.is_(None))
    )
    rows = list(bulk.matching(connection, statement, table.c.text, references))
    kept = persons.roots(connection, {row.contact_id for row in rows})
    found: dict[str, int] = {}
    doubled = set()
    for row in rows:
        person = kept.get(row.contact_id, row.contact_id)
        if found.setdefault(row.text, person) != person:
            doubled.add(row.text)
    return {text: contact for text, contact in found.items() if text not in doubled}


def follow(connection: sa.Connection, kept: int, other: int) -> list[str]:
    """Give a contact the extra fields of another one that is the same person, where it has none; their names."""
    table = schema.contact_field
    had = values_of(connection, [kept]).get(kept, {})
    rows = connection.execute(sa.select(table).where(table.c.contact_id == other)).mappings().all()
    given = [{**row, "contact_id": kept} for row in rows if row["name"] not in had]
    if given:
        connection.execute(sa.insert(table), given)
    return sorted(row["name"] for row in given)


def forget(connection: sa.Connection, contact_id: int, other: int, names: Collection[str]) -> None:
    """Take extra fields away that were another contact's, where they have not been changed since."""
    table = schema.contact_field
    values = values_of(connection, [contact_id, other])
    here, there = values.get(contact_id, {}), values.get(other, {})
    same = [name for name in names if name in here and here[name] == there.get(name)]
    connection.execute(sa.delete(table).where(table.c.contact_id == contact_id, table.c.name.in_(same)))


def _as_number(declared: DeclaredField, text: str) -> float | None:
    return float(text) if declared.is_number else None
