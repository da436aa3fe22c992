"""Mailtrap's webhook: a list of events, with an HMAC over the body. Pure.

Source: Mailtrap, "Webhooks", "Statuses and events".
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final

from campaigns.errors import Fault, FaultyInput
from campaigns.feedback.providers import proofs
from campaigns.feedback.providers.base import (
    Arrival,
    Endpoint,
    Failure,
    Meaning,
    Provider,
    ReportedEvent,
    Table,
    json_document,
    kind_of,
)
from campaigns.feedback.providers.items import Item

_WORDS: Final[Table] = {
    "delivery": "delivered",
    "soft bounce": "soft",
    "suspension": "policy",
    "reject": "policy",
    "spam": "complaint",
    "unsubscribe": "unsubscribe",
    "open": None,
    "click": None,
}
#: What a bounce is put down to.
_CATEGORIES: Final[Table] = {
    "badmailbox": Failure("hard"),
    "baddomain": Failure("hard"),
    "quotaissues": "full",
    "spamrelated": "policy",
    "policyrelated": "policy",
    "contentrelated": "content",
    "virusrelated": "content",
    "relayingissues": "policy",
    "invalidsender": "policy",
    "badconfiguration": "other",
    "inactivemailbox": "other",
    "routingerrors": "network",
    "badconnection": "network",
    "noanswerfromhost": "network",
    "messageexpired": "soft",
    "protocolerrors": "other",
    "other": Failure(),
}


class Mailtrap(Provider):
    """Mailtrap."""

    name = "mailtrap"

    def _check_key(self, key: str) -> None:
        proofs.check_plain_secret(key)

    def _authenticate(self, endpoint: Endpoint, arrival: Arrival) -> None:
        def sign(secret: bytes) -> str:
            return hmac.digest(secret, arrival.body, "sha256").hex()

        proofs.expect_signature(endpoint, [arrival.headers.get("mailtrap-signature", "")], sign)

    def _items(self, arrival: Arrival) -> object:
        events = Item.of(json_document(arrival.body)).value("events")
        if not isinstance(events, list):
            raise FaultyInput([Fault("events", "must be a list")])
        return events

    def _events(self, item: Item) -> Iterable[ReportedEvent]:
        meaning = _meaning(item)
        if meaning is None:
            return
        said = item.text("response") or item.text("reason")
        yield ReportedEvent(
            item.text("event_id", limit=100),
            kind_of(meaning, None, said),
            (item.text("custom_variables", "delivery"), item.text("message_id")),
            None,
            said or None,
            item.moment("timestamp"),
        )


def _meaning(item: Item) -> Meaning:
    word = item.word("event")
    if word != "bounce":
        return _WORDS.get(word, "unknown")
    category = item.text("bounce_category").lower()
    for sign in "-_ ":
        category = category.replace(sign, "")
    return _CATEGORIES.get(category, Failure()) if category else Failure("hard")
