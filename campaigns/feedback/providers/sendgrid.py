"""SendGrid's event webhook: a list of flat events, signed with ECDSA over time and body. Pure.

The time is signed, so a request that is older than a day is refused; a younger one that comes again is the
same events again, by their `sg_event_id`. Source: Twilio SendGrid, "Event Webhook" and "Security features".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from campaigns.feedback.providers import proofs
from campaigns.feedback.providers.base import (
    Arrival,
    Endpoint,
    Failure,
    Meaning,
    NotAuthentic,
    Proof,
    Provider,
    ReportedEvent,
    Table,
    kind_of,
)
from campaigns.feedback.providers.items import Item
from campaigns.feedback.providers.public_keys import ecdsa_holds, read_public_key

_WORDS: Final[Table] = {
    "bounce": Failure("hard"),
    "deferred": "delayed",
    "delivered": "delivered",
    "spamreport": "complaint",
    "unsubscribe": "unsubscribe",
    "group_unsubscribe": "unsubscribe",
    "group_resubscribe": "resubscribe",
    "processed": None,
    "open": None,
    "click": None,
}
#: `blocked` is a refusal of this message, not of the address: the code and the text say why.
_BLOCKED: Final = Failure(None)
#: Not sent, since SendGrid's own lists forbid it: what the person or the address said earlier.
_DROPPED: Final[Table] = {
    "bounced address": Failure("hard"),
    "invalid": Failure("hard"),
    "unsubscribed address": "unsubscribe",
    "spam reporting address": "complaint",
}


class SendGrid(Provider):
    """Twilio SendGrid."""

    name = "sendgrid"
    proof: ClassVar[Proof] = "public key"
    tolerance: ClassVar[int | None] = 86_400 + proofs.TOLERANCE_SECONDS

    def _check_key(self, key: str) -> None:
        read_public_key(key, "EC")

    def _authenticate(self, endpoint: Endpoint, arrival: Arrival) -> None:
        signature = arrival.headers.get("x-twilio-email-event-webhook-signature", "")
        moment = arrival.headers.get("x-twilio-email-event-webhook-timestamp", "")
        if not endpoint.public_keys:
            raise NotAuthentic("no key")
        if not signature:
            raise NotAuthentic("no proof")
        signed = moment.encode("utf-8", "replace") + arrival.body
        if not any(ecdsa_holds(key, signature, signed) for key in endpoint.public_keys):
            raise NotAuthentic("wrong proof")
        proofs.expect_moment(moment, arrival, self.tolerance or 0)

    def _events(self, item: Item) -> Iterable[ReportedEvent]:
        meaning = _meaning(item)
        if meaning is None:
            return
        status, said = item.text("status", limit=20), item.text("reason") or item.text("response")
        yield ReportedEvent(
            item.text("sg_event_id", limit=150),
            kind_of(meaning, status, said),
            (item.text("smtp-id"), item.text("delivery")),
            status or None,
            said or None,
            item.moment("timestamp"),
        )


def _meaning(item: Item) -> Meaning:
    word = item.word("event")
    if word == "dropped":
        return _DROPPED.get(item.text("reason").lower(), "policy")
    if word == "bounce" and item.text("type") == "blocked":
        return _BLOCKED
    return _WORDS.get(word, "unknown")
