"""Who is meant by a campaign, as SQL over a range of contacts: what expansion writes into the ledger.

Promise: `rows_of` selects one row per contact of a range that ever subscribed to one of the campaign's lists before the
audience's cut; those who must not get it are rows too, with the reason. Each person is reached through the first list,
in the submission's order, where the subscription is live. Of several contacts with one address the one with the lowest
id is written to, the others are `duplicate_address`: those of the range among themselves, and those whose address the
campaign's ledger holds already; also where their fingerprints were made under two keys. The gate's predicate is asked
once for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.planning import segments
from campaigns.planning.moments import starts_by_country
from campaigns.planning.segment_sql import Condition
from campaigns.register.suppression import Asked, withholding_reason
from campaigns.store import schema

Column = sa.ColumnElement[Any]
#: So many fingerprint keys has a register in which two may have been used for one mailbox.
_ROTATED = 2


@dataclass(frozen=True)
class Cut:
    """Where the audience ends: contacts after `last_contact`, and whoever first joined a list by a change of
    subscriptions after `last_change`, came later and are not meant. Numbers, since the clocks of machines differ."""

    last_contact: int
    last_change: int


@dataclass(frozen=True)
class Chunk:
    """The contacts after one id up to another, of which rows are made for one channel; `is_last` of that channel."""

    channel: str
    after: int
    to: int
    is_last: bool


def cut_now(connection: sa.Connection) -> Cut:
    """The audience as it is now."""
    contact, change = schema.contact.c.id, schema.subscription_history.c.id
    last_contact, last_change = (
        connection.execute(sa.select(sa.func.coalesce(sa.func.max(number), 0))).scalar_one()
        for number in (contact, change)
    )
    return Cut(last_contact, last_change)


def next_chunk(
    connection: sa.Connection, campaign_id: int, cut: Cut, channel: str, after: int, size: int
) -> Chunk:
    """The next so many people of the campaign's lists, by their id."""
    subscription = schema.subscription.c
    # Each list by itself, so that its own index gives the first few in order however large it is.
    firsts = [
        sa.select(
            sa.select(subscription.contact_id)
            .where(
                subscription.list_id == list_id,
                subscription.contact_id > after,
                subscription.contact_id <= cut.last_contact,
            )
            .order_by(subscription.contact_id)
            .limit(size)
            .subquery()
        )
        for list_id in _lists(connection, campaign_id)
    ]
    people = sa.union(*firsts).subquery("people").c
    some = sa.select(people.contact_id).order_by(people.contact_id).limit(size).subquery("some").c
    found = connection.execute(sa.select(sa.func.count(), sa.func.max(some.contact_id))).one()
    return Chunk(channel, after, found[1] or after, found[0] < size)


def rows_of(
    connection: sa.Connection, campaign: Any, cut: Cut, chunk: Chunk, after_number: int
) -> sa.Select[Any]:
    """The rows of a chunk with their numbers after that one, by due time; columns as `ROW` names them."""
    twins = _twins(connection) if chunk.channel == "email" else None
    row = _candidates(connection, campaign, cut, chunk, twins).c
    first = [sa.case((row.reason.is_(None), 0), else_=1), row.contact_id]
    rival = sa.func.row_number().over(partition_by=row.address_key, order_by=first)
    ranks = [rival.label("rival")]
    if twins is not None:
        twin = sa.func.row_number().over(partition_by=row.mailbox, order_by=first)
        ranks.append(twin.label("twin"))
    ranked = sa.select(*row, *ranks).subquery("ranked")
    reason = sa.func.coalesce(ranked.c.reason, _duplicate(campaign.id, chunk.channel, ranked.c, twins))
    judged = (
        sa.select(
            *(ranked.c[name] for name in ("contact_id", "list_id", "language", "address_key", "due_at")),
            reason.label("reason"),
        )
        .cte("judged")
        .prefix_with("MATERIALIZED")
    )
    row, now = judged.c, sa.literal(utc_now(), schema.delivery.c.expanded_at.type)
    withheld = row.reason.is_not(None)
    return sa.select(
        sa.literal(campaign.id),
        after_number + sa.func.row_number().over(order_by=[row.due_at, row.contact_id]),
        sa.literal(chunk.channel),
        row.contact_id,
        row.list_id,
        row.language,
        sa.case((~withheld, row.address_key)),
        sa.case((withheld, "withheld"), else_="pending"),
        row.reason,
        row.due_at,
        now,
        sa.case((withheld, now)),
    )


#: The columns of the ledger that `rows_of` fills, in its order.
ROW = (
    *("campaign_id", "number", "channel", "contact_id", "list_id", "language", "address_key"),
    *("status", "reason", "due_at", "expanded_at", "settled_at"),
)


def _lists(connection: sa.Connection, campaign_id: int) -> list[int]:
    table = schema.campaign_list.c
    lists = sa.select(table.list_id).where(table.campaign_id == campaign_id).order_by(table.rank)
    return list(connection.execute(lists).scalars())


