"""What a failure means for an address: one table. Pure.

Hard means that the address does not exist or will not exist again. Policy, reputation, full and suspended
mailboxes never are, even when they come with 5.1.x: an explicit text outranks a generic code, and neither
4.x nor 5.7.x is ever hard. Sources: RFC 3463 3, IANA's registry of enhanced status codes (RFC 5248), RFC
7505.
"""

from __future__ import annotations

import re
from typing import Final

from campaigns.feedback.event import BounceClass

_TEXT_CHARACTERS: Final = 1_000


def _texts(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases), re.IGNORECASE)


#: What servers say, the strongest first: refusals of the sender often quote words about the address.
_SAID: Final[tuple[tuple[re.Pattern[str], BounceClass], ...]] = (
    (
        _texts(
            r"\bspam",
            r"\bblock(?:ed|list)",
            r"black ?list",
            r"\bpolicy",
            r"reputation",
            r"\bdmarc\b|\bspf\b|\bdkim\b",
            r"(?:access|relay(?:ing)?) denied|relay not permitted|not (?:permitted|allowed) to",
            r"too many (?:messages|connections|recipients)|rate limit",
            r"recipient preferences",
            r"message (?:content )?rejected|content (?:filter|rejected)|virus",
        ),
        "policy",
    ),
    (
        _texts(
            r"(?:mailbox|inbox) (?:is |was )?(?:over)?full",
            r"over ?quota|quota (?:is )?exceed|exceed\w* \w* ?quota",
            r"insufficient (?:system )?storage|out of storage|not enough (?:storage )?space",
        ),
        "full",
    ),
    (
        _texts(
            r"(?:account|mailbox|user|address) (?:\S+ )?(?:is |has been )?(?:temporarily )?"
            r"(?:disabled|suspended|inactive|locked)",
        ),
        "other",
    ),
    (
        _texts(
            r"(?:user|recipient|mailbox|account|address)\b[^.;\n]{0,60}?\b(?:unknown|not found|does(?: not|n't) exist)",
            r"unknown (?:user|recipient|mailbox|account|address|local)",
            r"no (?:such|valid) (?:user|recipient|mailbox|account|address|person)",
            r"(?:invalid|bad destination) (?:recipient|mailbox|user|address)",
            r"no mailbox (?:here )?by that name",
            r"(?:host|domain)(?: name)? (?:\S+ )?(?:not found|does(?: not|n't) exist|unknown)",
            r"no such (?:host|domain)|nxdomain",
            r"null ?mx|does not accept (?:any )?e?-?mail",
            r"unrouteable address|invalid domain",
            r"does(?: not|n't) have an? \S{1,100} account",
        ),
        "hard",
    ),
)
_CODES: Final[tuple[tuple[re.Pattern[str], BounceClass], ...]] = (
    (re.compile(r"5\.1\.(?:1|2|3|6|10)"), "hard"),
    (re.compile(r"5\.2\.2"), "full"),
)
_ENHANCED: Final = re.compile(r"(?<![\d.])5\.\d{1,3}\.\d{1,3}(?![\d.])")


def classify(status: str | None, diagnostic: str | None, stated: BounceClass | None = None) -> BounceClass:
    """The class of a failure from its enhanced status code, what the server said, and what a provider
    calls it.

    A provider's own word counts first, but makes nothing hard that the code says is passing or a refusal.
    """
    said = (diagnostic or "")[:_TEXT_CHARACTERS]
    code = (status or "").strip()
    if not code or code.startswith("5.0.0"):
        found = _ENHANCED.search(said)
        code = found[0] if found else code
    if code.startswith("4."):
        return "soft"
    if code.startswith("5.7."):
        return "policy"
    if stated is not None:
        return stated
    for pattern, meaning in _SAID:
        if pattern.search(said):
            return meaning
    return next((meaning for pattern, meaning in _CODES if pattern.fullmatch(code)), "other")
