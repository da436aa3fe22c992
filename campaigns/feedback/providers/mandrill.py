"""Mandrill's webhook: a form with a list of events, signed with HMAC-SHA1 over our own URL and the form. Pure.

Mandrill tries a new URL with an empty list, signed with a key that everybody knows: there is nothing in it
to believe. Source: Mailchimp Transactional, "Webhooks", "Authenticating webhook requests".
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from typing import ClassVar, Final
from urllib.parse import parse_qsl

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

_FIELD: Final = "mandrill_events"
_TRIAL_KEY: Final = b"test-webhook"
_WORDS: Final[Table] = {
    "deferral": "delayed",
    "delivered": "delivered",
    "hard_bounce": Failure("hard"),
    "spam": "complaint",
    "unsub": "unsubscribe",
    "reject": "policy",
    "send": None,
    "open": None,
    "click": None,
    "inbound": None,
    "whitelist": None,
    "blacklist": None,
    "allowlist": None,
    "denylist": None,
}
#: What a soft bounce is put down to, where it says more than its name.
_DESCRIPTIONS: Final[Table] = {
    "mailbox_full": "full",
    "message_too_large": "content",
    "spam": "policy",
    "invalid_domain": "soft",
}


class Mandrill(Provider):
    """Mailchimp Transactional, also called Mandrill."""

    name = "mandrill"
    content_types: ClassVar[frozenset[str]] = frozenset({"application/x-www-form-urlencoded"})

    def _check_key(self, key: str) -> None:
        proofs.check_plain_secret(key)

    def _authenticate(self, endpoint: Endpoint, arrival: Arrival) -> None:
        form = _form(arrival)
        text = arrival.url + "".join(name + form[name] for name in sorted(form))
        signed = text.encode("utf-8", "replace")

        def sign(secret: bytes) -> str:
            return base64.b64encode(hmac.digest(secret, signed, "sha1")).decode()

        given = arrival.headers.get("x-mandrill-signature", "")
        if form.get(_FIELD) == "[]" and hmac.compare_digest(sign(_TRIAL_KEY).encode(), given.encode()):
            return
        proofs.expect_signature(endpoint, [given], sign)

    def _items(self, arrival: Arrival) -> object:
        events = json_document(_form(arrival).get(_FIELD, ""))
        if not isinstance(events, list):
            raise FaultyInput([Fault(_FIELD, "must be a list")])
        return events

    def _events(self, item: Item) -> Iterable[ReportedEvent]:
        meaning = _meaning(item)
        if meaning is None:
            return
        message = item.inner("msg")
        said = message.text("diag") or message.text("bounce_description")
        message_id, moment = item.text("_id", limit=80), item.text("ts", limit=20)
        yield ReportedEvent(
            f"{item.text('event')} {moment} {message_id}" if message_id and moment else "",
            kind_of(meaning, None, said),
            (message.text("metadata", "delivery"),),
            None,
            said or None,
            item.moment("ts"),
        )


def _meaning(item: Item) -> Meaning:
    word = item.text("event") or item.word("type")
    if word == "soft_bounce":
        return _DESCRIPTIONS.get(item.text("msg", "bounce_description"), Failure("soft"))
    return _WORDS.get(word, "unknown")


def _form(arrival: Arrival) -> dict[str, str]:
    try:
        return dict(
            parse_qsl(arrival.body.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=50)
        )
    except ValueError:
        return {}
