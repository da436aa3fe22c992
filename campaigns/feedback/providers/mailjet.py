"""Mailjet's event webhook: one event or a list, not signed, so a shared secret stands in. Pure.

Source: Mailjet, "Event API", "Possible values for errors".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from campaigns.feedback.providers import proofs
from campaigns.feedback.providers.base import (
    Arrival,
    Endpoint,
    Failure,
    Meaning,
    Provider,
    ReportedEvent,
    Table,
    kind_of,
)
from campaigns.feedback.providers.items import Item

_WORDS: Final[Table] = {
    "spam": "complaint",
    "unsub": "unsubscribe",
    "sent": "delivered",
    "open": None,
    "click": None,
}
#: Errors that say more than "it bounced".
_ERRORS: Final[Table] = {
    "quota exceeded": "full",
    "greylisted": "delayed",
    "throttled": "delayed",
    "sender blocked": "policy",
    "connection issue": "network",
    "no mail host": "network",
    "content blocked": "content",
    "policy issue": "policy",
    "relay/access denied": "policy",
    "preblocked": "policy",
    "spam preblocked": "policy",
    "blacklisted": "policy",
    "duplicate in campaign": "policy",
}


class Mailjet(Provider):
    """Mailjet by Sinch."""

    name = "mailjet"

    def _check_key(self, key: str) -> None:
        proofs.check_plain_secret(key)

    def _authenticate(self, endpoint: Endpoint, arrival: Arrival) -> None:
        proofs.expect_shared_secret(endpoint, arrival)

    def _events(self, item: Item) -> Iterable[ReportedEvent]:
        meaning = _meaning(item)
        if meaning is None:
            return
        said = " ".join(filter(None, (item.text("error"), item.text("comment"))))
        message, moment = item.text("MessageID", limit=60), item.text("time", limit=20)
        yield ReportedEvent(
            f"{item.word('event')} {moment} {message}" if message and moment else "",
            kind_of(meaning, None, said),
            (item.text("CustomID"), item.text("Payload")),
            None,
            said or None,
            item.moment("time"),
        )


def _meaning(item: Item) -> Meaning:
    word = item.word("event")
    if word not in {"bounce", "blocked"}:
        return _WORDS.get(word, "unknown")
    if item.is_true("hard_bounce"):
        return _ERRORS.get(item.text("error"), Failure("hard"))
    return _ERRORS.get(item.text("error"), Failure("soft") if word == "bounce" else Failure())
