"""From news to register updates: each event once, attributed, on evidence.

Promise: an event id of a source is applied once, whatever is repeated and in whatever order. Only an
event with a token of ours acts; one about an address only for a delivery that was attempted, and only
while the address is still the person's. When this returns, a "no" that it recorded (or that was recorded
before) binds every sender, and the caller may answer. Fails with `Unreachable`: the outcome is unknown,
answer "try again".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from campaigns.address import parse_email
from campaigns.clock import utc_now
from campaigns.errors import AddressFault
from campaigns.feedback.event import NOES, RAW_CHARACTERS, FeedbackEvent, plain
from campaigns.principal import Principal
from campaigns.register import objections, subscriptions
from campaigns.register.permit import Binding, recording_noes, wait_until
from campaigns.store import schema
from campaigns.store.engine import writing
from campaigns.tokens import TokenClaims

#: The events of one caller, and who that is.
Report = tuple[Sequence[FeedbackEvent], Principal]
#: Source and id of an event.
EventId = tuple[str, str]
Deliveries = Mapping[TokenClaims, Any]

_RECORDED: Final = "recorded"
_ABOUT_AN_ADDRESS: Final = frozenset({"hard", "complaint"})


@dataclass(frozen=True)
class Outcome:
    """What became of the news of each caller, and from when on it may be answered (boot seconds)."""

    consequences: list[list[str]]
    answer_at: float


def apply(engine: sa.Engine, event: FeedbackEvent, principal: Principal) -> str:
    """Apply one event; returns its consequence in a word (`apply_all`).

    Raises:
        Unreachable: the database is away.
    """
    return apply_all(engine, [event], principal)[0]


def apply_all(engine: sa.Engine, events: Sequence[FeedbackEvent], principal: Principal) -> list[str]:
    """Apply events in one transaction, all or none; returns the consequence of each.

    Words: hard_bounce, complaint, unsubscribed (the "no" stands now); outdated (the address is no longer
    the person's); others (the report names other recipients); hint (no token of ours, or nothing was
    sent); recorded; repeated.

    Raises:
        Unreachable: the database is away.
    """
    outcome = apply_reports(engine, [(events, principal)])
    wait_until(outcome.answer_at)
    return outcome.consequences[0]


def apply_reports(engine: sa.Engine, reports: Sequence[Report]) -> Outcome:
    """Apply what several callers reported, in one transaction, all or none. Nobody whose news
    `may_be_a_no` may be answered before `answer_at`.

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
    return Outcome([list(islice(rest, len(events))) for events, _ in reports], binding.answer_at)


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
    deliveries = _attempted(connection, [event for event, _ in fresh.values()])
    consequences = {
        event_id: _consequence(connection, event, deliveries, principal)
        for event_id, (event, principal) in fresh.items()
    }
    _mark(connection, {rows[event_id]: word for event_id, word in consequences.items()})
    # Of an event that came twice at once, the first one says what it did.
    return [consequences.pop((event.source, event.event_id), "repeated") for event, _ in news]


def _record(connection: sa.Connection, events: Sequence[FeedbackEvent]) -> dict[EventId, int]:
    """The row of each event that is new."""
    if not events:
        return {}
    table, now = schema.feedback_event, utc_now()
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = (
        insert(table)
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
    }


def _mark(connection: sa.Connection, words: Mapping[int, str]) -> None:
    table = schema.feedback_event
    marks = [{"row": row, "word": word} for row, word in words.items() if word != _RECORDED]
    if marks:
        statement = sa.update(table).where(table.c.id == sa.bindparam("row"))
        connection.execute(statement.values(consequence=sa.bindparam("word")), marks)


def _consequence(
    connection: sa.Connection, event: FeedbackEvent, deliveries: Deliveries, principal: Principal
) -> str:
    if event.claims is None:
        return "hint"
    if event.kind == "unsubscribe":
        return _unsubscribe(connection, event, event.claims, principal)
    if event.kind in ("hard", "complaint"):
        return _suppress(connection, event, deliveries.get(event.claims), principal)
    return _RECORDED


def _unsubscribe(
    connection: sa.Connection, event: FeedbackEvent, claims: TokenClaims, principal: Principal
) -> str:
    """The token alone is enough: the wish stands also when the ledger has long forgotten the delivery."""
    wish = subscriptions.Unsubscription(claims.contact, claims.list_id, event.source, _evidence(event))
    subscriptions.unsubscribe(connection, wish, principal)
    return "unsubscribed"


def _suppress(connection: sa.Connection, event: FeedbackEvent, row: Any, principal: Principal) -> str:
    if row is None or row.address_key is None:
        return "hint"
    if row.address_key != row.email_key:
        return "outdated"
    if event.named and not _names(event.named, row.email):
        return "others"
    kind: objections.SuppressionKind = "hard_bounce" if event.kind == "hard" else "complaint"
    scope = objections.Scope(channel="email") if event.kind == "hard" else objections.Scope()
    key = objections.SubjectKey("address", row.key_id, row.address_key)
    no = objections.No(kind, key, scope, event.source, _evidence(event))
    objections.suppress(connection, no, principal)
    return kind


def _attempted(connection: sa.Connection, events: Iterable[FeedbackEvent]) -> Deliveries:
    """The deliveries that the events are about, as far as they were attempted, with the person's present address."""
    wanted = {
        event.claims for event in events if event.claims is not None and event.kind in _ABOUT_AN_ADDRESS
    }
    if not wanted:
        return {}
    delivery, contact = schema.delivery.c, schema.contact.c
    found = connection.execute(
        sa.select(delivery.campaign_id, delivery.number, delivery.contact_id, delivery.address_key)
        .add_columns(contact.email, contact.email_key, contact.key_id)
        .join_from(schema.delivery, schema.contact, contact.id == delivery.contact_id)
        .where(
            sa.tuple_(delivery.campaign_id, delivery.number).in_(
                [(claims.campaign, claims.number) for claims in wanted]
            ),
            delivery.channel == "email",
            delivery.attempt > 0,
        )
    )
    rows = {(row.campaign_id, row.number, row.contact_id): row for row in found}
    return {claims: rows.get((claims.campaign, claims.number, claims.contact)) for claims in wanted}


def _names(named: Sequence[str], address: str) -> bool:
    """Whether the address is among those that a report names, whatever their spelling."""
    wanted = parse_email(address).comparison_text
    for text in named:
        try:
            if parse_email(text).comparison_text == wanted:
                return True
        except AddressFault:
            continue
    return False


def _evidence(event: FeedbackEvent) -> str:
    return f"{event.source} event {event.event_id}"
