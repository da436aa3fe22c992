"""From lists to the ledger: who is to get this campaign, who is not and why.

Promise: one set-based statement writes one row per (campaign, contact, channel), for everybody who ever
subscribed to one of the campaign's lists; those who must not get it are rows too, withheld with the reason.
It happens in one transaction together with the batches and the campaign's change of status, so it has
either happened or not; doing it again is a no-op. Each person is reached through the first list, in the
submission's order, where the subscription is live. Of several contacts with one address the one with the
lowest id is written to, the others are withheld `duplicate_address`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.register.suppression import Asked, withholding_reason
from campaigns.store import schema
from campaigns.store.engine import writing

#: How many rows one unit of work holds.
BATCH_ROWS: Final = 500


@dataclass(frozen=True)
class Expansion:
    """What expansion made: rows in all, and the numbers of its batches by channel."""

    campaign_id: int
    recipients: int
    batches: tuple[int, ...]


def expand(engine: sa.Engine, campaign_id: int) -> Expansion | None:
    """Expand a campaign that is due; None when it is not (any more) to be expanded.

    Raises:
        Unreachable: the database is away; ask again.
    """
    now = utc_now()
    with writing(engine) as connection:
        campaign = _begin(connection, campaign_id)
        if campaign is None or (campaign.send_at is not None and campaign.send_at > now):
            return None
        channels = ("email", "post") if campaign.channel == "both" else (campaign.channel,)
        connection.execute(_insert_rows(connection, campaign, channels))
        ranges = _ranges(connection, campaign_id)
        batches = _insert_batches(connection, campaign_id, ranges)
        _set_sending(connection, campaign_id)
    return Expansion(campaign_id, sum(last - first + 1 for _, first, last in ranges), batches)


def _begin(connection: sa.Connection, campaign_id: int) -> Any:
    table = schema.campaign
    statement = sa.select(table).where(
        table.c.id == campaign_id,
        table.c.status.in_(("scheduled", "expanding")),
        table.c.expanded_at.is_(None),
    )
    return connection.execute(statement.with_for_update()).one_or_none()


def _insert_rows(connection: sa.Connection, campaign: Any, channels: Iterable[str]) -> sa.Insert:
    languages = _languages(connection, campaign.id)
    reached = _reached_by(campaign.id)
    parts = [_candidates(campaign, channel, languages, reached) for channel in channels]
    candidates = sa.union_all(*parts).subquery("candidate")
    ranked = _with_rivals(candidates)
    row = ranked.c
    reason = sa.func.coalesce(row.reason, sa.case((row.rival > 1, "duplicate_address")))
    now = sa.literal(utc_now(), schema.delivery.c.expanded_at.type)
    chosen = sa.select(
        sa.literal(campaign.id),
        sa.func.row_number().over(order_by=[row.channel, row.contact_id]),
        row.channel,
        row.contact_id,
        row.list_id,
        row.language,
        sa.case((reason.is_(None), row.address_key)),
        sa.case((reason.is_(None), "pending"), else_="withheld"),
        reason,
        now,
        sa.case((reason.is_not(None), now)),
    ).select_from(ranked)
    columns = ("campaign_id", "number", "channel", "contact_id", "list_id", "language", "address_key")
    return sa.insert(schema.delivery).from_select(
        [*columns, "status", "reason", "expanded_at", "settled_at"], chosen
    )


def _languages(connection: sa.Connection, campaign_id: int) -> list[str]:
    table = schema.campaign_content
    return list(
        connection.execute(sa.select(table.c.language).where(table.c.campaign_id == campaign_id)).scalars()
    )


def _reached_by(campaign_id: int) -> sa.Subquery:
    """Per contact the list that reaches it: a live subscription before an ended one, then the submission's order."""
    subscription, chosen = schema.subscription.c, schema.campaign_list.c
    live_first = sa.case((subscription.status == "subscribed", 0), else_=1)
    place = sa.func.row_number().over(
        partition_by=subscription.contact_id, order_by=[live_first, chosen.rank]
    )
    ranked = (
        sa.select(subscription.contact_id, subscription.list_id, place.label("place"))
        .join_from(schema.subscription, schema.campaign_list, chosen.list_id == subscription.list_id)
        .where(chosen.campaign_id == campaign_id)
        .subquery()
    )
    return sa.select(ranked.c.contact_id, ranked.c.list_id).where(ranked.c.place == 1).subquery("reached")


def _candidates(campaign: Any, channel: str, languages: list[str], reached: sa.Subquery) -> sa.Select[Any]:
    contact = schema.contact.c
    asked = Asked(reached.c.list_id, sa.literal(channel), sa.literal(campaign.purpose))
    return sa.select(
        sa.literal(channel).label("channel"),
        contact.id.label("contact_id"),
        reached.c.list_id,
        sa.case((contact.language.in_(languages), contact.language), else_=campaign.fallback_language).label(
            "language"
        ),
        (contact.email_key if channel == "email" else contact.postal_key).label("address_key"),
        withholding_reason(asked).label("reason"),
    ).join_from(reached, schema.contact, contact.id == reached.c.contact_id)


def _with_rivals(candidates: sa.Subquery) -> sa.Subquery:
    """Number those that share a channel and an address, the ones that may be written to first."""
    row = candidates.c
    may_first = sa.case((row.reason.is_(None), 0), else_=1)
    rival = sa.func.row_number().over(
        partition_by=[row.channel, row.address_key], order_by=[may_first, row.contact_id]
    )
    return sa.select(*row, rival.label("rival")).subquery("ranked")


def _ranges(connection: sa.Connection, campaign_id: int) -> list[tuple[str, int, int]]:
    row = schema.delivery.c
    statement = (
        sa.select(row.channel, sa.func.min(row.number), sa.func.max(row.number))
        .where(row.campaign_id == campaign_id)
        .group_by(row.channel)
        .order_by(row.channel)
    )
    return [(channel, first, last) for channel, first, last in connection.execute(statement)]


def _insert_batches(
    connection: sa.Connection, campaign_id: int, ranges: list[tuple[str, int, int]]
) -> tuple[int, ...]:
    pieces = [piece for channel, first, last in ranges for piece in _pieces(channel, first, last)]
    rows = [
        {
            "campaign_id": campaign_id,
            "batch_no": number,
            "channel": channel,
            "first_number": first,
            "last_number": last,
        }
        for number, (channel, first, last) in enumerate(pieces, start=1)
    ]
    if rows:
        connection.execute(sa.insert(schema.batch), rows)
    return tuple(range(1, len(rows) + 1))


def _pieces(channel: str, first: int, last: int) -> Iterable[tuple[str, int, int]]:
    # A print house's file is closed as a whole, so the post of a campaign is one batch.
    step = last - first + 1 if channel == "post" else BATCH_ROWS
    return ((channel, start, min(start + step - 1, last)) for start in range(first, last + 1, step))


def _set_sending(connection: sa.Connection, campaign_id: int) -> None:
    table = schema.campaign
    connection.execute(
        sa.update(table).where(table.c.id == campaign_id).values(status="sending", expanded_at=utc_now())
    )
