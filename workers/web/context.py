"""What the HTTP entrance works with: made once by the wiring, read-only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import sqlalchemy as sa

from campaigns.feedback.providers.base import Endpoint
from campaigns.tokens import TokenClaims, TokenMaker
from workers.web.pages import Pages
from workers.web.sns import Certificates

View = Callable[[TokenClaims], str | None]


@dataclass(frozen=True)
class WebContext:
    """The register, the tokens, the pages; how the message of a delivery is made anew as a page (None
    where there is none any more); what each webhook endpoint believes, and which of them confirm their
    subscription by themselves; where we are seen from outside; the readers' time zone."""

    engine: sa.Engine
    tokens: TokenMaker
    pages: Pages
    view: View
    webhooks: Mapping[str, Endpoint] = field(repr=False)
    public_url: str
    time_zone: str
    confirming: frozenset[str] = frozenset()
    certificates: Certificates = field(default_factory=Certificates)

    @property
    def public_origin(self) -> str:
        """Scheme, host and port of the public URL, as a content policy names them."""
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"
