"""MailerSend's webhook: one event, in its first or second form, with an HMAC over the body. Pure.

Source: MailerSend, "Webhooks" (payloads, security).
"""

from __future__ import annotations

import hmac
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
    "delivered": "delivered",
    "deferred": "delayed",
    "soft_bounced": "soft",
    "hard_bounced": Failure("hard"),
    "spam_complaint": "complaint",
    "spam_complaints": "complaint",
    "unsubscribed": "unsubscribe",
    "suppressed": "policy",
    "sent": None,
    "opened": None,
    "opened_unique": None,
    "clicked": None,
    "clicked_unique": None,
    "survey_opened": None,
    "survey_submitted": None,
}
#: Types that are about the account, not about a message.
_ELSEWHERE: Final = (
    "webhook.",
    "sender_identity.",
    "maintenance.",
    "inbound_forward.",
    "email_list.",
    "inbound.",
)
_REASONS: Final = ("bounce_reason", "reject_reason", "suppression_reason", "unsubscribe_reason")


class MailerSend(Provider):
    """MailerSend."""

    name = "mailersend"

    def _check_key(self, key: str) -> None:
        proofs.check_plain_secret(key)

    def _authenticate(self, endpoint: Endpoint, arrival: Arrival) -> None:
        def sign(secret: bytes) -> str:
            return hmac.digest(secret, arrival.body, "sha256").hex()

        proofs.expect_signature(endpoint, [arrival.headers.get("signature", "")], sign)

    def _events(self, item: Item) -> Iterable[ReportedEvent]:
        meaning = _meaning(item)
        if meaning is None:
            return
        data = item.inner("data")
        said = next(filter(None, (data.text("meta", name) for name in _REASONS)), "")
        said = said or data.text("morph", "reason") or data.text("morph", "readable_reason")
        tags = [*data.list("tags"), *data.list("email", "tags")]
        yield ReportedEvent(
            data.text("id", limit=100),
            kind_of(meaning, None, said),
            (
                data.text("message_id"),
                data.text("email", "message", "id"),
                *(tag for tag in tags[:20] if isinstance(tag, str)),
            ),
            None,
            said or None,
            item.moment("created_at") or data.moment("created_at"),
        )


def _meaning(item: Item) -> Meaning:
    type_ = item.word("type")
    if type_.startswith(_ELSEWHERE):
        return None
    return _WORDS.get(type_.removeprefix("activity."), "unknown")
