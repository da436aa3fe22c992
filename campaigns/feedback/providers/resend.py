"""Resend's webhook: one event, signed as Standard Webhooks are, in headers of Svix. Pure.

Source: Resend, "Webhooks", "Event types"; Svix, "Verifying payloads manually".
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
    Provider,
    ReportedEvent,
    Table,
    kind_of,
)
from campaigns.feedback.providers.items import Item
from campaigns.feedback.providers.ses import BOUNCE_SUB_TYPES, BOUNCE_TYPES

_WORDS: Final[Table] = {
    "email.delivered": "delivered",
    "email.delivery_delayed": "delayed",
    "email.complained": "complaint",
    "email.failed": "policy",
    "email.suppressed": "policy",
    "suppression.added": "policy",
    "suppression.removed": "resubscribe",
    "email.sent": None,
    "email.scheduled": None,
    "email.opened": None,
    "email.clicked": None,
    "email.received": None,
}
#: Types that are about the account, not about a message.
_ELSEWHERE: Final = ("contact.", "domain.")


class Resend(Provider):
    """Resend."""

    name = "resend"
    tolerance: ClassVar[int | None] = proofs.TOLERANCE_SECONDS
    request_id: ClassVar[str | None] = "svix-id"

    def _check_key(self, key: str) -> None:
        proofs.read_webhook_secret(key)

    def _authenticate(self, endpoint: Endpoint, arrival: Arrival) -> None:
        proofs.expect_standard_signature(endpoint, arrival, "svix")

    def _events(self, item: Item) -> Iterable[ReportedEvent]:
        meaning = _meaning(item)
        if meaning is None:
            return
        data = item.inner("data")
        said = data.text("bounce", "message") or data.text("failed", "reason")
        yield ReportedEvent(
            "",
            kind_of(meaning, None, said),
            (data.text("message_id"), data.text("tags", "delivery"), *_from_headers(data)),
            None,
            said or None,
            item.moment("created_at"),
        )


def _meaning(item: Item) -> Meaning:
    type_ = item.word("type")
    if type_.startswith(_ELSEWHERE):
        return None
    if type_ != "email.bounced":
        return _WORDS.get(type_, "unknown")
    bounce = item.inner("data").inner("bounce")
    special = BOUNCE_SUB_TYPES.get(bounce.text("subType"))
    return special or BOUNCE_TYPES.get(bounce.text("type")) or _told_in_prose(bounce.text("message"))


def _told_in_prose(message: str) -> Failure:
    """Older events say in a sentence what kind of bounce it was."""
    if "hard bounce" in message:
        return Failure("hard")
    return Failure("full") if "full" in message else Failure()


def _from_headers(data: Item) -> list[str]:
    headers = [Item(value) for value in data.list("headers")[:200] if isinstance(value, dict)]
    return [header.text("value") for header in headers if header.text("name").lower() == "message-id"]
