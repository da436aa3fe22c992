"""Who leaves a list leaves it; who wants nothing at all objects.

Promise: the token alone is enough: the wish stands also when the ledger has long forgotten the delivery.
"""

from __future__ import annotations

import sqlalchemy as sa

from campaigns.feedback.event import FeedbackEvent
from campaigns.principal import Principal
from campaigns.register import subscriptions
from campaigns.tokens import TokenClaims


def leave(connection: sa.Connection, event: FeedbackEvent, claims: TokenClaims, principal: Principal) -> str:
    """Leave the list that the token names, or object to all marketing."""
    evidence = f"{event.source} event {event.event_id}"
    if event.kind == "objection":
        subscriptions.object_to_marketing(connection, claims.contact, event.source, evidence, principal)
        return "objection"
    wish = subscriptions.Unsubscription(claims.contact, claims.list_id, event.source, evidence)
    subscriptions.unsubscribe(connection, wish, principal)
    return "unsubscribed"
