"""One piece of news about one delivery. Pure.

`verified` is True only where a token of ours, for a message that we sent, came with it: anybody can forge a failure
report. An event without it is kept as a hint and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from campaigns.tokens import TokenClaims

Kind = Literal[
    "hard",
    "soft",
    "policy",
    "full",
    "other",
    "complaint",
    "unsubscribe",
    "delivered",
    "delayed",
    "auto-reply",
    "unreadable",
]


@dataclass(frozen=True)
class FeedbackEvent:
    """News from `source`, told apart by `event_id`; `status` is an enhanced status code (RFC 3463)."""

    source: str
    event_id: str
    kind: Kind
    claims: TokenClaims | None
    status: str | None = None
    diagnostic: str | None = None
    occurred_at: datetime | None = None

    @property
    def verified(self) -> bool:
        """Whether it came with a token of ours."""
        return self.claims is not None
