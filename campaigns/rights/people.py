"""Who somebody is, by an address that they write from: found by its fingerprints, which is all that is kept of it."""

from __future__ import annotations

import sqlalchemy as sa

from campaigns.address import parse_email
from campaigns.errors import NotFound
from campaigns.keyring import KeyRing
from campaigns.register import contacts, objections
from campaigns.store import schema


def by_address(connection: sa.Connection, ring: KeyRing, address: str) -> tuple[int | None, bytes]:
    """The contact with an address (None where there is none), and the address's present fingerprint.

    Raises:
        AddressFault: it is no address.
    """
    parsed = parse_email(address.strip())
    keys = [key.key for key in objections.address_keys(ring, parsed)]
    found = contacts.by_keys(connection, "email_key", keys)
    number = min((row["id"] for row in found.values()), default=None)
    return number, objections.address_key(ring, parsed).key


def living(connection: sa.Connection, contact_id: int) -> sa.RowMapping:
    """The row of a contact that has not been erased.

    Raises:
        NotFound: there is none.
    """
    table = schema.contact
    statement = sa.select(table).where(table.c.id == contact_id, table.c.erased_at.is_(None))
    row = connection.execute(statement).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no contact {contact_id}")
    return row
