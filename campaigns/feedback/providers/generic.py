"""The generic webhook: Standard Webhooks signatures, our own event words. Pure; the caller brings the time.

Promise: nothing is believed before the signature over `id.timestamp.body` verifies under one of the
endpoint's secrets and the timestamp lies within five minutes. Many events in one body survive one bad
one. Unknown types are told apart, not refused. Fails with `BadSignature` (one answer for every cause) or
`FaultyInput` with the paths of what cannot be read. Source: the Standard Webhooks specification,
symmetric signatures (`v1`).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, get_args

from campaigns.errors import Fault, FaultyInput, InputError, UtskickError
from campaigns.feedback.classify import classify
from campaigns.feedback.event import BounceClass, Kind, plain

TOLERANCE_SECONDS: Final = 300
EVENTS: Final = 1_000
SIGNATURES: Final = 10
#: How long an endpoint's key must at least be, in octets.
KEY_OCTETS: Final = 16
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 (the mark of such a secret, not one)
_EVENT_ID: Final = re.compile(r"[!-~]{1,200}")
_MOMENT: Final = re.compile(r"[0-9]{1,12}")
_YEARS: Final = range(2000, 2101)
_KINDS: Final[dict[str, Kind]] = {
    "complaint": "complaint",
    "unsubscribe": "unsubscribe",
    "delivered": "delivered",
    "delayed": "delayed",
}


class BadSignature(UtskickError):
    """The signature does not verify."""


@dataclass(frozen=True)
class ReportedEvent:
    """One event of a body: its place there, what it says, and the references it gives (not yet verified)."""

    index: int
    own_id: str
    kind: Kind
    message_id: str
    reference: str
    status: str | None
    diagnostic: str | None
    occurred_at: datetime | None


@dataclass(frozen=True)
class Readable:
    """What a body holds: its events, and the faults of those that cannot be read, by place."""

    events: tuple[ReportedEvent, ...]
    faults: tuple[tuple[int, str], ...]


def read_secret(text: str) -> bytes:
    """The key of an endpoint's secret, `whsec_` and base64.

    Raises:
        InputError: it is none, or too short.
    """
    try:
        key = base64.b64decode(text.removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise InputError("a webhook's secret is whsec_ and base64") from None
    if not text.startswith(_SECRET_PREFIX) or len(key) < KEY_OCTETS:
        raise InputError(f"a webhook's secret is whsec_ and base64 of at least {KEY_OCTETS} octets")
    return key


def verify(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Check a request (header names in lower case); returns its event id.

    Raises:
        BadSignature: for every cause alike.
        InputError: one of the endpoint's own secrets cannot be used.
    """
    event_id, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    signed = f"{event_id}.{moment}.".encode("utf-8", "replace") + body
    given = headers.get("webhook-signature", "").split(" ")[:SIGNATURES]
    signatures = [part.encode("utf-8", "replace") for part in given]
    good = False
    for secret in secrets:
        expected = b"v1," + base64.b64encode(hmac.digest(read_secret(secret), signed, "sha256"))
        for signature in signatures:
            good = hmac.compare_digest(expected, signature) or good
    in_time = (
        _MOMENT.fullmatch(moment) is not None and abs(int(moment) - now.timestamp()) <= TOLERANCE_SECONDS
    )
    if not (good and in_time and _EVENT_ID.fullmatch(event_id)):
        raise BadSignature
    return event_id


def read_body(body: bytes) -> Readable:
    """Read the events of a verified body: one object, or `{"events": [...]}`.

    Raises:
        FaultyInput: there is no event in it that can be read; says where it fails.
    """
    document = _document(body)
    single = "events" not in document
    items = [document] if single else document["events"]
    if not isinstance(items, list) or len(items) > EVENTS:
        raise FaultyInput([Fault("events", f"must be a list of at most {EVENTS} events")])
    events, faults = [], []
    for index, item in enumerate(items):
        try:
            events.append(_event(index, item))
        except FaultyInput as error:
            faults.append((index, error))
    if faults and not events:
        raise FaultyInput(
            [
                fault if single else Fault(f"events.{index}.{fault.where}", fault.problem)
                for index, error in faults
                for fault in error.faults
            ]
        )
    return Readable(tuple(events), tuple((index, str(error).replace("\n", "; ")) for index, error in faults))


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise FaultyInput([Fault("(body)", "is not JSON")]) from None
    if not isinstance(document, dict):
        raise FaultyInput([Fault("(body)", "must be a JSON object")])
    return document


def _event(index: int, item: object) -> ReportedEvent:
    if not isinstance(item, dict):
        raise FaultyInput([Fault("(event)", "must be a JSON object")])
    fields = _Fields(item)
    type_, stated = fields.text("type", 40), fields.text("class", 20)
    status, diagnostic = fields.text("status", 20), fields.text("diagnostic", 2_000)
    event = ReportedEvent(
        index,
        fields.text("id", 200),
        fields.kind(type_, stated, status, diagnostic),
        fields.text("message_id", 300),
        fields.text("reference", 300),
        status or None,
        diagnostic or None,
        fields.moment("occurred_at"),
    )
    if fields.faults:
        raise FaultyInput(fields.faults)
    return event


class _Fields:
    """Reads the fields of one event and collects all their faults."""

    def __init__(self, item: dict[str, Any]) -> None:
        self._item = item
        self.faults: list[Fault] = []

    def text(self, name: str, limit: int) -> str:
        value = self._item.get(name)
        if value is None:
            return ""
        if isinstance(value, str) and len(value) <= limit:
            return plain(value, limit)
        self.faults.append(Fault(name, f"must be a text of at most {limit} characters"))
        return ""

    def moment(self, name: str) -> datetime | None:
        text = self.text(name, 40)
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None or moment.year not in _YEARS:
            self.faults.append(Fault(name, "must be a time with its zone, such as 2026-11-24T09:41:00Z"))
        return moment

    def kind(self, type_: str, stated: str, status: str, diagnostic: str) -> Kind:
        """Our word for the event; "unknown" for types that we do not know."""
        if not type_ and not self.faults:
            self.faults.append(
                Fault("type", "is missing: bounce, complaint, unsubscribe, delivered or delayed")
            )
        if type_ != "bounce":
            return _KINDS.get(type_, "unknown")
        for known in get_args(BounceClass):
            if stated == known:
                return classify(status, diagnostic, known)
        if stated:
            self.faults.append(Fault("class", f"must be one of {', '.join(get_args(BounceClass))}"))
        return classify(status, diagnostic)
