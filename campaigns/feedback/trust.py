"""Which news may act: only what comes with a token of ours, about a message that was really sent, in time.

Promise: everything else is a hint. It is counted, may be shown to a person, and changes nothing by itself. Anybody can
write a failure report (RFC 3464 4.1), so the token alone names the person, and the ledger alone says that we wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from campaigns.feedback.event import FeedbackEvent, Kind
from campaigns.store import schema
from campaigns.tokens import TokenClaims

#: News of a failure comes within days; a complaint may take longer. A wish of the person's has no time limit.
FAILURE_WINDOW: Final = timedelta(days=30)
COMPLAINT_WINDOW: Final = timedelta(days=365)
#: Kinds that say that a delivery left us, whatever became of it.
ABOUT_A_DELIVERY: Final[frozenset[Kind]] = frozenset(
    {
        "hard", "soft", "policy", "content", "network", "full", "other", "complaint", "delivered", "delayed",
        "stop", "reply", "auto-reply",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """A delivery that was attempted, with the person's present address."""

    claims: TokenClaims
    status: str
    at: datetime
    address_key: bytes | None
    email: str | None
    email_key: bytes | None
    key_id: int

    @property
    def is_current(self) -> bool:
        """Whether the address that it went to is still the person's."""
        return self.address_key is not None and self.address_key == self.email_key


def refusal(event: FeedbackEvent, sent: Sent | None, now: datetime) -> str:
    """Why news may not act: `hint`, `late`, or nothing where it may."""
    if event.claims is None or sent is None:
        return "hint"
    window = FAILURE_WINDOW if event.kind not in {"complaint", "stop", "reply"} else COMPLAINT_WINDOW
    return "late" if now - sent.at > window else ""


def sent_deliveries(connection: sa.Connection, events: Iterable[FeedbackEvent]) -> Mapping[TokenClaims, Sent]:
    """The deliveries that the events are about, as far as they were attempted."""
    wanted = {event.claims for event in events if event.claims is not None and event.kind in ABOUT_A_DELIVERY}
    if not wanted:
        return {}
    numbers: dict[int, set[int]] = {}
    for claims in wanted:
        numbers.setdefault(claims.campaign, set()).add(claims.number)
    # A statement for each campaign: PostgreSQL plans a long list of pairs in quadratic time.
    found = [
        row
        for campaign in sorted(numbers)
        for row in connection.execute(_attempted(campaign, sorted(numbers[campaign])))
        if row.channel == "email" and row.attempt > 0
    ]
    rows = {(row.campaign_id, row.number, row.contact_id): row for row in found}
    sent = {claims: rows.get((claims.campaign, claims.number, claims.contact)) for claims in wanted}
    return {claims: _sent(claims, row) for claims, row in sent.items() if row is not None}


def _attempted(campaign: int, numbers: Sequence[int]) -> sa.Select[Any]:
    delivery, contact = schema.delivery.c, schema.contact.c
    return (
        sa.select(
            delivery.campaign_id,
            delivery.number,
            delivery.contact_id,
            delivery.channel,
            delivery.attempt,
            delivery.address_key,
            delivery.status,
            sa.func.coalesce(delivery.handed_over_at, delivery.settled_at, delivery.expanded_at).label("at"),
            contact.email,
            contact.email_key,
            contact.key_id,
        )
        .join_from(schema.delivery, schema.contact, contact.id == delivery.contact_id)
        .where(delivery.campaign_id == campaign, delivery.number.in_(numbers))
    )


def _sent(claims: TokenClaims, row: Any) -> Sent:
    return Sent(claims, row.status, row.at, row.address_key, row.email, row.email_key, row.key_id)
