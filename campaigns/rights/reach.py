"""Whose a row is: for each record of the personal-data map, how the rows of one person are found.

Promise: every way of reaching is a lookup by an index, whatever the size of the register (tests read the plans); a
person whose contacts were merged is reached through all of them; nothing of anybody else is reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from campaigns.address import parse_email
from campaigns.errors import NotFound, UtskickError
from campaigns.keyring import KeyRing
from campaigns.register import addresses, contacts, persons
from campaigns.store import bulk, schema
from campaigns.store.data_map import Record

#: So many deliveries are looked up by one statement.
_AT_A_TIME: Final = 100

Condition = sa.ColumnElement[bool]


@dataclass(frozen=True)
class Person:
    """One person: the numbers of their contacts (the kept one first), what they are recognised by, and their deliveries
    as (campaign, number)."""

    contacts: tuple[int, ...]
    fingerprints: tuple[bytes, ...]
    deliveries: tuple[tuple[int, int], ...]

    @property
    def contact(self) -> int:
        """The contact that was kept."""
        return self.contacts[0]


def person(connection: sa.Connection, ring: KeyRing, contact_id: int) -> Person:
    """The person that a contact is.

    Raises:
        NotFound: there is no such contact.
    """
    members = persons.members(connection, contact_id)
    numbers = tuple(dict.fromkeys(member.contact for member in members))
    if not numbers:
        raise NotFound(f"there is no contact {contact_id}")
    delivery = schema.delivery.c
    sent = connection.execute(
        sa.select(delivery.campaign_id, delivery.number, delivery.address_key)
        .where(delivery.contact_id.in_(numbers))
        .order_by(delivery.campaign_id, delivery.number)
    ).all()
    keys = {bytes(row.address_key) for row in sent if row.address_key is not None}
    flags = schema.datum_flag.c
    flagged = connection.execute(sa.select(flags.value_key).where(flags.contact_id.in_(numbers))).scalars()
    keys |= {bytes(key) for key in flagged}
    keys = _not_handed_on(connection, keys, numbers)
    keys |= {bytes(member.email_key) for member in members if member.email_key is not None}
    keys |= present_keys(connection, ring, numbers)
    return Person(numbers, tuple(sorted(keys)), tuple((row.campaign_id, row.number) for row in sent))


def conditions(table: sa.Table, record: Record, whose: Person) -> Iterator[Condition]:
    """The conditions under which rows of a table are the person's; no row meets two of them."""
    return _WAYS[record.reach](table, whose)


def _not_handed_on(connection: sa.Connection, keys: set[bytes], numbers: Sequence[int]) -> set[bytes]:
    """Without the keys of what is somebody else's by now: a mailbox of an office goes from one person to the next."""
    contact, further = schema.contact.c, schema.contact_address.c
    places = (
        (contact.email_key, contact.id),
        (contact.postal_key, contact.id),
        (further.email_key, further.contact_id),
    )
    left, asked = set(keys), sorted(keys)
    for key, owner in places:
        for start in range(0, len(asked), _AT_A_TIME):
            some = asked[start : start + _AT_A_TIME]
            others = sa.select(key).where(key.in_(some), owner.not_in(numbers))
            left -= {bytes(it) for it in connection.execute(others).scalars()}
    return left


def present_keys(connection: sa.Connection, ring: KeyRing, numbers: Sequence[int]) -> set[bytes]:
    """What the contacts are reached by now, under every key: a "no" may stand under an older one."""
    table = schema.contact
    found: set[bytes] = set()
    for row in connection.execute(sa.select(table).where(table.c.id.in_(numbers))).mappings():
        found |= {bytes(row[name]) for name in ("email_key", "postal_key") if row[name] is not None}
        if row["postal_key"] is not None:
            found |= set(ring.fingerprints("postal", contacts.postal_text(dict(row))).values())
        if row["email"] is not None:
            found |= _address_keys(ring, row["email"])
    for contact in numbers:
        for address in addresses.of_contact(connection, contact):
            found |= _address_keys(ring, address)
    return found


def _address_keys(ring: KeyRing, address: str) -> set[bytes]:
    try:
        return set(ring.fingerprints("address", parse_email(address).comparison_text).values())
    except UtskickError:  # an address that today's rules refuse has its stored key
        return set()


def _by_id(table: sa.Table, whose: Person) -> Iterator[Condition]:
    yield table.c.id.in_(whose.contacts)


def _by_contact(table: sa.Table, whose: Person) -> Iterator[Condition]:
    yield table.c.contact_id.in_(whose.contacts)


def _by_delivery(table: sa.Table, whose: Person) -> Iterator[Condition]:
    for start in range(0, len(whose.deliveries), _AT_A_TIME):
        some = whose.deliveries[start : start + _AT_A_TIME]
        yield bulk.any_of(table.c.campaign_id, table.c.number, some)


def _by_fingerprint(table: sa.Table, whose: Person) -> Iterator[Condition]:
    key = table.c.subject_key if "subject_key" in table.c else table.c.address_key
    if whose.fingerprints:
        yield key.in_(whose.fingerprints)
    if "contact_id" in table.c:
        yield sa.and_(table.c.contact_id.in_(whose.contacts), key.not_in(whose.fingerprints))


def _by_intake(table: sa.Table, whose: Person) -> Iterator[Condition]:
    provenance = schema.provenance.c
    yield table.c.id.in_(sa.select(provenance.intake_id).where(provenance.contact_id.in_(whose.contacts)))


def _by_disclosure(table: sa.Table, whose: Person) -> Iterator[Condition]:
    subject = schema.disclosure_subject.c
    yield table.c.id.in_(sa.select(subject.disclosure_id).where(subject.contact_id.in_(whose.contacts)))


def _by_audit(table: sa.Table, whose: Person) -> Iterator[Condition]:
    value = schema.audit_value.c
    yield table.c.id.in_(sa.select(value.audit_id).where(value.contact_id.in_(whose.contacts)))


def _about(table: sa.Table, whose: Person) -> Iterator[Condition]:
    yield from _by_delivery(table, whose)
    if whose.fingerprints:
        yield sa.and_(table.c.about_key.in_(whose.fingerprints), table.c.campaign_id.is_(None))


_Way = Callable[[sa.Table, Person], Iterator[Condition]]
_WAYS: Final[dict[str, _Way]] = {
    "id": _by_id,
    "contact_id": _by_contact,
    "delivery": _by_delivery,
    "fingerprint": _by_fingerprint,
    "intake": _by_intake,
    "disclosure": _by_disclosure,
    "audit": _by_audit,
    "about": _about,
}


def rows(connection: sa.Connection, table: sa.Table, record: Record, whose: Person) -> list[dict[str, Any]]:
    """The person's rows of a table, whole, in the order of its key."""
    order = list(table.primary_key.columns)
    return [
        dict(row)
        for condition in conditions(table, record, whose)
        for row in connection.execute(sa.select(table).where(condition).order_by(*order)).mappings()
    ]
