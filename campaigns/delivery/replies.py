"""What a mail server's answer means. Pure.

Promise: whether a message was taken, put off or refused is decided by the first digit of the reply code and by nothing
else (RFC 5321 4.2.1); the one exception is 552 to RCPT for too many recipients (RFC 5321 4.5.3.1.10). The enhanced
status code (RFC 3463, sent before the text as RFC 2034 says) only tells the cause. Where its class contradicts the
reply code, it is kept for people to read but never calls an address dead; 5.7.x (policy) never does so either.
Fails with `ReplyFault` on bytes that are not an SMTP reply.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final, Literal

from campaigns.errors import InputError

Stage = Literal["connect", "mail", "rcpt", "data", "dot", "local"]
"""Where in the conversation an answer was given; `local` is our own refusal, before the server was asked."""


class ReplyFault(InputError):
    """These bytes are not a reply of a mail server."""


class ReplyClass(Enum):
    """What happens to the delivery, by the first digit."""

    ACCEPTED = 2
    GO_ON = 3
    TRANSIENT = 4
    PERMANENT = 5


class Cause(StrEnum):
    """Why a message was put off or refused. Only `ADDRESS_DEAD` says that the address will never work."""

    ADDRESS_DEAD = "address_dead"
    ADDRESS = "address"
    SENDER = "sender"
    MAILBOX_FULL = "mailbox_full"
    MAILBOX_DISABLED = "mailbox_disabled"
    MAILBOX = "mailbox"
    TOO_BIG = "too_big"
    SYSTEM = "system"
    ROUTING = "routing"
    PROTOCOL = "protocol"
    CONTENT = "content"
    POLICY = "policy"
    UNKNOWN = "unknown"


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


def cause(code: int | None, enhanced: str | None, stage: Stage) -> Cause:
    """Why a message was put off or refused, as far as the codes tell."""
    if code is None or stage == "connect":
        return Cause.SYSTEM
    if enhanced is None:
        return _BY_CODE.get((stage, code)) or _BY_ANY_STAGE.get(code, Cause.UNKNOWN)
    digit, subject, detail = (int(part) for part in enhanced.split("."))
    found = _BY_DETAIL.get((subject, detail)) or _BY_SUBJECT.get(subject, Cause.UNKNOWN)
    if found is Cause.ADDRESS_DEAD and not (digit == code // 100 == 5 and stage in _ABOUT_THE_RECIPIENT):
        return Cause.ADDRESS
    return found


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
_ABOUT_THE_RECIPIENT: Final = frozenset({"rcpt", "data", "dot"})

# RFC 3463 3.2-3.8; 1.10 is RFC 7505 (the domain accepts no mail).
_BY_DETAIL: Final[Mapping[tuple[int, int], Cause]] = MappingProxyType(
    {
        (1, 1): Cause.ADDRESS_DEAD,
        (1, 2): Cause.ADDRESS_DEAD,
        (1, 3): Cause.ADDRESS_DEAD,
        (1, 6): Cause.ADDRESS_DEAD,
        (1, 7): Cause.SENDER,
        (1, 8): Cause.SENDER,
        (1, 10): Cause.ADDRESS_DEAD,
        (2, 1): Cause.MAILBOX_DISABLED,
        (2, 2): Cause.MAILBOX_FULL,
        (2, 3): Cause.TOO_BIG,
        (3, 4): Cause.TOO_BIG,
    }
)
_BY_SUBJECT: Final[Mapping[int, Cause]] = MappingProxyType(
    {
        1: Cause.ADDRESS,
        2: Cause.MAILBOX,
        3: Cause.SYSTEM,
        4: Cause.ROUTING,
        5: Cause.PROTOCOL,
        6: Cause.CONTENT,
        7: Cause.POLICY,
    }
)

# Without an enhanced code: 550 to RCPT is "no such mailbox" (RFC 5321 4.2.3); 556 is RFC 7504.
_BY_CODE: Final[Mapping[tuple[Stage, int], Cause]] = MappingProxyType(
    {
        ("rcpt", 550): Cause.ADDRESS_DEAD,
        ("rcpt", 556): Cause.ADDRESS_DEAD,
        ("local", 552): Cause.TOO_BIG,
    }
)
_BY_ANY_STAGE: Final[Mapping[int, Cause]] = MappingProxyType(
    {
        **dict.fromkeys((500, 501, 502, 503, 504, 555), Cause.PROTOCOL),
        **dict.fromkeys((421, 451, 452), Cause.SYSTEM),
    }
)
