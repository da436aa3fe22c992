"""What every provider's webhook has in common: who may say something, and what was said. Pure.

Promise: nothing is believed before `verify` has passed, whose cause of refusal is for our own counters and
never for the caller. `read` tells the events of a body by the provider's table: what is known and not wanted
(opens, clicks) is left out, what is not known is kept as `unknown`, and one bad event does not lose the
others. No word of a provider lifts a "no". Fails with `NotAuthentic`, or with `FaultyInput` where nothing
in a body can be read.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, Final, Literal

from campaigns.errors import Fault, FaultyInput, InputError, UtskickError
from campaigns.feedback.classify import classify
from campaigns.feedback.event import RAW_CHARACTERS, BounceClass, Kind
from campaigns.feedback.providers.items import Item

Why = Literal["no key", "no proof", "wrong proof", "wrong time", "wrong address", "wrong topic"]
#: How a provider proves that it is itself.
Proof = Literal["secret", "public key", "topic"]
JSON: Final = frozenset({"application/json"})
#: Events whose own words nobody will want to read again.
_QUIET: Final[frozenset[Kind]] = frozenset({"delivered", "delayed"})
#: What a server may have said that no provider's word turns into a dead address.
_NOT_THE_ADDRESS: Final[frozenset[Kind]] = frozenset({"policy", "content", "full"})
_EVENT_ID: Final = re.compile(r"[!-~ ]{1,200}")


class NotAuthentic(UtskickError):
    """The request does not come from the provider."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why: Why = why


@dataclass(frozen=True)
class Arrival:
    """One request: its headers (names in lower case), body, the caller's network address, the URL as the
    provider sees it, and the time."""

    headers: Mapping[str, str]
    body: bytes
    caller: str
    url: str
    now: datetime


@dataclass(frozen=True)
class Endpoint:
    """What one endpoint believes: secrets or public keys (several while they change), topics, the networks
    that callers must come from (none: any), and the certificates known so far, by their URL."""

    provider: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    public_keys: tuple[str, ...] = ()
    topics: frozenset[str] = frozenset()
    source_ranges: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    certificates: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Failure:
    """A provider's word for a bounce, and what it calls it; what the receiving server said counts as well."""

    stated: BounceClass | None = None


Meaning = Kind | Failure | None
#: A provider's words and ours; None is for what we do not want to know.
Table = Mapping[str, Meaning]


@dataclass(frozen=True)
class ReportedEvent:
    """What one event says. `references` are places where a token of ours may stand, not yet verified;
    `named` are the recipients where it speaks of several."""

    event_id: str
    kind: Kind
    references: tuple[str, ...] = ()
    status: str | None = None
    diagnostic: str | None = None
    occurred_at: datetime | None = None
    named: tuple[str, ...] = ()
    raw: str | None = None


@dataclass(frozen=True)
class Readable:
    """What a body holds: its events, how many it has that nobody wants, and the faults of the rest, by place."""

    events: tuple[ReportedEvent, ...]
    ignored: int
    faults: tuple[tuple[int, str], ...]


