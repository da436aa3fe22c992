"""To whom personal data was given, on which ground, and whose it was: for access, and for what must be told on.

Promise: one row for each handing out, and one for each person in it; they hold numbers, never a value. Call it in the
transaction that ends before the first octet is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.errors import InputError
from campaigns.principal import Principal
from campaigns.store import bulk, schema


@dataclass(frozen=True)
class Given:
    """To whom data is given, on which ground, and what kind of handing out it is."""

    recipient: str
    ground: str
    what: str

    def __post_init__(self) -> None:
        if not self.recipient.strip() or not self.ground.strip():
            raise InputError("say to whom the data goes and on which ground")


def record(connection: sa.Connection, given: Given, contacts: Sequence[int], principal: Principal) -> int:
    """Record a handing out of the data of these people; its number."""
    disclosure: int = connection.execute(
        sa.insert(schema.disclosure)
        .values(
            at=utc_now(),
            recipient=given.recipient,
            ground=given.ground,
            what=given.what,
            given_by=principal.name,
        )
        .returning(schema.disclosure.c.id)
    ).scalar_one()
    add(connection, disclosure, contacts)
    return disclosure


def add(connection: sa.Connection, disclosure: int, contacts: Sequence[int]) -> None:
    """Record more people of the same handing out, none of them twice."""
    rows = [(contact,) for contact in contacts]
    bulk.insert(schema.disclosure_subject, connection, ("contact_id",), rows, {"disclosure_id": disclosure})
