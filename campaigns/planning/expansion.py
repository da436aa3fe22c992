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
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.planning import segments
from campaigns.planning.moments import starts_by_country
from campaigns.planning.segment_sql import Condition
from campaigns.register import persons
from campaigns.register.suppression import Asked, withholding_reason
from campaigns.store import partitions, schema
from campaigns.store.engine import writing
from campaigns.store.locks import share_turn

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
        RefusedOperation: the ledger has no partition for it, and this role may not make one.
    """
    now = utc_now()
    partitions.make_ahead(engine, campaign_id)
    with writing(engine) as connection:
        share_turn(connection, persons.EXPANSION_TURN)  # nobody is merged meanwhile
        campaign = _begin(connection, campaign_id)
        if campaign is None or not _is_time(campaign, now):
            return None
        channels = ("email", "post") if campaign.channel == "both" else (campaign.channel,)
        turns = _turns(connection, campaign)
        connection.execute(_insert_rows(connection, campaign, channels, turns))
        ranges = _ranges(connection, campaign_id, turns)
        batches = _insert_batches(connection, campaign_id, ranges, turns)
        _set_sending(connection, campaign_id)
    return Expansion(campaign_id, sum(item.last - item.first + 1 for item in ranges), batches)


def _begin(connection: sa.Connection, campaign_id: int) -> Any:
    table = schema.campaign
    statement = sa.select(table).where(
        table.c.id == campaign_id,
        table.c.status.in_(("scheduled", "expanding")),
        table.c.expanded_at.is_(None),
    )
    return connection.execute(statement.with_for_update()).one_or_none()


def _is_time(campaign: Any, now: datetime) -> bool:
    """Whether its start has come, and is not so late that a person has to say a word first."""
    early = campaign.send_at is not None and campaign.send_at > now
    late = campaign.start_by is not None and campaign.start_by < now and campaign.status == "scheduled"
    return not early and not late


@dataclass(frozen=True)
class _Turns:
    """Who is written to when, where recipients are written to by their own clocks: the countries (as they stand in the
    register) of each start but the first, which is everybody else's; no starts where all start at once."""

    starts: tuple[datetime, ...] = ()
    countries: tuple[tuple[str, ...], ...] = ()

    def of(self, country: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
        """SQL: whose turn it is, counted from 0."""
        whens = [(country.in_(texts), turn) for turn, texts in enumerate(self.countries, start=1)]
        return sa.case(*whens, else_=0) if whens else sa.literal(0)

    def due_at(self, channel: str, turn: int) -> datetime | None:
        """When a turn begins; an edition of the print house goes as a whole, at once."""
        return self.starts[turn] if self.starts and channel == "email" else None


@dataclass(frozen=True)
class _Range:
    """Rows of one channel and one turn."""

    channel: str
    turn: int
    first: int
    last: int


def _turns(connection: sa.Connection, campaign: Any) -> _Turns:
    if campaign.local_start is None:
        return _Turns()
    contact, subscription, chosen = schema.contact.c, schema.subscription.c, schema.campaign_list.c
    texts = connection.execute(
        sa.select(contact.country)
        .distinct()
        .join_from(schema.contact, schema.subscription, subscription.contact_id == contact.id)
        .join(schema.campaign_list, chosen.list_id == subscription.list_id)
        .where(chosen.campaign_id == campaign.id)
    ).scalars()
    local = datetime.fromisoformat(campaign.local_start)
    starts = starts_by_country(local, campaign.time_zone, {*texts, None})
    usual = starts[None]
    others = sorted(set(starts.values()) - {usual})
    countries = [
        tuple(text for text, start in starts.items() if text is not None and start == other)
        for other in others
    ]
    return _Turns((usual, *others), tuple(countries))


def _insert_rows(
    connection: sa.Connection, campaign: Any, channels: Iterable[str], turns: _Turns
) -> sa.Insert:
    languages = _languages(connection, campaign.id)
    inside = segments.of_campaign(connection, campaign.segment) if campaign.segment else None
    reached = _reached_by(campaign.id, inside)
    parts = [_candidates(campaign, channel, languages, reached, turns) for channel in channels]
    candidates = sa.union_all(*parts).subquery("candidate")
    ranked = _with_rivals(candidates)
    row = ranked.c
    reason = sa.func.coalesce(row.reason, sa.case((row.rival > 1, "duplicate_address")))
    now = sa.literal(utc_now(), schema.delivery.c.expanded_at.type)
    chosen = sa.select(
        sa.literal(campaign.id),
        sa.func.row_number().over(order_by=[row.channel, row.turn, row.contact_id]),
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


def _reached_by(campaign_id: int, inside: Condition | None) -> sa.Subquery:
    """Per contact the list that reaches it: a live subscription before an ended one, then the submission's order. With
    a segment, those in it only."""
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
    chosen_lists = sa.select(ranked.c.contact_id, ranked.c.list_id).where(ranked.c.place == 1)
    if inside is not None:
        chosen_lists = chosen_lists.join(schema.contact, schema.contact.c.id == ranked.c.contact_id).where(
            inside
        )
    return chosen_lists.subquery("reached")


def _candidates(
    campaign: Any, channel: str, languages: list[str], reached: sa.Subquery, turns: _Turns
) -> sa.Select[Any]:
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
        _turn(sa.literal(channel), turns).label("turn"),
    ).join_from(
        reached, schema.contact, sa.and_(contact.id == reached.c.contact_id, contact.merged_into.is_(None))
    )


def _with_rivals(candidates: sa.Subquery) -> sa.Subquery:
    """Number those that share a channel and an address, the ones that may be written to first."""
    row = candidates.c
    may_first = sa.case((row.reason.is_(None), 0), else_=1)
    rival = sa.func.row_number().over(
        partition_by=[row.channel, row.address_key], order_by=[may_first, row.contact_id]
    )
    return sa.select(*row, rival.label("rival")).subquery("ranked")


def _turn(channel: sa.ColumnElement[str], turns: _Turns) -> sa.ColumnElement[int]:
    if not turns.starts:
        return sa.literal(0)
    return sa.case((channel == "post", 0), else_=turns.of(schema.contact.c.country))


def _ranges(connection: sa.Connection, campaign_id: int, turns: _Turns) -> list[_Range]:
    row, contact = schema.delivery.c, schema.contact.c
    rows = sa.select(row.channel, _turn(row.channel, turns).label("turn"), row.number)
    if turns.starts:
        rows = rows.join_from(schema.delivery, schema.contact, contact.id == row.contact_id)
    found = rows.where(row.campaign_id == campaign_id).subquery("found").c
    first, last = sa.func.min(found.number), sa.func.max(found.number)
    statement = sa.select(found.channel, found.turn, first, last).group_by(found.channel, found.turn)
    return [_Range(*item) for item in connection.execute(statement.order_by(first))]


def _insert_batches(
    connection: sa.Connection, campaign_id: int, ranges: list[_Range], turns: _Turns
) -> tuple[int, ...]:
    pieces = [(item, first, last) for item in ranges for first, last in _pieces(item)]
    rows = [
        {
            "campaign_id": campaign_id,
            "batch_no": number,
            "channel": item.channel,
            "first_number": first,
            "last_number": last,
            "due_at": turns.due_at(item.channel, item.turn),
        }
        for number, (item, first, last) in enumerate(pieces, start=1)
    ]
    if rows:
        connection.execute(sa.insert(schema.batch), rows)
    return tuple(range(1, len(rows) + 1))


def _pieces(item: _Range) -> Iterable[tuple[int, int]]:
    # A print house's file is closed as a whole, so the post of a campaign is one batch.
    step = item.last - item.first + 1 if item.channel == "post" else BATCH_ROWS
    return ((start, min(start + step - 1, item.last)) for start in range(item.first, item.last + 1, step))


def _set_sending(connection: sa.Connection, campaign_id: int) -> None:
    table = schema.campaign
    connection.execute(
        sa.update(table).where(table.c.id == campaign_id).values(status="sending", expanded_at=utc_now())
    )