class Provider(ABC):
    """One provider: stateless, one instance. A subclass says how it proves itself and what its words mean."""

    name: ClassVar[str]
    proof: ClassVar[Proof] = "secret"
    content_types: ClassVar[frozenset[str]] = JSON
    body_octets: ClassVar[int] = 2_000_000
    most_events: ClassVar[int] = 5_000
    #: How old a request may be, in seconds, where the provider signs its time.
    tolerance: ClassVar[int | None] = None
    #: The header that names a request, where an event without an id of its own is known by its place in that.
    request_id: ClassVar[str | None] = None

    def check(self, endpoint: Endpoint) -> list[str]:
        """What is wrong with an endpoint's keys."""
        problems = []
        keys = endpoint.public_keys if self.proof == "public key" else endpoint.secrets
        for number, key in enumerate(keys, 1):
            try:
                self._check_key(key)
            except InputError as error:
                problems.append(f"{self.proof} {number} cannot be used: {error}")
        if self.proof == "topic" and not endpoint.topics:
            problems.append("names no topics; without them anybody's messages would be believed")
        return problems

    def verify(self, endpoint: Endpoint, arrival: Arrival) -> None:
        """Whether a request is the provider's own, for this endpoint.

        Raises:
            NotAuthentic: it is not.
        """
        if endpoint.source_ranges and not _within(arrival.caller, endpoint):
            raise NotAuthentic("wrong address")
        self._authenticate(endpoint, arrival)

    def read(self, arrival: Arrival) -> Readable:
        """The events of a verified body.

        Raises:
            FaultyInput: there is nothing in it that can be read; says where it fails.
        """
        found = self._items(arrival)
        items = found if isinstance(found, list) else [found]
        if len(items) > self.most_events:
            raise FaultyInput([Fault("(body)", f"has more than {self.most_events} events")])
        events: list[ReportedEvent] = []
        ignored, faults = 0, []
        for index, value in enumerate(items):
            try:
                place = f"{arrival.headers[self.request_id]}:{index}" if self.request_id else ""
                told = [_finished(event, value, place) for event in self._events(Item.of(value))]
            except FaultyInput as error:
                faults.append((index, error))
                continue
            ignored += not told
            events += told
        if faults and len(faults) == len(items):
            raise FaultyInput(_placed(faults, alone=items is not found))
        problems = tuple((index, str(error).replace("\n", "; ")) for index, error in faults)
        return Readable(tuple(events), ignored, problems)

    @abstractmethod
    def _check_key(self, key: str) -> None:
        """Raise InputError for a key that cannot be used."""

    @abstractmethod
    def _authenticate(self, endpoint: Endpoint, arrival: Arrival) -> None:
        """Raise NotAuthentic for what the provider did not send."""

    def _items(self, arrival: Arrival) -> object:
        """The event of a body, or a list of them; by default the body is either."""
        return json_document(arrival.body)

    @abstractmethod
    def _events(self, item: Item) -> Iterable[ReportedEvent]:
        """What one item says; nothing where it is known and not wanted. An event may have no id of its own."""


def json_document(body: bytes | str) -> Any:
    """The JSON of a body.

    Raises:
        FaultyInput: it is none, or nested too deeply.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise FaultyInput([Fault("(body)", "is not JSON")]) from None


def kind_of(meaning: Kind | Failure, status: str | None, diagnostic: str | None) -> Kind:
    """Our word for an event, given its meaning in a table and what the receiving server said: a "hard bounce" of
    a full mailbox, or of a message that was not liked, is none."""
    if not isinstance(meaning, Failure):
        return meaning
    kind = classify(status, diagnostic, meaning.stated)
    said = classify(status, diagnostic) if kind == "hard" and meaning.stated == "hard" else kind
    return said if said in _NOT_THE_ADDRESS else kind


def _within(caller: str, endpoint: Endpoint) -> bool:
    try:
        address = ipaddress.ip_address(caller)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped in network for network in endpoint.source_ranges)


def _finished(event: ReportedEvent, value: object, place: str) -> ReportedEvent:
    """With an id that can be kept, and with its own words where somebody may want to read them."""
    event_id = event.event_id or place
    if not _EVENT_ID.fullmatch(event_id) or "@" in event_id:
        event_id = f"digest {_digest(event_id or value)}"
    said = event.raw
    if said is None and event.kind not in _QUIET:
        said = _written(value)
    return replace(event, event_id=event_id, raw=said[:RAW_CHARACTERS] if said else None)


def _digest(value: object) -> str:
    """Of what an event says, whatever the order of its fields."""
    return hashlib.sha256(_written(value).encode("utf-8", "surrogatepass")).hexdigest()


def _written(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    except RecursionError:
        raise FaultyInput([Fault("(event)", "is nested too deeply")]) from None


def _placed(faults: Iterable[tuple[int, FaultyInput]], *, alone: bool) -> list[Fault]:
    return [
        fault if alone else Fault(f"events.{index}.{fault.where}", fault.problem)
        for index, error in faults
        for fault in error.faults
    ]
