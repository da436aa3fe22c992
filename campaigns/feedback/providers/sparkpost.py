"""SparkPost's event webhook: a list of wrapped events, not signed, so a shared secret stands in. Pure.

Source: SparkPost, "Webhooks", "Bounce classification codes".
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
    "delivery": "delivered",
    "delay": "delayed",
    "policy_rejection": "policy",
    "spam_complaint": "complaint",
    "list_unsubscribe": "unsubscribe",
    "link_unsubscribe": "unsubscribe",
    "generation_failure": "content",
    "generation_rejection": "policy",
    "injection": None,
    "open": None,
    "initial_open": None,
    "amp_open": None,
    "amp_initial_open": None,
    "click": None,
    "amp_click": None,
    "sms_status": None,
}
#: Classes of a bounce, in the words of their list.
_CLASSES: Final[Table] = {
    "1": Failure(),  # undetermined
    "10": Failure("hard"),  # invalid recipient
    "20": "soft",
    "21": "network",  # DNS failure
    "22": "full",
    "23": "content",  # too large
    "24": "network",  # timeout
    "25": "policy",  # admin failure
    "30": Failure("hard"),  # no recipient
    "40": "soft",  # generic
    "50": "policy",  # mail block
    "51": "policy",  # spam block
    "52": "content",  # spam content
    "53": "content",  # prohibited attachment
    "54": "policy",  # relaying denied
    "60": "auto-reply",
    "70": "soft",  # transient
    "80": "resubscribe",
    "90": "unsubscribe",
    "100": "auto-reply",  # challenge and response
}


class SparkPost(Provider):
    """SparkPost by Bird."""

    name = "sparkpost"

    def _check_key(self, key: str) -> None:
        proofs.check_plain_secret(key)

    def _authenticate(self, endpoint: Endpoint, arrival: Arrival) -> None:
        proofs.expect_shared_secret(endpoint, arrival)

    def _events(self, item: Item) -> Iterable[ReportedEvent]:
        wrapped = item.value("msys")
        event = Item(next(iter(wrapped.values()), {})) if isinstance(wrapped, dict) and wrapped else None
        meaning = _meaning(event) if event is not None else None
        if event is None or meaning is None:
            return  # nothing in it: a sign of life
        said = event.text("raw_reason") or event.text("reason")
        yield ReportedEvent(
            event.text("event_id", limit=100),
            kind_of(meaning, None, said),
            (event.text("msg_from"), event.text("rcpt_meta", "delivery")),
            None,
            said or None,
            event.moment("timestamp"),
        )


def _meaning(event: Item) -> Meaning:
    word = event.word("type")
    if word in {"bounce", "out_of_band"}:
        return _CLASSES.get(event.text("bounce_class"), Failure())
    if word == "spam_complaint" and event.text("fbtype") == "not-spam":
        return "not-spam"
    return _WORDS.get(word, "unknown")
