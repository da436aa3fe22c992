"""What the HTTP entrance works with: made once by the wiring, read-only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from campaigns.errors import Unreachable
from campaigns.feedback.providers.base import Endpoint
from campaigns.keyring import KeyRing
from campaigns.planning.authority import Signing
from campaigns.tokens import TokenClaims, TokenMaker
from workers.web.pages import Pages
from workers.web.sns import Certificates


def _no_queue(_document: Mapping[str, Any]) -> None:
    raise Unreachable("there is no queue here")


def _no_guard(_endpoint: str) -> None:
    """What belongs to nobody else is always taken."""


View = Callable[[TokenClaims], str | None]


@dataclass(frozen=True)
class WebContext:
    """The register, the tokens, the pages; how the message of a delivery is made anew as a page (None where there is
    none any more); what each webhook endpoint believes, which of them confirm their subscription by themselves, and the
    guard over whose they are (raises `GuardRefused`); which lists can be joined by a form; where we are seen from
    outside; the readers' time zone. For programs: the keys, what submissions are signed with, and how one is put on the
    queue."""

    engine: sa.Engine
    tokens: TokenMaker
    ring: KeyRing
    pages: Pages
    view: View
    webhooks: Mapping[str, Endpoint] = field(repr=False)
    public_url: str
    time_zone: str
    confirming: frozenset[str] = frozenset()
    opt_in_lists: frozenset[str] = frozenset()
    certificates: Certificates = field(default_factory=Certificates)
    signing: Signing = field(default_factory=Signing)
    submit: Callable[[Mapping[str, Any]], None] = _no_queue
    guard_webhook: Callable[[str], None] = _no_guard

    @property
    def public_origin(self) -> str:
        """Scheme, host and port of the public URL, as a content policy names them."""
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"
