"""One piece of news about one delivery. Pure.

`claims` is there only where a token of ours came with the news: anybody can forge a failure report. An
event without it is kept as a hint and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from campaigns.tokens import TokenClaims

#: What a failure means for the address (`campaigns.feedback.classify`).
BounceClass = Literal["hard", "soft", "policy", "content", "network", "full", "other"]
Kind = Literal[
    "hard",
    "soft",
    "policy",
    "content",
    "network",
    "full",
    "other",
    "complaint",
    "unsubscribe",
    "objection",
    "stop",
    "reply",
    "receipt",
    "challenge",
    "not-spam",
    "authentication",
    "resubscribe",
    "delivered",
    "delayed",
    "auto-reply",
    "unreadable",
    "unknown",
]
#: Kinds that may record a "no": their caller answers only when it binds.
NOES: Final[frozenset[Kind]] = frozenset(
    {"hard", "complaint", "unsubscribe", "objection", "stop", "soft", "network", "other"}
)
DIAGNOSTIC_CHARACTERS: Final = 500
RAW_CHARACTERS: Final = 2_000


@dataclass(frozen=True)
class FeedbackEvent:
    """News from `source`, told apart by `event_id`; `status` is an enhanced status code (RFC 3463).

    `named` holds the addresses that the news itself names, where it is about several recipients at once;
    empty where it can only be about the one that the message was sent to. `raw` is what the source said, cut
    off where it is long. `about` is the fingerprint of the address that news without a token names.
    """

    source: str
    event_id: str
    kind: Kind
    claims: TokenClaims | None
    status: str | None = None
    diagnostic: str | None = None
    occurred_at: datetime | None = None
    named: tuple[str, ...] = ()
    raw: str | None = None
    about: bytes | None = None

    @property
    def verified(self) -> bool:
        """Whether it came with a token of ours."""
        return self.claims is not None


def plain(text: str, limit: int = DIAGNOSTIC_CHARACTERS) -> str:
    """Somebody else's text, fit to be stored: printable characters and single spaces, at most so many
    characters."""
    shown = " ".join(text[: 4 * limit].split())
    if not shown.isprintable():
        shown = "".join(character if character.isprintable() else " " for character in shown)
        shown = " ".join(shown.split())
    return shown[:limit]
