"""The generic webhook: Standard Webhooks signatures, our own event words. Pure; the caller brings the time.

Promise: nothing is believed before the signature over `id.timestamp.body` verifies under one of the
endpoint's secrets and the timestamp lies within five minutes. Many events in one body survive one bad one.
Unknown types are told apart, not refused. Fails with `BadSignature` (one answer for every cause) or
`FaultyInput` with the paths of what cannot be read.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from campaigns.errors import Fault, FaultyInput, UtskickError
from campaigns.feedback.classify import classify
from campaigns.feedback.event import Kind

TOLERANCE_SECONDS: Final = 300
EVENTS: Final = 1_000
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 (how every such secret begins)
BounceClass = Literal["hard", "soft", "policy", "full", "other"]


class BadSignature(UtskickError):
    """The signature does not verify."""


class GenericEvent(BaseModel):
    """One event of the body."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Annotated[str, Field(min_length=1, max_length=40)]
    message_id: Annotated[str, Field(max_length=300)] = ""
    bounce_class: Annotated[BounceClass | None, Field(alias="class")] = None
    status: Annotated[str | None, Field(max_length=20)] = None
    diagnostic: Annotated[str | None, Field(max_length=1000)] = None
    occurred_at: AwareDatetime | None = None

    @property
    def kind(self) -> Kind:
        """Our word for it; "other" for types that we do not know."""
        match self.type:
            case "bounce":
                return self.bounce_class or classify(self.status, self.diagnostic)
            case "complaint" | "unsubscribe" | "delivered" | "delayed" as known:
                return known
        return "other"


@dataclass(frozen=True)
class Readable:
    """What a body holds: events with their places, and the faults of the others."""

    events: tuple[tuple[int, GenericEvent], ...]
    faults: tuple[tuple[int, str], ...]


def verify(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Check a request; returns its event id.

    Raises:
        BadSignature: for every cause alike.
    """
    event_id, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    signatures = [part.removeprefix("v1,") for part in headers.get("webhook-signature", "").split(" ")[:10]]
    signed = f"{event_id}.{moment}.".encode() + body
    good = False
    for secret in secrets:
        expected = base64.b64encode(hmac.digest(_key(secret), signed, "sha256")).decode()
        for signature in signatures:
            good = hmac.compare_digest(expected.encode(), signature.encode()) or good
    in_time = (
        moment.isascii() and moment.isdigit() and abs(int(moment[:15]) - now.timestamp()) <= TOLERANCE_SECONDS
    )
    if not (good and in_time and 0 < len(event_id) <= 200):
        raise BadSignature
    return event_id


def read_body(body: bytes) -> Readable:
    """Read the events of a verified body.

    Raises:
        FaultyInput: it is no JSON object, or its only event cannot be read.
    """
    document = _document(body)
    single = "events" not in document
    items = [document] if single else document["events"]
    if not isinstance(items, list) or len(items) > EVENTS:
        raise FaultyInput([Fault("events", f"must be a list of at most {EVENTS} events")])
    events, faults = [], []
    for index, item in enumerate(items):
        try:
            events.append((index, GenericEvent.model_validate(item)))
        except ValidationError as error:
            found = [
                Fault(".".join(map(str, part["loc"])) or "(event)", part["msg"]) for part in error.errors()
            ]
            if single:
                raise FaultyInput(found) from None
            faults.append((index, "; ".join(map(str, found))))
    return Readable(tuple(events), tuple(faults))


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise FaultyInput([Fault("(body)", "is not JSON")]) from None
    if not isinstance(document, dict):
        raise FaultyInput([Fault("(body)", "must be a JSON object")])
    return document


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise FaultyInput([Fault("secret", "is not whsec_ and base64")]) from None
