"""From news to register updates: each event once, attributed, on evidence.

Promise: an event id of a source is applied once, whatever is repeated and in whatever order. Only an
event with a token of ours acts; one about an address only for a delivery that was attempted, and only
while the address is still the person's. When this returns, a "no" that it recorded (or that was recorded
before) binds every sender, and the caller may answer. Fails with `Unreachable`: the outcome is unknown,
answer "try again".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from campaigns.address import parse_email
from campaigns.clock import utc_now
from campaigns.errors import AddressFault
from campaigns.feedback.event import NOES, FeedbackEvent, plain
from campaigns.principal import Principal
from campaigns.register import objections, subscriptions
from campaigns.register.permit import answering_a_no
from campaigns.store import schema
from campaigns.store.engine import writing
from campaigns.tokens import TokenClaims


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
    # Waiting and making every sender ask again is for a "no" only; for a repeated one too, since the first
    # may not bind yet.
    may_be_a_no = any(event.verified and event.kind in NOES for event in events)
    with answering_a_no(engine) if may_be_a_no else writing(engine) as connection:
        return [_apply(connection, event, principal) for event in events]


def _apply(connection: sa.Connection, event: FeedbackEvent, principal: Principal) -> str:
    event_row = _record(connection, event)
    if event_row is None:
        return "repeated"
    consequence = _consequence(connection, event, principal)
    table = schema.feedback_event
    connection.execute(sa.update(table).where(table.c.id == event_row).values(consequence=consequence))
    return consequence


def _record(connection: sa.Connection, event: FeedbackEvent) -> int | None:
    table = schema.feedback_event
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row: int | None = connection.execute(
        insert(table)
        .values(
            source=event.source,
            event_id=event.event_id,
            kind=event.kind,
            campaign_id=event.claims.campaign if event.claims else None,
            number=event.claims.number if event.claims else None,
            status_code=plain(event.status, 20) if event.status else None,
            diagnostic=plain(event.diagnostic) if event.diagnostic else None,
            occurred_at=event.occurred_at,
            received_at=utc_now(),
            verified=event.verified,
            consequence="",
        )
        .on_conflict_do_nothing(index_elements=["source", "event_id"])
        .returning(table.c.id)
    ).scalar_one_or_none()
    return row


def _consequence(connection: sa.Connection, event: FeedbackEvent, principal: Principal) -> str:
    if event.claims is None:
        return "hint"
    if event.kind == "unsubscribe":
        return _unsubscribe(connection, event, event.claims, principal)
    if event.kind in ("hard", "complaint"):
        return _suppress(connection, event, event.claims, principal)
    return "recorded"


def _unsubscribe(
    connection: sa.Connection, event: FeedbackEvent, claims: TokenClaims, principal: Principal
) -> str:
    """The token alone is enough: the wish stands also when the ledger has long forgotten the delivery."""
    wish = subscriptions.Unsubscription(claims.contact, claims.list_id, event.source, _evidence(event))
    subscriptions.unsubscribe(connection, wish, principal)
    return "unsubscribed"


def _suppress(
    connection: sa.Connection, event: FeedbackEvent, claims: TokenClaims, principal: Principal
) -> str:
    row = _attempted(connection, claims)
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


def _attempted(connection: sa.Connection, claims: TokenClaims) -> Any:
    delivery, contact = schema.delivery.c, schema.contact.c
    return connection.execute(
        sa.select(delivery.address_key, contact.email, contact.email_key, contact.key_id)
        .join_from(schema.delivery, schema.contact, contact.id == delivery.contact_id)
        .where(
            delivery.campaign_id == claims.campaign,
            delivery.number == claims.number,
            delivery.contact_id == claims.contact,
            delivery.channel == "email",
            delivery.attempt > 0,
        )
    ).one_or_none()


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
