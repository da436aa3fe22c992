"""Playing a provider: what it says, in the shape that it documents, and how it proves that it said so."""

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal

from cryptography.hazmat.primitives import serialization

from campaigns.feedback.event import Kind
from campaigns.feedback.providers.base import Endpoint

Key = Literal["new", "old", "foreign", "none"]
PUBLIC_URL = "https://post.timmero.example"


@dataclass(frozen=True)
class About:
    """What one event is about: our message, the person, its own id, and when."""

    message_id: str
    return_path: str
    address: str
    event_id: str
    moment: datetime

    @property
    def seconds(self) -> int:
        """The moment as a number."""
        return int(self.moment.timestamp())


@dataclass(frozen=True)
class Post:
    """One request."""

    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Sender(ABC):
    """One provider, with two keys that the endpoint believes and one that it does not."""

    name: ClassVar[str]
    content_type: ClassVar[str] = "application/json"
    #: Whether one request can hold many events.
    batches: ClassVar[bool] = True
    #: Whether a change of the body breaks the proof. Where it does not, the provider offers nothing better.
    covers_body: ClassVar[bool] = True
    #: Whether the proof stands in the body, so that there is none for what is no JSON.
    proof_in_body: ClassVar[bool] = False
    #: A resubscription, where the provider has such news.
    resubscribes: ClassVar[bool] = False

    @abstractmethod
    def endpoint(self) -> Endpoint:
        """What an endpoint for this provider believes: both keys."""

    @abstractmethod
    def items(self, about: About) -> dict[str, tuple[Any, Kind | None]]:
        """Events by a label, each with the kind that it must become (None: known, and not wanted).

        The labels hard, soft, complaint, delivered, unwanted and unknown must be there.
        """

    @abstractmethod
    def sign(self, post: Post, key: Key, moment: datetime) -> Post:
        """With the proof of the provider."""

    def body(self, items: Sequence[Any]) -> bytes:
        """The body that holds these events."""
        return json.dumps(list(items) if self.batches else items[0]).encode()

    def post(self, items: Sequence[Any], moment: datetime, key: Key = "new", endpoint: str = "") -> Post:
        """A whole request."""
        return self.raw(self.body(items), moment, key, endpoint)

    def raw(self, body: bytes, moment: datetime, key: Key = "new", endpoint: str = "") -> Post:
        """The same with any body."""
        path = f"/hooks/{self.name}/{endpoint or self.name}"
        return self.sign(Post(path, body, {"content-type": self.content_type}), key, moment)


def public_text(key: Any) -> str:
    """The public half of a key, as providers show it."""
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


def with_headers(post: Post, **headers: str) -> Post:
    """A request with more headers (underscores for hyphens)."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return Post(post.path, post.body, {**post.headers, **more})
