"""Postmark's webhooks: one event each, not signed, so a shared secret and address ranges stand in. Pure.

Source: Postmark, "Webhooks overview", "Bounce webhook", "Spam complaint webhook", "Subscription change
webhook", "Bounce API: bounce types".
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

_RECORDS: Final[Table] = {
    "SpamComplaint": "complaint",
    "Delivery": "delivered",
    "Open": None,
    "Click": None,
    "SMTPApiError": None,
}
#: Types of a bounce. All but the first two leave the address alone.
_BOUNCES: Final[Table] = {
    "HardBounce": Failure("hard"),
    "BadEmailAddress": Failure("hard"),
    "SoftBounce": "soft",
    "Transient": "soft",
    "DnsError": "network",
    "Undeliverable": "other",
    "Blocked": "policy",
    "DMARCPolicy": "policy",
    "VirusNotification": "content",
    "SMTPApiError": "policy",
    "InboundError": "policy",
    "TemplateRenderingFailed": "content",
    "ManuallyDeactivated": "policy",
    "Unconfirmed": "policy",
    "Unknown": "other",
    "SpamNotification": "complaint",
    "SpamComplaint": "complaint",
    "Unsubscribe": "unsubscribe",
    "Subscribe": "resubscribe",
    "AutoResponder": "auto-reply",
    "AddressChange": "auto-reply",
    "ChallengeVerification": "auto-reply",
    "OpenRelayTest": None,
}
#: Why sending to an address was switched off.
_SWITCHED_OFF: Final[Table] = {
    "HardBounce": Failure("hard"),
    "SpamComplaint": "complaint",
    "ManualSuppression": "unsubscribe",
}


class Postmark(Provider):
    """Postmark by ActiveCampaign."""

    name = "postmark"

    def _check_key(self, key: str) -> None:
        proofs.check_plain_secret(key)

    def _authenticate(self, endpoint: Endpoint, arrival: Arrival) -> None:
        proofs.expect_shared_secret(endpoint, arrival)

    def _events(self, item: Item) -> Iterable[ReportedEvent]:
        meaning = _meaning(item)
        if meaning is None:
            return
        said = item.text("Details") or item.text("Description")
        yield ReportedEvent(
            # Only bounces and complaints have a number; everything else is told apart by what it says.
            f"{item.text('RecordType')} {item.text('ID')}" if item.text("ID", limit=40) else "",
            kind_of(meaning, None, said),
            (item.text("Metadata", "delivery"),),
            None,
            said or None,
            next(filter(None, map(item.moment, ("BouncedAt", "DeliveredAt", "ChangedAt"))), None),
        )


def _meaning(item: Item) -> Meaning:
    record = item.word("RecordType")
    if record == "Bounce":
        return _BOUNCES.get(item.text("Type"), "unknown")
    if record != "SubscriptionChange":
        return _RECORDS.get(record, "unknown")
    if not item.is_true("SuppressSending"):
        return "resubscribe"
    # The operator's own click in Postmark is no wish of the person.
    if item.text("SuppressionReason") == "ManualSuppression" and item.text("Origin") != "Recipient":
        return "policy"
    return _SWITCHED_OFF.get(item.text("SuppressionReason"), "unknown")
