"""Further addresses of contacts: known to be theirs, and not written to.

Promise: an address is one person's, whether it is written to or not; whoever comes by a further one (an import, a
complaint) is the contact it belongs to. Only what `corrections` makes of them is changed here; call it where that is.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.address import EmailAddress
from campaigns.clock import utc_now
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.store import bulk, schema


def of_contact(connection: sa.Connection, contact_id: int) -> list[str]:
    """The further addresses of a contact, the earliest first."""
    table = schema.contact_address
    statement = sa.select(table.c.email).where(table.c.contact_id == contact_id).order_by(table.c.id)
    return list(connection.execute(statement).scalars())


def having(connection: sa.Connection, keys: Collection[bytes]) -> dict[bytes, int]:
    """The contacts of which these are further addresses, by fingerprint."""
    table = schema.contact_address
    if connection.execute(sa.select(table.c.id).limit(1)).first() is None:
        return {}  # most registers: an import then asks once per chunk, not for every address
    statement = sa.select(table.c.email_key, table.c.contact_id)
    rows = bulk.matching(connection, statement, table.c.email_key, keys)
    return {bytes(row.email_key): row.contact_id for row in rows}


def add(
    connection: sa.Connection, ring: KeyRing, contact_id: int, address: EmailAddress, principal: Principal
) -> bytes:
    """Give a contact a further address that nobody has; its fingerprint."""
    demand(principal, Operation.CONTACT_EDIT)
    key = ring.fingerprint("address", address.comparison_text)
    connection.execute(
        sa.insert(schema.contact_address).values(
            contact_id=contact_id,
            email=address.wire,
            email_key=key,
            key_id=ring.current_id("fingerprint"),
            added_at=utc_now(),
            added_by=principal.name,
        )
    )
    return key


def remove(connection: sa.Connection, ring: KeyRing, contact_id: int, address: EmailAddress) -> bool:
    """Take a further address from a contact; False where it has no such one."""
    table = schema.contact_address
    keys = list(ring.fingerprints("address", address.comparison_text).values())
    gone = connection.execute(
        sa.delete(table).where(table.c.contact_id == contact_id, table.c.email_key.in_(keys))
    )
    return gone.rowcount > 0
