"""People in the register: set-based writes, and the fingerprints that the gate compares.

Promise: a contact's keys (address, domain, postal) and its values change together. Whoever calls these
functions raises the epoch in the same transaction, since the gate's predicate reads what they write.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.address import EmailAddress
from campaigns.clock import utc_now
from campaigns.errors import NotFound
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register import addresses, audit, companies, persons
from campaigns.register.spelling import folded
from campaigns.store import bulk, schema

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
#: The columns of `insert_many`, in their order.
NEW_COLUMNS: Final = ("id", "email", "email_key", "domain_key", "postal_key", *PERSON_COLUMNS)


def postal_text(values: Mapping[str, str | None]) -> str:
    """The text that a postal fingerprint is made of: addressee and address."""
    names = ("first_name", "last_name", "street", "postal_code", "city", "country")
    return "\n".join(folded(values.get(name) or "") for name in names)


def email_keys(ring: KeyRing, address: EmailAddress | None) -> dict[str, Any]:
    """The columns that belong to an address."""
    if address is None:
        return {"email": None, "email_key": None, "domain_key": None}
    return {
        "email": address.wire,
        "email_key": ring.fingerprint("address", address.comparison_text),
        "domain_key": ring.fingerprint("domain", address.domain),
    }


def by_keys(
    connection: sa.Connection, column: str, keys: Collection[bytes]
) -> dict[bytes, Mapping[str, Any]]:
    """The contacts with these fingerprints, of several with one the oldest; of merged ones the one that was kept. An
    address is found whether it is the one that is written to or a further one."""
    known, found = _known(), {}
    # Put in order here: asked for an order by id, SQLite would read the whole register instead of looking each key up.
    rows = sorted(bulk.matching(connection, known, schema.contact.c[column], keys), key=_by_id, reverse=True)
    further = addresses.having(connection, keys) if column == "email_key" else {}
    if further:
        rows_of = {
            row.id: row for row in bulk.matching(connection, known, schema.contact.c.id, further.values())
        }
        found = {key: rows_of[number] for key, number in further.items() if number in rows_of}
    found |= {bytes(getattr(row, column)): row for row in rows}
    merged = persons.roots(connection, [row.id for row in found.values() if row.merged_into is not None])
    if merged:
        kept = bulk.matching(connection, known, schema.contact.c.id, set(merged.values()))
        roots = {row.id: row for row in kept}
        found = {key: roots[merged[row.id]] if row.id in merged else row for key, row in found.items()}
    return {key: dict(row._mapping) for key, row in found.items()}  # noqa: SLF001 (SQLAlchemy's public name)


_by_id: Final = attrgetter("id")


def _known() -> sa.Select[Any]:
    table = schema.contact
    columns = (table.c[name] for name in (*NEW_COLUMNS, "key_id", "merged_into"))
    return sa.select(*columns).where(table.c.erased_at.is_(None))


def set_merged(connection: sa.Connection, contact_id: int, kept: int | None, principal: Principal) -> None:
    """Say that a contact is the same person as another one, which is kept; or (None) that it is not."""
    correct(connection, contact_id, {"merged_into": kept}, principal)


def reserve_ids(connection: sa.Connection, count: int) -> Sequence[int]:
    """So many ids for new contacts, within the writing transaction that inserts them."""
    return bulk.new_ids(connection, schema.contact, count) if count else ()


def insert_many(
    connection: sa.Connection, rows: Iterable[bulk.Row], key_id: int, principal: Principal
) -> None:
    """Insert contacts, each given as the values of `NEW_COLUMNS`, with keys made under `key_id`."""
    now = utc_now()
    made = {"created_at": now, "created_by": principal.name, "updated_at": now, "updated_by": principal.name}
    bulk.insert(schema.contact, connection, NEW_COLUMNS, rows, {"key_id": key_id, **made})


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


def correct(
    connection: sa.Connection, contact_id: int, values: Mapping[str, Any], principal: Principal
) -> None:
    """Write person columns, address and keys of one contact."""
    table = schema.contact
    changed = {"updated_at": utc_now(), "updated_by": principal.name}
    connection.execute(sa.update(table).where(table.c.id == contact_id).values(**values, **changed))


def look_up(connection: sa.Connection, contact_id: int, principal: Principal) -> dict[str, Any]:
    """As `show`, to somebody: told in the audit log, within the caller's writing transaction.

    Raises:
        NotAllowed, NotFound: not to this principal; there is no such contact.
    """
    demand(principal, Operation.CONTACT_SEE)
    found = show(connection, contact_id)
    audit.read(connection, "register", [f"contact:{contact_id}"], principal)
    return found


def show(connection: sa.Connection, contact_id: int) -> dict[str, Any]:
    """What the register holds on one contact: person, positions, subscriptions; of a merged one, what is held on the
    one that was kept, with the others that are the same person.

    Raises:
        NotFound: there is no such contact.
    """
    table = schema.contact
    kept = persons.root(connection, contact_id)
    row = connection.execute(sa.select(table).where(table.c.id == kept)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no contact {contact_id}")
    subscription, mailing_list = schema.subscription.c, schema.mailing_list.c
    lists = connection.execute(
        sa.select(mailing_list.key.label("list"), subscription.status, subscription.since)
        .join_from(schema.subscription, schema.mailing_list, mailing_list.id == subscription.list_id)
        .where(subscription.contact_id == kept)
        .order_by(mailing_list.key)
    ).mappings()
    merged = {it.contact for it in persons.members(connection, kept)} - {kept}
    also = connection.execute(sa.select(table.c.id, table.c.email).where(table.c.id.in_(merged))).mappings()
    person = {name: row[name] for name in ("id", "email", *PERSON_COLUMNS)}
    return {
        **person,
        "positions": companies.career(connection, kept),
        "subscriptions": [dict(item) for item in lists],
        "further_addresses": addresses.of_contact(connection, kept),
        "merged": [dict(item) for item in also],
    }
