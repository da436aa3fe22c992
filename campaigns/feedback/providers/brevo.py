"""Brevo's transactional webhook: one event or a list, not signed, so a shared secret stands in. Pure.

Source: Brevo, "Transactional webhooks", "Securing webhooks".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from campaigns.feedback.providers import proofs
from campaigns.feedback.providers.base import (
    Arrival,
    Endpoint,
    Failure,
    Provider,
    ReportedEvent,
    Table,
    kind_of,
)
from campaigns.feedback.providers.items import Item

_WORDS: Final[Table] = {
    "hard_bounce": Failure("hard"),
    "invalid_email": Failure("hard"),
    "soft_bounce": "soft",
    "deferred": "delayed",
    "blocked": "policy",
    "error": "policy",
    "spam": "complaint",
    "complaint": "complaint",
    "unsubscribe": "unsubscribe",
    "unsubscribed": "unsubscribe",
    "delivered": "delivered",
    "list_addition": None,
    "request": None,
    "sent": None,
    "opened": None,
    "unique_opened": None,
    "proxy_open": None,
    "unique_proxy_open": None,
    "click": None,
}


class Brevo(Provider):
    """Brevo, formerly Sendinblue."""

    name = "brevo"

    def _check_key(self, key: str) -> None:
        proofs.check_plain_secret(key)

    def _authenticate(self, endpoint: Endpoint, arrival: Arrival) -> None:
        proofs.expect_shared_secret(endpoint, arrival)

    def _events(self, item: Item) -> Iterable[ReportedEvent]:
        word = item.word("event")
        meaning = _WORDS.get(word, "unknown")
        if meaning is None:
            return
        said = item.text("reason")
        message_id, moment = item.text("message-id"), item.text("ts_epoch") or item.text("ts_event")
        yield ReportedEvent(
            f"{word} {moment} {message_id}" if message_id and moment else "",
            kind_of(meaning, None, said),
            (message_id, item.text("X-Mailin-custom")),
            None,
            said or None,
            item.moment("ts_epoch") or item.moment("ts_event"),
        )