def _candidates(
    connection: sa.Connection, campaign: Any, cut: Cut, chunk: Chunk, twins: sa.CTE | None
) -> sa.CTE:
    """The people of a chunk with the gate's reason. Materialized: it would be asked anew wherever it is looked at."""
    contact = schema.contact.c
    content = schema.campaign_content.c
    languages = connection.execute(
        sa.select(content.language).where(content.campaign_id == campaign.id)
    ).scalars()
    inside = segments.of_campaign(connection, campaign.segment) if campaign.segment else None
    reached = _reached_by(_lists(connection, campaign.id), cut, chunk, inside)
    asked = Asked(reached.c.list_id, sa.literal(chunk.channel), sa.literal(campaign.purpose))
    language = sa.case(
        (contact.language.in_(list(languages)), contact.language), else_=campaign.fallback_language
    )
    people: sa.FromClause = reached.join(
        schema.contact, sa.and_(contact.id == reached.c.contact_id, contact.merged_into.is_(None))
    )
    if twins is not None:
        people = people.outerjoin(twins, twins.c.contact_id == contact.id)
    return (
        sa.select(
            contact.id.label("contact_id"),
            reached.c.list_id,
            language.label("language"),
            (contact.email_key if chunk.channel == "email" else contact.postal_key).label("address_key"),
            withholding_reason(asked).label("reason"),
            _due_at(connection, campaign, chunk).label("due_at"),
            *([] if twins is None else [twins.c.mailbox]),
        )
        .select_from(people)
        .cte("candidate")
        .prefix_with("MATERIALIZED")
    )


def _twins(connection: sa.Connection) -> sa.CTE | None:
    """Contacts that share a mailbox although their fingerprints were made under two keys, with the mailbox; None in a
    register that has had one key."""
    key, contact = schema.register_key.c, schema.contact.c
    keys = sa.select(sa.func.count()).where(key.purpose == "fingerprint")
    if connection.execute(keys).scalar_one() < _ROTATED:
        return None
    mailbox = sa.func.lower(contact.email)
    shared = (
        sa.select(mailbox.label("mailbox"))
        .where(contact.email.is_not(None), contact.merged_into.is_(None))
        .group_by(mailbox)
        .having(sa.func.count(contact.key_id.distinct()) > 1)
        .subquery("shared")
    )
    return (
        sa.select(contact.id.label("contact_id"), shared.c.mailbox)
        .join(shared, shared.c.mailbox == mailbox)
        .cte("twins")
        .prefix_with("MATERIALIZED")
    )


def _reached_by(lists: list[int], cut: Cut, chunk: Chunk, inside: Condition | None) -> sa.Subquery:
    """Per contact the list that reaches it: a live subscription before an ended one, then the submission's order. With
    a segment, those in it only."""
    subscription, change = schema.subscription.c, schema.subscription_history.c
    live_first = sa.case((subscription.status == "subscribed", 0), else_=1)
    rank = sa.case({list_id: rank for rank, list_id in enumerate(lists)}, value=subscription.list_id)
    place = sa.func.row_number().over(partition_by=subscription.contact_id, order_by=[live_first, rank])
    of_the_pair = (
        change.contact_id == subscription.contact_id,
        change.list_id == subscription.list_id,
    )
    joined_since = sa.exists().where(*of_the_pair, change.status == "subscribed", change.id > cut.last_change)
    at_the_cut = (
        sa.select(change.status)
        .where(*of_the_pair, change.id <= cut.last_change)
        .order_by(change.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    # Who was on the list at the beginning, leaves and takes it back meanwhile did not join later.
    joined_later = sa.and_(joined_since, at_the_cut.is_distinct_from("subscribed"))
    ranked = (
        sa.select(subscription.contact_id, subscription.list_id, place.label("place"))
        .where(
            subscription.list_id.in_(lists),
            subscription.contact_id > chunk.after,
            subscription.contact_id <= chunk.to,
            sa.not_(joined_later),
        )
        .subquery()
    )
    chosen = sa.select(ranked.c.contact_id, ranked.c.list_id).where(ranked.c.place == 1)
    if inside is not None:
        chosen = chosen.join(schema.contact, schema.contact.c.id == ranked.c.contact_id).where(inside)
    return chosen.subquery("reached")


def _duplicate(campaign_id: int, channel: str, row: Any, twins: sa.CTE | None) -> Column:
    """`duplicate_address` where somebody before has this address: in the chunk, or in the ledger already."""
    known = schema.delivery.alias()
    # A scalar subquery looks into the index row by row; an EXISTS may be answered by reading the whole ledger.
    before = (
        sa.select(known.c.number)
        .where(
            known.c.campaign_id == campaign_id,
            known.c.channel == channel,
            known.c.address_key == row.address_key,
        )
        .scalar_subquery()
    )
    doubled = [row.rival > 1, before.is_not(None)]
    if twins is not None:
        same = sa.select(twins.c.contact_id).where(twins.c.mailbox == row.mailbox)
        of_twin = sa.exists().where(
            known.c.campaign_id == campaign_id,
            known.c.channel == channel,
            known.c.address_key.is_not(None),
            known.c.contact_id.in_(same),
        )
        doubled.append(sa.and_(row.mailbox.is_not(None), sa.or_(row.twin > 1, of_twin)))
    again = sa.and_(row.address_key.is_not(None), sa.or_(*doubled))
    return sa.case((again, "duplicate_address"))


def _due_at(connection: sa.Connection, campaign: Any, chunk: Chunk) -> Column:
    """When a row is due: by the clocks of the contact's country where the campaign goes by them. An edition of the
    print house goes as a whole, at once."""
    kind, country = schema.delivery.c.due_at.type, schema.contact.c.country
    if campaign.local_start is None or chunk.channel == "post":
        return sa.cast(sa.null(), kind)
    there = sa.select(country).distinct()
    texts = connection.execute(
        there.where(schema.contact.c.id > chunk.after, schema.contact.c.id <= chunk.to)
    ).scalars()
    local = datetime.fromisoformat(campaign.local_start)
    starts = starts_by_country(local, campaign.time_zone, {*texts, None})
    usual = starts.pop(None)
    others = [
        (country.in_([text for text, start in starts.items() if start == other]), sa.literal(other, kind))
        for other in sorted(set(starts.values()) - {usual})
    ]
    return sa.case(*others, else_=sa.literal(usual, kind)) if others else sa.literal(usual, kind)
