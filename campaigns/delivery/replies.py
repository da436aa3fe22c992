"""What a mail server's answer means. Pure.

Promise: whether a message was taken, put off or refused is decided by the first digit of the reply code and by nothing
else (RFC 5321 4.2.1); the one exception is 552 to RCPT for too many recipients (RFC 5321 4.5.3.1.10). The enhanced
status code (RFC 3463, sent before the text as RFC 2034 says) and the text only tell the cause. Where the code's class
contradicts the reply code, it never calls an address dead; 5.7.x (policy) never does so either.
Fails with `ReplyFault` on bytes that are not an SMTP reply.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from campaigns.delivery.diagnosis import Said, Stage, diagnose
from campaigns.delivery.phrases import Cause
from campaigns.errors import InputError

__all__ = [
    "Cause",
    "Reply",
    "ReplyClass",
    "ReplyFault",
    "Stage",
    "blames_the_smarthost",
    "cause",
    "parse_reply",
    "reply_class",
]


class ReplyFault(InputError):
    """These bytes are not a reply of a mail server."""


class ReplyClass(Enum):
    """What happens to the delivery, by the first digit."""

    ACCEPTED = 2
    GO_ON = 3
    TRANSIENT = 4
    PERMANENT = 5


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole reply: code, enhanced status code ("5.1.1") where there is one, and the text without the two."""

    code: int
    enhanced: str | None
    text: str


def parse_reply(code: int, lines: Sequence[bytes]) -> Reply:
    """A reply from its code and its lines without the code (RFC 5321 4.2, RFC 2034 4).

    Bytes that are not UTF-8 and control characters become U+FFFD, so that the text can be stored anywhere.
    """
    enhanced: str | None = None
    texts: list[str] = []
    for line in lines:
        text = line.decode("utf-8", "replace")
        if not text.isprintable():
            text = text.translate(_NO_CONTROLS)
        if (found := _ENHANCED.match(text)) is not None:
            enhanced = enhanced or found[1]
            text = text[found.end() :]
        texts.append(text.strip())
    return Reply(code, enhanced, texts[0] if len(texts) == 1 else "\n".join(texts).strip())


def reply_class(code: int, enhanced: str | None, stage: Stage) -> ReplyClass:
    """Taken, go on, put off or refused.

    Raises:
        ReplyFault: the first digit is none of 2, 3, 4, 5.
    """
    if code == 552 and stage == "rcpt" and enhanced in _TOO_MANY_RECIPIENTS:
        return ReplyClass.TRANSIENT
    found = _BY_FIRST_DIGIT.get(code // 100)
    if found is None:
        raise ReplyFault(f"A mail server answered {code}, which is no reply code.")
    return found


def cause(code: int | None, enhanced: str | None, stage: Stage, text: str = "") -> Cause:
    """Why a message was put off or refused: what the text and the codes tell (`diagnosis`)."""
    if code is None or stage == "connect":
        return Cause.SYSTEM
    if stage == "local" and code == _TOO_BIG:
        return Cause.TOO_BIG
    # Providers are known by their codes as well as by their words; a reply keeps the two apart.
    return diagnose(Said(f"{enhanced} {text}" if enhanced else text, code, enhanced, stage)).cause


def blames_the_smarthost(code: int, enhanced: str | None, stage: Stage) -> bool:
    """Whether a 4yz answer is about the smarthost or our standing with it rather than about this recipient.

    So 421 anywhere (RFC 5321 3.8), whatever was said before a recipient was named, and "system full" or "system not
    accepting messages" (RFC 3463 3.4). Such an answer does not use up one of the delivery's attempts.
    """
    return code == 421 or stage in {"connect", "mail"} or enhanced in _SYSTEM_SHUT


_BY_FIRST_DIGIT: Final = {kind.value: kind for kind in ReplyClass}
_ENHANCED: Final = re.compile(r"([245]\.(?:0|[1-9][0-9]{0,2})\.(?:0|[1-9][0-9]{0,2}))(?: |$)")
_NO_CONTROLS: Final = {**dict.fromkeys([*range(32), *range(127, 160)], "\N{REPLACEMENT CHARACTER}"), 9: " "}
_TOO_MANY_RECIPIENTS: Final = frozenset({None, "5.5.3", "4.5.3"})
_SYSTEM_SHUT: Final = frozenset({"4.3.1", "4.3.2"})
_TOO_BIG: Final = 552
