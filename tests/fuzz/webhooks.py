"""Harness: whatever octets come to a webhook, no provider's check or reading raises anything but its own refusals,
believes what was not signed, or hands on what cannot be kept."""

import json
import sys
from datetime import UTC, datetime
from typing import Any, Final, get_args

import atheris

with atheris.instrument_imports(include=["campaigns"]):
    from campaigns.errors import FaultyInput
    from campaigns.feedback.event import RAW_CHARACTERS, Kind, plain
    from campaigns.feedback.providers.base import Arrival, Endpoint, NotAuthentic, Provider, Readable
    from campaigns.feedback.providers.directory import PROVIDERS
    from campaigns.feedback.providers.ses import CertificateWanted, confirmation_url

from tests.conformance.webhooks.cast import SENDERS
from tests.conformance.webhooks.sender import About

NOW: Final = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
NAMES: Final = tuple(PROVIDERS)
ENDPOINTS: Final = {sender.name: sender.endpoint() for sender in SENDERS.values()}
ABOUT: Final = About("<token@mail.example>", "b-token@mail.example", "a@b.example", "evt1", NOW)
#: Every event that every provider is known to send.
SAMPLES: Final = tuple(
    (NAMES.index(sender.name), sender.post([item], NOW, "foreign").body)
    for sender in SENDERS.values()
    for item, _ in sender.items(ABOUT).values()
)
HEADERS: Final = (
    "authorization", "webhook-id", "webhook-timestamp", "webhook-signature", "svix-id", "svix-timestamp",
    "svix-signature", "x-twilio-email-event-webhook-signature", "x-twilio-email-event-webhook-timestamp",
    "x-postal-signature", "mailtrap-signature", "signature", "x-mandrill-signature",
)  # fmt: skip
WORDS: Final = (
    b"null", b"[]", b"{}", b"1e999", b"-1", b"NaN", b"\xff", b"\\ud800", b"\\u0000", b"true", b"[[[[[[[[", b'{"a":',
    b"99999999999999999999", b'"@"', b"2026-11-25T12:00:00Z", b"Wed, 25 Nov 2026 12:00:00 +0000", b"&", b"=", b"%00",
)  # fmt: skip


def mutate(data: bytes, limit: int, seed: int) -> bytes:
    """Often begin with a genuine event, or put a troublesome value somewhere."""
    if seed % 5 == 0:
        provider, body = SAMPLES[seed // 5 % len(SAMPLES)]
        return bytes((provider, 0)) + body[: limit - 2]
    if seed % 5 == 1:
        at = seed // 5 % (len(data) + 1)
        return (data[:at] + WORDS[seed // 7 % len(WORDS)] + data[at + seed % 4 :])[:limit]
    return bytes(atheris.Mutate(data, limit))


def check(data: bytes) -> None:
    """The first octet chooses the provider, the second a length of headers; the rest is headers and body."""
    if len(data) < 2:
        return
    name = NAMES[data[0] % len(NAMES)]
    head, body = data[2 : 2 + data[1]], data[2 + data[1] :]
    values = head.decode("latin-1").split("\n")
    headers = dict(zip(HEADERS, (values * len(HEADERS))[: len(HEADERS)], strict=True)) if head else {}
    arrival = Arrival(headers, body, values[0], "https://post.example/hooks/x/y?" + values[-1], NOW)
    provider = PROVIDERS[name]
    refused(provider, ENDPOINTS[name], arrival)
    read(provider, Arrival({"webhook-id": "w", "svix-id": "s", **headers}, body, "", arrival.url, NOW))


def refused(provider: Provider, endpoint: Endpoint, arrival: Arrival) -> None:
    """Nobody here has a key, so nothing may be believed but an empty trial of Mandrill's."""
    try:
        provider.verify(endpoint, arrival)
    except NotAuthentic:
        return
    except CertificateWanted as wanted:
        url = wanted.url
    else:
        assert provider.name == "mandrill"
        assert provider.read(arrival).events == ()
        return
    assert url.startswith("https://sns.eu-north-1.amazonaws.com/"), url


def read(provider: Provider, arrival: Arrival) -> None:
    """What is read can be kept, however it was made."""
    try:
        told = provider.read(arrival)
    except FaultyInput:
        return
    keepable(told)
    if provider.name == "ses" and arrival.body.lstrip().startswith(b"{"):
        url = confirmation_url(arrival)
        assert url is None or url.startswith("https://sns.")
    for event in provider.read(arrival).events:
        assert event in told.events


def keepable(told: Readable) -> None:
    """Ids, words and texts as the register takes them."""
    for event in told.events:
        assert event.kind in get_args(Kind)
        assert 0 < len(event.event_id) <= 200
        assert event.event_id.isascii()
        assert event.event_id.isprintable()
        assert "@" not in event.event_id
        assert len(event.raw or "") <= RAW_CHARACTERS
        texts: list[Any] = [event.status, event.diagnostic, event.raw, *event.references, *event.named]
        for text in texts:
            plain(text or "").encode()
        assert event.occurred_at is None or event.occurred_at.tzinfo is not None
    assert all(index >= 0 and problem for index, problem in told.faults)
    json.dumps([problem for _, problem in told.faults])


if __name__ == "__main__":
    atheris.Setup(sys.argv, check, custom_mutator=mutate)
    atheris.Fuzz()
