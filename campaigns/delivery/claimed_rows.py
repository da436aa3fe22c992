"""What a claim reads: the rows to hand over with everything that their messages show, and those that the gate
refuses.

Promise: three queries for a whole batch, whatever its size; the address is the contact's present one. Only
declared fields of the contact itself leave the register here, nothing of anybody else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from campaigns.register.clearance import DeliveryRef
from campaigns.register.suppression import Asked, withholding_reason
from campaigns.store import schema


class ClaimedRow(NamedTuple):
    """One delivery to make, with what its message may show. `address` is None on the channel post; `source` says where
    the address is from, on the first message to somebody who did not give it (GDPR Art. 14 and 21(4))."""

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
    source: str = ""


PERSON_FIELDS = ("first_name", "last_name", "title", "street", "postal_code", "city", "country")


def refused_rows(connection: sa.Connection, campaign_id: int, first: int, last: int) -> list[tuple[int, str]]:
    """The waiting rows of a range that the gate's predicate refuses now, with the reasons."""
    rows = connection.execute(_REFUSED, _span(campaign_id, first, last))
    return [(row.number, row.reason) for row in rows]


def moved_addresses(
    connection: sa.Connection, campaign_id: int, first: int, last: int
) -> list[tuple[int, bytes]]:
    """The waiting rows of a range whose contact has another address now than at expansion, with the present key."""
    rows = connection.execute(_MOVED, _span(campaign_id, first, last))
    return [(row.number, row.present) for row in rows]


def claimed_rows(
    connection: sa.Connection, campaign_id: int, attempts: Mapping[int, int]
) -> list[ClaimedRow]:
    """The rows of a claim (number -> attempt), in order of number."""
    if not attempts:
        return []
    span = _span(campaign_id, min(attempts), max(attempts))
    # Everywhere all rows at once: asking the driver for one after the other costs more than making them.
    working_for, sources = _positions(connection, span), _sources(connection, span)
    return [
        _claimed(campaign_id, row, attempts[row[0]], working_for.get(row[1], ()), sources.get(row[1], ""))
        for row in connection.execute(_CLAIMED, span).all()
        if row[0] in attempts
    ]


def _claimed(
    campaign_id: int, row: Any, attempt: int, positions: Sequence[tuple[str, str]], source: str
) -> ClaimedRow:
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
        source,
    )


def _positions(connection: sa.Connection, span: Mapping[str, int]) -> defaultdict[int, list[tuple[str, str]]]:
    """Per contact of a range its companies and positions there, the earliest first."""
    found: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    for contact, company, position in connection.execute(_POSITIONS, span).all():
        found[contact].append((company, position or ""))
    return found


def _sources(connection: sa.Connection, span: Mapping[str, int]) -> dict[int, str]:
    """Per contact of a range that has to be told it: the source of its data, the earliest one first known."""
    return {row.contact_id: row.source for row in connection.execute(_SOURCES, span)}


def _span(campaign_id: int, first: int, last: int) -> dict[str, int]:
    return {"of_campaign": campaign_id, "lowest": first, "highest": last}


# The statements are made once: making them anew for each batch took longer than asking them.
_delivery: Final = schema.delivery.c
_in_span: Final = (
    _delivery.campaign_id == sa.bindparam("of_campaign"),
    _delivery.number.between(sa.bindparam("lowest"), sa.bindparam("highest")),
)
_waiting: Final = _delivery.status.in_(("pending", "deferred"))


def _refused() -> sa.Select[Any]:
    contact, campaign = schema.contact, schema.campaign
    asked = Asked(_delivery.list_id, _delivery.channel, campaign.c.purpose)
    found = (
        sa.select(_delivery.number, withholding_reason(asked).label("reason"))
        .join(contact, contact.c.id == _delivery.contact_id)
        .join(campaign, campaign.c.id == _delivery.campaign_id)
        .where(*_in_span, _waiting)
        .subquery()
    )
    return sa.select(found.c.number, found.c.reason).where(found.c.reason.is_not(None))


def _moved() -> sa.Select[Any]:
    contact = schema.contact.c
    present = sa.case((_delivery.channel == "email", contact.email_key), else_=contact.postal_key)
    return (
        sa.select(_delivery.number, present.label("present"))
        .join(schema.contact, contact.id == _delivery.contact_id)
        .where(*_in_span, _waiting, present.is_not(None), _delivery.address_key.is_distinct_from(present))
    )


_REFUSED: Final = _refused()
_MOVED: Final = _moved()
_CLAIMED: Final[sa.Select[Any]] = (
    sa.select(
        _delivery.number,
        _delivery.contact_id,
        _delivery.language,
        _delivery.tries,
        _delivery.list_id,
        schema.mailing_list.c.key.label("list_key"),
        schema.mailing_list.c.name.label("list_name"),
        schema.contact.c.email,
        *(schema.contact.c[name] for name in PERSON_FIELDS),
    )
    .join(schema.contact, schema.contact.c.id == _delivery.contact_id)
    .join(schema.mailing_list, schema.mailing_list.c.id == _delivery.list_id)
    .where(*_in_span)
    .order_by(_delivery.number)
)
_POSITIONS: Final = (
    sa.select(schema.position.c.contact_id, schema.company.c.name.label("company"), schema.position.c.name)
    .join_from(schema.position, schema.company, schema.company.c.id == schema.position.c.company_id)
    .join(schema.delivery, _delivery.contact_id == schema.position.c.contact_id)
    .where(*_in_span, schema.position.c.ended_at.is_(None))
    .order_by(schema.position.c.contact_id, schema.position.c.id)
)


def _sources_to_tell() -> sa.Select[Any]:
    """Who did not give the data themselves, and was sent nothing before the row in question.

    Consent is the person's own word, whoever typed it in, unless the address is said to come from elsewhere.
    """
    earlier, provenance, intake = schema.delivery.alias().c, schema.provenance.c, schema.intake.c
    own = schema.intake.alias().c
    own_row = schema.provenance.alias().c
    gave_it = sa.exists().where(
        own_row.contact_id == _delivery.contact_id, own.id == own_row.intake_id, own.source_class == "person"
    )
    told = sa.exists().where(
        earlier.contact_id == _delivery.contact_id,
        earlier.campaign_id != _delivery.campaign_id,
        earlier.status == "accepted",
        sa.or_(_delivery.handed_over_at.is_(None), earlier.handed_over_at < _delivery.handed_over_at),
    )
    elsewhere = sa.or_(
        intake.source_class.not_in(("person", "company")),
        sa.and_(intake.source_class == "company", intake.basis.is_distinct_from("consent")),
    )
    return (
        sa.select(_delivery.contact_id, intake.source)
        .join(schema.provenance, provenance.contact_id == _delivery.contact_id)
        .join(schema.intake, intake.id == provenance.intake_id)
        .where(*_in_span, elsewhere, ~gave_it, ~told)
        .order_by(intake.id.desc())  # the last one read is the first one taken in
    )


_SOURCES: Final = _sources_to_tell()
