"""Postal's webhook: one event, signed with RSA and SHA-1 over the body. Pure.

Source: Postal, "Webhooks" and "Webhook events and payloads".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

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
from campaigns.feedback.providers.public_keys import read_public_key, rsa_holds

_WORDS: Final[Table] = {
    "MessageSent": "delivered",
    "MessageDelayed": "delayed",
    "MessageDeliveryFailed": Failure(),
    "MessageBounced": "soft",  # some failure came back later, and Postal does not say which
    "MessageHeld": "policy",
    "MessageLinkClicked": None,
    "MessageLoaded": None,
    "DomainDNSError": None,
    "SendLimitApproaching": None,
    "SendLimitExceeded": None,
}
#: Older versions name no event.
_STATUSES: Final[Table] = {
    "Sent": "delivered",
    "SoftFail": "delayed",
    "HardFail": Failure(),
    "Held": "policy",
    "Bounced": "soft",
}


class Postal(Provider):
    """A Postal server."""

    name = "postal"
    proof: ClassVar[Proof] = "public key"

    def _check_key(self, key: str) -> None:
        read_public_key(key, "RSA")

    def _authenticate(self, endpoint: Endpoint, arrival: Arrival) -> None:
        signature = arrival.headers.get("x-postal-signature", "")
        if not endpoint.public_keys:
            raise NotAuthentic("no key")
        if not signature:
            raise NotAuthentic("no proof")
        if not any(rsa_holds(key, signature, arrival.body, "sha1") for key in endpoint.public_keys):
            raise NotAuthentic("wrong proof")

    def _events(self, item: Item) -> Iterable[ReportedEvent]:
        told = item.inner("payload") if item.value("payload") is not None else item
        message = (
            told.inner("message") if told.value("message") is not None else told.inner("original_message")
        )
        meaning = _meaning(item, told)
        if meaning is None or message.text("direction") == "incoming":
            return
        said = " ".join(filter(None, (told.text("output"), told.text("details"))))
        yield ReportedEvent(
            item.text("uuid", limit=100),
            kind_of(meaning, None, said),
            (message.text("message_id"),),
            None,
            said or None,
            item.moment("timestamp"),
        )


def _meaning(item: Item, told: Item) -> Meaning:
    if item.text("event"):
        return _WORDS.get(item.text("event"), "unknown")
    if told.value("bounce") is not None:
        return _WORDS["MessageBounced"]
    return _STATUSES.get(told.word("status"), "unknown")
