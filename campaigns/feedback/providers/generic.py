"""The generic webhook: Standard Webhooks signatures, our own event words. Pure.

Promise: as in `base`; the timestamp lies within five minutes. A field of the wrong type or length is a fault
of its event. Source: the Standard Webhooks specification, symmetric signatures (`v1`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar, Final, get_args

from campaigns.errors import Fault, FaultyInput
from campaigns.feedback.event import BounceClass, Kind, plain
from campaigns.feedback.providers import proofs
from campaigns.feedback.providers.base import (
    Arrival,
    Endpoint,
    Failure,
    Provider,
    ReportedEvent,
    json_document,
    kind_of,
)
from campaigns.feedback.providers.items import Item

_YEARS: Final = range(2000, 2101)
_KINDS: Final[dict[str, Kind]] = {
    "complaint": "complaint",
    "unsubscribe": "unsubscribe",
    "delivered": "delivered",
    "delayed": "delayed",
}


class Generic(Provider):
    """A mail system of our own, or whatever can sign a request."""

    name = "generic"
    body_octets: ClassVar[int] = 1_000_000
    most_events: ClassVar[int] = 1_000
    tolerance: ClassVar[int | None] = proofs.TOLERANCE_SECONDS
    request_id: ClassVar[str | None] = "webhook-id"

    def _check_key(self, key: str) -> None:
        proofs.read_webhook_secret(key)

    def _authenticate(self, endpoint: Endpoint, arrival: Arrival) -> None:
        proofs.expect_standard_signature(endpoint, arrival, "webhook")

    def _items(self, arrival: Arrival) -> object:
        document = json_document(arrival.body)
        if not isinstance(document, dict):
            raise FaultyInput([Fault("(body)", "must be a JSON object")])
        items = document.get("events", [])
        if not isinstance(items, list) or len(items) > self.most_events:
            raise FaultyInput([Fault("events", f"must be a list of at most {self.most_events} events")])
        return items if "events" in document else document

    def _events(self, item: Item) -> Iterable[ReportedEvent]:
        """An event's own id counts before its place in a request: the same event may come in another one."""
        fields = _Fields(item)
        own_id = fields.text("id", 200)
        status, diagnostic = fields.text("status", 20), fields.text("diagnostic", 2_000)
        event = ReportedEvent(
            f"event {own_id}" if own_id else "",
            fields.kind(status, diagnostic),
            (fields.text("message_id", 300), fields.text("reference", 300)),
            status or None,
            diagnostic or None,
            fields.moment("occurred_at"),
        )
        if fields.faults:
            raise FaultyInput(fields.faults)
        return [event]


class _Fields:
    """Reads the fields of one event and collects all their faults."""

    def __init__(self, item: Item) -> None:
        self._item = item
        self.faults: list[Fault] = []

    def text(self, name: str, limit: int) -> str:
        value = self._item.value(name)
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

    def kind(self, status: str, diagnostic: str) -> Kind:
        """Our word for the event; "unknown" for types that we do not know."""
        type_, stated = self.text("type", 40), self.text("class", 20)
        if not type_ and not self.faults:
            self.faults.append(
                Fault("type", "is missing: bounce, complaint, unsubscribe, delivered or delayed")
            )
        if type_ != "bounce":
            return _KINDS.get(type_, "unknown")
        for known in get_args(BounceClass):
            if stated == known:
                return kind_of(Failure(known), status, diagnostic)
        if stated:
            self.faults.append(Fault("class", f"must be one of {', '.join(get_args(BounceClass))}"))
        return kind_of(Failure(), status, diagnostic)
