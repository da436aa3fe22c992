"""What a failure means for an address: one table. Pure.

Hard means that the address does not exist or will not exist again. Policy, reputation and full mailboxes never do, even
when they come with 5.1.x: an explicit text outranks a generic code, and 5.7.x is never hard.
"""

from __future__ import annotations

import re
from typing import Final

from campaigns.feedback.event import Kind

_TEXTS: Final[tuple[tuple[re.Pattern[str], Kind], ...]] = (
    (
        re.compile(r"spam|blocked|blacklist|policy|reputation|denied by|dmarc|not allowed", re.IGNORECASE),
        "policy",
    ),
    (
        re.compile(r"mailbox (?:is )?full|over ?quota|quota exceeded|insufficient storage", re.IGNORECASE),
        "full",
    ),
    (
        re.compile(
            r"user unknown|unknown user|no such (?:user|mailbox|recipient)|does not exist", re.IGNORECASE
        ),
        "hard",
    ),
    (
        re.compile(
            r"recipient (?:address )?(?:unknown|not found)|invalid (?:recipient|mailbox)", re.IGNORECASE
        ),
        "hard",
    ),
    (re.compile(r"(?:host|domain) not found|null mx|unrouteable address", re.IGNORECASE), "hard"),
)
_CODES: Final[tuple[tuple[re.Pattern[str], Kind], ...]] = (
    (re.compile(r"4\.\d{1,3}\.\d{1,3}"), "soft"),
    (re.compile(r"5\.1\.(?:1|2|3|6|10)"), "hard"),
    (re.compile(r"5\.2\.2"), "full"),
    (re.compile(r"5\.7\.\d{1,3}"), "policy"),
)
_TEXT_CHARACTERS: Final = 1_000


def classify(status: str | None, diagnostic: str | None) -> Kind:
    """The class of a failure from its status code and what the server said; "other" where neither tells."""
    status, text = (status or "").strip(), (diagnostic or "")[:_TEXT_CHARACTERS]
    if status.startswith("4."):
        return "soft"
    if status.startswith("5.7."):
        return "policy"
    for pattern, kind in _TEXTS:
        if pattern.search(text):
            return kind
    for pattern, kind in _CODES:
        if pattern.fullmatch(status):
            return kind
    return "other"
