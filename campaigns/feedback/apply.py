"""From news to register updates: each event once, attributed, on evidence.

Promise: an event id of a source is applied once, whatever is repeated and in whatever order. Only an
event with a token of ours acts; one about an address only for a delivery that was attempted, in time, and
only while the address is still the person's (`trust`). What follows from it stands in `consequences`. When
this returns, a "no" that it recorded (or that was recorded before) binds every sender, and the caller may
answer. Fails with `Unreachable`: the outcome is unknown, answer "try again".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.delivery import decisions
from campaigns.feedback.consequences import CONSEQUENCES, hints
from campaigns.feedback.consequences.asked_wish import end_the_wish
from campaigns.feedback.consequences.hard_bounce import suppress_addresses
from campaigns.feedback.consequences.news import News
from campaigns.feedback.consequences.soft_bounce import count_failures, standing_for
from campaigns.feedback.consequences.unsubscription import leave
from campaigns.feedback.event import NOES, RAW_CHARACTERS, FeedbackEvent, plain
from campaigns.feedback.trust import ABOUT_A_DELIVERY, Sent, refusal, sent_deliveries
from campaigns.principal import Principal
from campaigns.register.opt_ins import NO_CAMPAIGN
from campaigns.register.permit import Binding, recording_noes
from campaigns.store import schema
from campaigns.store.engine import writing
from campaigns.store.upsert import insert_into
from campaigns.tokens import TokenClaims

#: The events of one caller, and who that is.
Report = tuple[Sequence[FeedbackEvent], Principal]
#: Source and id of an event.
EventId = tuple[str, str]

_RECORDED: Final = "recorded"


@dataclass(frozen=True)
class _Known:
    """What a batch of events is about: the deliveries that were attempted, and the addresses among those that
    arrived which stand suppressed for failures in a row."""

    now: datetime
    sent: Mapping[TokenClaims, Sent]
    softly_suppressed: frozenset[bytes]


@dataclass(frozen=True)
class Outcome:
    """What became of the news of each caller, and from when on it may be answered."""

    consequences: list[list[str]]
    binding: Binding


def apply(engine: sa.Engine, event: FeedbackEvent, principal: Principal) -> str:
    """Apply one event; returns its consequence in a word (`apply_all`).

    Raises:
        Unreachable: the database is away.
    """
    return apply_all(engine, [event], principal)[0]


def apply_all(engine: sa.Engine, events: Sequence[FeedbackEvent], principal: Principal) -> list[str]:
    """Apply events in one transaction, all or none; returns the consequence of each.

    Words: hard_bounce, complaint, unsubscribed, objection, soft_bounces (the "no" stands now); withheld (and a
    case is open); ended (a wish that waited for its confirmation); lifted (failures in a row came to an end);
    outdated (the address is no longer the person's); authentication (ours failed: the brakes count it); others (the
    report names other recipients); hint (no token of ours, or nothing was sent); late; recorded; repeated.

    Raises:
        Unreachable: the database is away.
    """
    outcome = apply_reports(engine, [(events, principal)])
    outcome.binding.wait()
    return outcome.consequences[0]


def apply_reports(engine: sa.Engine, reports: Sequence[Report]) -> Outcome:
    """Apply what several callers reported, in one transaction, all or none. Nobody whose news
    `may_be_a_no` may be answered before the binding says so.

    Raises:
        Unreachable: the database is away.
    """
    news = [(event, principal) for events, principal in reports for event in events]
    if may_be_a_no(event for event, _ in news):
        with recording_noes(engine) as (connection, binding):
            words = _apply(connection, news)
    else:
        binding = Binding(0.0)
        with writing(engine) as connection:
            words = _apply(connection, news)
    rest = iter(words)
    return Outcome([list(islice(rest, len(events))) for events, _ in reports], binding)


def may_be_a_no(events: Iterable[FeedbackEvent]) -> bool:
    """Whether an answer has to wait until it binds: for a repeated "no" too, since the first may not bind yet."""
    return any(event.verified and event.kind in NOES for event in events)


def _apply(connection: sa.Connection, news: Sequence[tuple[FeedbackEvent, Principal]]) -> list[str]:
    """One statement records all events and one looks up the deliveries; only what has a consequence costs more.

    In the order of the events' ids, whatever order they came in: two transactions with the same events then wait
    for each other, and never in a circle.
    """
    news_by_id = {(event.source, event.event_id): (event, principal) for event, principal in reversed(news)}
    rows = _record(connection, [news_by_id[event_id][0] for event_id in sorted(news_by_id)])
    fresh = {event_id: news_by_id[event_id] for event_id in sorted(rows)}
    known = _known(connection, [event for event, _ in fresh.values()])
    consequences = _consequences(connection, fresh, known)
    _mark(connection, {rows[event_id]: word for event_id, word in consequences.items()})
    # Of an event that came twice at once, the first one says what it did.
    return [consequences.pop((event.source, event.event_id), "repeated") for event, _ in news]


def _record(connection: sa.Connection, events: Sequence[FeedbackEvent]) -> dict[EventId, int]:
    """The row of each event that is new."""
    if not events:
        return {}
    table, now = schema.feedback_event, utc_now()
    statement = (
        insert_into(table, connection)
        .on_conflict_do_nothing(index_elements=["source", "event_id"])
        .returning(table.c.id, table.c.source, table.c.event_id)
    )
    found = connection.execute(statement, [_row(event, now) for event in events])
    return {(row.source, row.event_id): row.id for row in found}


def _row(event: FeedbackEvent, now: datetime) -> dict[str, Any]:
    return {
        "source": event.source,
        "event_id": event.event_id,
        "kind": event.kind,
        "campaign_id": event.claims.campaign if event.claims else None,
        "number": event.claims.number if event.claims else None,
        "status_code": plain(event.status, 20) if event.status else None,
        "diagnostic": plain(event.diagnostic) if event.diagnostic else None,
        "occurred_at": event.occurred_at,
        "received_at": now,
        "verified": event.verified,
        "consequence": _RECORDED,
        "raw": plain(event.raw, RAW_CHARACTERS) if event.raw else None,
        "about_key": event.about,
    }


def _mark(connection: sa.Connection, words: Mapping[int, str]) -> None:
    table = schema.feedback_event
    marks = [{"row": row, "word": word} for row, word in words.items() if word != _RECORDED]
    if marks:
        statement = sa.update(table).where(table.c.id == sa.bindparam("row"))
        connection.execute(statement.values(consequence=sa.bindparam("word")), marks)


def _consequences(
    connection: sa.Connection, fresh: Mapping[EventId, tuple[FeedbackEvent, Principal]], known: _Known
) -> dict[EventId, str]:
    """What each event does, in a word."""
    words: dict[EventId, str] = {}
    dead: dict[EventId, News] = {}
    for event_id, (event, principal) in fresh.items():
        found = _consequence(connection, event, known, principal)
        if isinstance(found, News):
            dead[event_id] = found
        else:
            words[event_id] = found
    words.update(zip(dead, suppress_addresses(connection, list(dead.values())), strict=True))
    return words


def _consequence(
    connection: sa.Connection, event: FeedbackEvent, known: _Known, principal: Principal
) -> str | News:
    """What one event does, in a word; the news itself where the address is dead, to be dealt with together."""
    if event.claims is None:
        return hints.count(connection, event, principal, known.now)
    if event.claims.campaign == NO_CAMPAIGN:
        return end_the_wish(connection, event, event.claims, principal)
    if event.kind in {"unsubscribe", "objection"}:
        return leave(connection, event, event.claims, principal)
    if event.kind not in ABOUT_A_DELIVERY:
        return _RECORDED
    sent = known.sent.get(event.claims)
    refused = refusal(event, sent, known.now)
    if refused or sent is None:
        return refused
    if sent.status == "uncertain":
        evidence = f"{event.source} event {event.event_id}"
        numbers = [event.claims.number]
        decisions.settle_by_evidence(connection, event.claims.campaign, numbers, evidence, principal)
    follows = CONSEQUENCES.get(event.kind)
    if event.kind == "delivered" and sent.address_key in known.softly_suppressed:
        follows = count_failures
    news = News(connection, event, sent, principal, known.now)
    if event.kind == "hard":
        return news
    return follows(news) if follows else _RECORDED


def _known(connection: sa.Connection, events: Sequence[FeedbackEvent]) -> _Known:
    """What the events are about, looked up for all of them together."""
    sent = sent_deliveries(connection, events)
    arrived = (sent.get(it.claims) for it in events if it.kind == "delivered" and it.claims is not None)
    keys = {delivery.address_key for delivery in arrived if delivery and delivery.address_key}
    return _Known(utc_now(), sent, standing_for(connection, keys))
