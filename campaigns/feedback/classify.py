"""What a refusal means for a person's address: the causes of `campaigns.delivery.diagnosis` in fewer words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from campaigns.delivery.diagnosis import Diagnosis, Said, diagnose, enhanced_code, stated_code
from campaigns.delivery.phrases import Cause
from campaigns.feedback.event import BounceClass

_CLASSES: Final[Mapping[Cause, BounceClass]] = MappingProxyType(
    {
        Cause.ADDRESS_DEAD: "hard",
        Cause.ADDRESS: "soft",
        Cause.SENDER: "policy",
        Cause.MAILBOX_FULL: "full",
        Cause.MAILBOX_DISABLED: "other",
        Cause.MAILBOX: "other",
        Cause.TOO_BIG: "content",
        Cause.SYSTEM: "soft",
        Cause.ROUTING: "network",
        Cause.NETWORK: "network",
        Cause.PROTOCOL: "other",
        Cause.CONTENT: "content",
        Cause.POLICY: "policy",
        Cause.AUTHENTICATION: "policy",
        Cause.RATE: "policy",
        Cause.UNKNOWN: "other",
    }
)
#: Classes that a passing failure (4.x.x) may have; any other is soft then.
_PASSING: Final = frozenset({"full", "policy", "content", "network"})


def classified(said: Said) -> tuple[BounceClass, Diagnosis]:
    """The class of a refusal, and how it was come by."""
    found = diagnose(said)
    kind = _CLASSES[found.cause]
    if is_passing(said) and kind not in _PASSING:
        return "soft", found
    return kind, found


def is_passing(said: Said) -> bool:
    """Whether the code says that it may go better later."""
    return (enhanced_code(said.text.lower()) or said.enhanced or str(said.code or "")).startswith("4")


def classify(status: str | None, diagnostic: str | None, stated: BounceClass | None = None) -> BounceClass:
    """The class of a failure from its enhanced status code, what the server said, and what a provider
    calls it.

    A provider's own word counts first, but makes nothing hard that the code says is passing or a refusal.
    """
    said = Said(diagnostic or "", enhanced=stated_code((status or "").lower()) or None)
    code = enhanced_code(said.text.lower()) or said.enhanced or ""
    if stated is None:
        return classified(replace(said, stage="rcpt"))[0]
    if code.startswith("4."):
        return "soft"
    return "policy" if code.startswith("5.7.") else stated
