"""What a claim reads: the rows to hand over with everything that their messages show, and those that the gate
refuses.

Promise: two queries for a whole batch, whatever its size; the address is the contact's present one. Only
declared fields of the contact itself leave the register here, nothing of anybody else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from campaigns.register.clearance import DeliveryRef
from campaigns.register.suppression import Asked, withholding_reason
from campaigns.store import schema


class ClaimedRow(NamedTuple):
    """One delivery to make, with what its message may show. `address` is None on the channel post."""

    delivery: DeliveryRef
    attempt: int
    tries: int
    contact: int
    language: str
    list_id: int
    list_key: str
    list_name: str
    address: str | None
    person: Mapping[str, str]
    companies: tuple[str, ...]
    position: str


PERSON_FIELDS = ("first_name", "last_name", "title", "street", "postal_code", "city", "country")


def refused_rows(connection: sa.Connection, campaign_id: int, first: int, last: int) -> list[tuple[int, str]]:
    """The waiting rows of a range that the gate's predicate refuses now, with the reasons."""
    delivery, contact, campaign = schema.delivery.c, schema.contact, schema.campaign
    reason = withholding_reason(Asked(delivery.list_id, delivery.channel, campaign.c.purpose)).label("reason")
    found = (
        sa.select(delivery.number, reason)
        .join(contact, contact.c.id == delivery.contact_id)
        .join(campaign, campaign.c.id == delivery.campaign_id)
        .where(
            delivery.campaign_id == campaign_id,
            delivery.number.between(first, last),
            delivery.status.in_(("pending", "deferred")),
        )
        .subquery()
    )
    rows = connection.execute(sa.select(found.c.number, found.c.reason).where(found.c.reason.is_not(None)))
    return [(row.number, row.reason) for row in rows]


def moved_addresses(
    connection: sa.Connection, campaign_id: int, first: int, last: int
) -> list[tuple[int, bytes]]:
    """The waiting rows of a range whose contact has another address now than at expansion, with the present key."""
    delivery, contact = schema.delivery.c, schema.contact.c
    present = sa.case((delivery.channel == "email", contact.email_key), else_=contact.postal_key)
    rows = connection.execute(
        sa.select(delivery.number, present.label("present"))
        .join(schema.contact, contact.id == delivery.contact_id)
        .where(
            delivery.campaign_id == campaign_id,
            delivery.number.between(first, last),
            delivery.status.in_(("pending", "deferred")),
            delivery.address_key != present,
        )
    )
    return [(row.number, row.present) for row in rows]


def claimed_rows(
    connection: sa.Connection, campaign_id: int, attempts: Mapping[int, int]
) -> list[ClaimedRow]:
    """The rows of a claim (number -> attempt), in order of number."""
    if not attempts:
        return []
    first, last = min(attempts), max(attempts)
    working_for = _positions(connection, campaign_id, first, last)
    delivery, contact, mailing_list = schema.delivery.c, schema.contact, schema.mailing_list
    rows = connection.execute(
        sa.select(
            delivery.number,
            delivery.contact_id,
            delivery.language,
            delivery.tries,
            delivery.list_id,
            mailing_list.c.key.label("list_key"),
            mailing_list.c.name.label("list_name"),
            contact.c.email,
            *(contact.c[name] for name in PERSON_FIELDS),
        )
        .join(contact, contact.c.id == delivery.contact_id)
        .join(mailing_list, mailing_list.c.id == delivery.list_id)
        .where(delivery.campaign_id == campaign_id, delivery.number.between(first, last))
        .order_by(delivery.number)
    )
    return [
        _claimed(campaign_id, row, attempts[row[0]], working_for.get(row[1], ()))
        for row in rows
        if row[0] in attempts
    ]


def _claimed(campaign_id: int, row: Any, attempt: int, positions: Sequence[tuple[str, str]]) -> ClaimedRow:
    number, contact, language, tries, list_id, list_key, list_name, address, *person = row
    return ClaimedRow(
        DeliveryRef(campaign_id, number),
        attempt,
        tries,
        contact,
        language,
        list_id,
        list_key,
        list_name,
        address,
        {name: value for name, value in zip(PERSON_FIELDS, person, strict=True) if value},
        tuple([company for company, _ in positions]),
        next((name for _, name in positions if name), ""),
    )


def _positions(
    connection: sa.Connection, campaign_id: int, first: int, last: int
) -> defaultdict[int, list[tuple[str, str]]]:
    """Per contact of a range its companies and positions there, the earliest first."""
    delivery, position, company = schema.delivery.c, schema.position.c, schema.company.c
    rows = connection.execute(
        sa.select(position.contact_id, company.name.label("company"), position.name.label("position"))
        .join_from(schema.position, schema.company, company.id == position.company_id)
        .join(schema.delivery, delivery.contact_id == position.contact_id)
        .where(
            delivery.campaign_id == campaign_id,
            delivery.number.between(first, last),
            position.ended_at.is_(None),
        )
        .order_by(position.contact_id, position.id)
    )
    found: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    for row in rows:
        found[row.contact_id].append((row.company, row.position or ""))
    return found
