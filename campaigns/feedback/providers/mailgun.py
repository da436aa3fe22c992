"""Mailgun's webhook: one event, with an HMAC over a token and a time. Pure.

The signature does not cover what the event says. So the token, not the event, is what may come once: a
captured token with another event is a repetition. Source: Mailgun, "Webhooks" (securing them, payloads).
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import ClassVar, Final

from campaigns.errors import FaultyInput
from campaigns.feedback.providers import proofs
from campaigns.feedback.providers.base import (
    Arrival,
    Endpoint,
    Failure,
    Meaning,
    NotAuthentic,
    Provider,
    ReportedEvent,
    Table,
    json_document,
    kind_of,
)
from campaigns.feedback.providers.items import Item

_WORDS: Final[Table] = {
    "complained": "complaint",
    "unsubscribed": "unsubscribe",
    "delivered": "delivered",
    "accepted": None,
    "stored": None,
    "opened": None,
    "clicked": None,
    "list_member_uploaded": None,
    "list_member_upload_error": None,
    "list_uploaded": None,
}
#: Not sent, since Mailgun's own lists forbid it: what the person or the address said earlier.
_REASONS: Final[Table] = {
    "suppress-bounce": Failure("hard"),
    "suppress-unsubscribe": "unsubscribe",
    "suppress-complaint": "complaint",
}


class Mailgun(Provider):
    """Mailgun by Sinch."""

    name = "mailgun"
    #: Retries go on for eight hours.
    tolerance: ClassVar[int | None] = 43_200

    def _check_key(self, key: str) -> None:
        proofs.check_plain_secret(key)

    def _authenticate(self, endpoint: Endpoint, arrival: Arrival) -> None:
        try:
            signature = Item.of(json_document(arrival.body)).inner("signature")
        except FaultyInput:
            raise NotAuthentic("no proof") from None
        token, moment = signature.text("token", limit=200), signature.text("timestamp", limit=20)
        signed = (moment + token).encode()

        def sign(secret: bytes) -> str:
            return hmac.digest(secret, signed, "sha256").hex()

        given = signature.text("signature", limit=100)
        proofs.expect_signature(endpoint, [given] if token else [], sign)
        proofs.expect_moment(moment, arrival, self.tolerance or 0)

    def _events(self, item: Item) -> Iterable[ReportedEvent]:
        event = item.inner("event-data")
        meaning = _meaning(event)
        if meaning is None:
            return
        status = event.text("delivery-status", "enhanced-code", limit=20)
        said = event.text("delivery-status", "message") or event.text("delivery-status", "description")
        yield ReportedEvent(
            f"token {item.text('signature', 'token', limit=150)}",
            kind_of(meaning, status, said),
            (
                event.text("message", "headers", "message-id"),
                event.text("envelope", "sender"),
                event.text("user-variables", "delivery"),
            ),
            status or None,
            said or None,
            event.moment("timestamp"),
        )


def _meaning(event: Item) -> Meaning:
    word = event.word("event")
    if word != "failed":
        return _WORDS.get(word, "unknown")
    if event.text("severity") == "temporary":
        return "delayed"
    return _REASONS.get(event.text("reason"), Failure("hard"))
