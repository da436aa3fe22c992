"""What a refusal means: the one place for answers in a session, failure reports and webhooks. Pure.

Promise: asked in this order: what the provider is known to mean, what the text says, the enhanced status code, the
reply code (`providers_words`, `phrases`). An address is called dead only by a permanent refusal, never by 4.x.x or
x.7.x, and only where more than words say so: a code of the address (5.1.x), the refusal of the recipient itself (RCPT),
or the reporting system's own knowledge. Always takes time linear in the text, and at most TEXT_CHARACTERS of it.
Sources: RFC 3463 3, RFC 5321 4.2.3, RFC 7504, RFC 7505, IANA's registry of enhanced status codes (RFC 5248).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from campaigns.delivery.matching import PhraseTable
from campaigns.delivery.nobody_there import NOBODY
from campaigns.delivery.phrases import SAID, Cause
from campaigns.delivery.providers_words import PROVIDERS

Stage = Literal["connect", "mail", "rcpt", "data", "dot", "local"]
"""Where in the conversation an answer was given; `local` is our own refusal, before the server was asked."""

#: So much of a text is read.
TEXT_CHARACTERS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Said:
    """A refusal: reply code and enhanced status code as far as they are known apart from the text, where it was said
    (None where nobody knows), and whether the reporting system speaks for itself rather than quote another. A status
    code that is none counts as not known."""

    text: str
    code: int | None = None
    enhanced: str | None = None
    stage: Stage | None = None
    own: bool = False


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What it means, by which rule, and whether more than one sign says so."""

    cause: Cause
    why: str
    certain: bool = True


def diagnose(said: Said) -> Diagnosis:
    """The cause of a refusal."""
    text = " ".join(said.text[:TEXT_CHARACTERS].lower().split())
    code = said.code if said.code is not None else reply_code(text)
    enhanced = _most_telling(enhanced_code(text), stated_code(said.enhanced or "") or None)
    passing = enhanced.startswith(("2.", "4.")) or (code is not None and code // 100 != 5)
    found = _found(text, code, enhanced, said)
    if found.cause is Cause.ADDRESS_DEAD and (passing or enhanced.startswith(("4.7.", "5.7."))):
        cause = Cause.ADDRESS if passing else Cause.POLICY
        return Diagnosis(cause, f"{found.why}, but the code is {enhanced or code}", certain=False)
    return found


def plain_words(text: str) -> str:
    """A text in small letters without addresses, links and most punctuation, between two spaces."""
    bare = _ADDRESS.sub(" ", _LINK.sub(" ", text)) if "@" in text or "://" in text else text
    return f" {' '.join(bare.translate(_PUNCTUATION).split())} "


def enhanced_code(text: str) -> str:
    """The first enhanced status code of a failure in a text, or nothing; one that says something before X.0.0. What
    went well in a transcript, and versions of programs that begin with 2, are none."""
    return _first_code(_ENHANCED, text)


def stated_code(text: str) -> str:
    """The enhanced status code that a field states; it may be one of success."""
    return _first_code(_STATED, text)


def reply_code(text: str) -> int | None:
    """The first reply code of a refusal in a text, or None."""
    found = _REPLY.search(text)
    return int(found[1]) if found else None


def cause_of_codes(code: int | None, enhanced: str) -> Cause:
    """What the codes alone tell of the cause; X.0.0 and no code tell nothing."""
    if not enhanced or enhanced.endswith(".0.0"):
        return _BY_REPLY.get(code or 0, Cause.UNKNOWN)
    _, subject, detail = (int(part) for part in enhanced.split("."))
    return _BY_DETAIL.get((subject, detail)) or _BY_SUBJECT.get(subject, Cause.UNKNOWN)


def _first_code(pattern: re.Pattern[str], text: str) -> str:
    vague = ""
    for found in pattern.finditer(text):
        if not found[0].endswith(".0.0"):
            return found[0]
        vague = vague or found[0]
    return vague


def _found(text: str, code: int | None, enhanced: str, said: Said) -> Diagnosis:
    provider = _PROVIDERS.first(text)
    if provider is not None:
        return Diagnosis(provider[0], f"provider: {provider[1]}")
    words = plain_words(text)
    by_code = cause_of_codes(code, enhanced)
    nobody = _NOBODY.first(words)
    stated = _SAID.first(words)
    if stated is not None and not (nobody and stated[0] in _WEAKER):
        return Diagnosis(stated[0], f"text: {stated[1]}")
    if nobody is not None and not (nobody[1] in _UNAVAILABLE and enhanced.startswith(_OF_THE_MAILBOX)):
        return _nobody(nobody[1], enhanced, said)
    if by_code is Cause.ADDRESS_DEAD and said.stage in _NOT_ABOUT_THE_RECIPIENT:
        return Diagnosis(
            Cause.ADDRESS, f"code {enhanced}, said before the recipient was named", certain=False
        )
    if by_code is not Cause.UNKNOWN:
        return Diagnosis(by_code, f"code {enhanced or code}")
    return _by_place(words, code, enhanced, said)


def _nobody(phrase: str, enhanced: str, said: Said) -> Diagnosis:
    """The words say that nobody is there: who else says so?"""
    why = f"text: {phrase}"
    if said.stage in _NOT_ABOUT_THE_RECIPIENT:
        return Diagnosis(Cause.SENDER, f"{why}, said before the recipient was named", certain=False)
    if enhanced.startswith("5.1.") or enhanced in _ABOUT_THE_ADDRESS:
        return Diagnosis(Cause.ADDRESS_DEAD, f"{why}, code {enhanced}")
    if said.stage is None and _QUOTED_RECIPIENT.search(said.text[:TEXT_CHARACTERS]):
        return Diagnosis(Cause.ADDRESS_DEAD, f"{why}, of the recipient it quotes")
    if said.stage == "rcpt" or said.own:
        return Diagnosis(Cause.ADDRESS_DEAD, f"{why}, {'RCPT refused' if not said.own else 'own knowledge'}")
    return Diagnosis(Cause.ADDRESS, f"{why}, and nothing else", certain=False)


def _by_place(words: str, code: int | None, enhanced: str, said: Said) -> Diagnosis:
    """550 to RCPT without an enhanced code and without another reason is "no such mailbox" (RFC 5321 4.2.3)."""
    spoken = _CODES.sub(" ", words).strip()
    about = not spoken or any(noun in spoken for noun in _NOUNS)
    if said.stage == "rcpt" and code in (550, 556) and about and (not enhanced or enhanced == "5.0.0"):
        return Diagnosis(Cause.ADDRESS_DEAD, f"{code} to RCPT", certain=not spoken)
    return Diagnosis(Cause.UNKNOWN, "nothing known", certain=False)


def _most_telling(spoken: str, stated: str | None) -> str:
    """The server's own words outrank what a report puts beside them, unless they tell less."""
    if not stated or (spoken and not spoken.endswith(".0.0")):
        return spoken or stated or ""
    return stated


_PROVIDERS: Final = PhraseTable(PROVIDERS)
_SAID: Final = PhraseTable(SAID)
_NOBODY: Final = PhraseTable([(Cause.ADDRESS_DEAD, NOBODY)])
# An IP address is no status code, neither is the version of a program.
_ENHANCED: Final = re.compile(r"(?<![\d.\w/])[45]\.\d{1,3}\.\d{1,3}(?!\.?\d)")
_STATED: Final = re.compile(r"(?<![\d.\w/])[245]\.\d{1,3}\.\d{1,3}(?!\.?\d)")
_REPLY: Final = re.compile(r"(?<![\d./\w-])([45][0-5]\d)(?=[\s\-:,#;'\"<]|\Z)")
# `550 5.1.1 <a@b.example>: User unknown`: the answer to RCPT of Postfix and its kin.
_QUOTED_RECIPIENT: Final = re.compile(r"55\d[ :-]{1,3}(?:5\.\d\.\d{1,3} )?<[^<>\s]{1,320}>:\s")
_CODES: Final = re.compile(r"[-#\d.]+")
_ADDRESS: Final = re.compile(r"[^\s<>()\"',;:]{1,100}@[^\s<>()\"',;:]{1,255}")
_LINK: Final = re.compile(r"https?://[^\s<>\"]{1,500}")
_PUNCTUATION: Final = str.maketrans(
    {**dict.fromkeys('<>()[]{}"*=;,:|!?_`~\n\r\t', " "), "\N{RIGHT SINGLE QUOTATION MARK}": "'"}
)
_NOT_ABOUT_THE_RECIPIENT: Final = frozenset({"connect", "mail", "local"})
_NOUNS: Final = ("recipient", "user", "mailbox", "account", "address", "unavailable", "alias")
_ABOUT_THE_ADDRESS: Final = frozenset({"5.4.4", "5.4.310", "5.5.0"})
#: RFC 5321's own words for 550: "not found, no access, or command rejected for policy reasons"; a code tells which.
_UNAVAILABLE: Final = frozenset({"mailbox unavailable", "mailbox not available"})
_OF_THE_MAILBOX: Final = ("4.2.", "5.2.")
#: What a text may also say of an unknown address without meaning something else by it.
_WEAKER: Final = frozenset({Cause.NETWORK, Cause.SYSTEM, Cause.PROTOCOL})

# RFC 3463 3.2-3.8; 1.10 is RFC 7505, 1.351 is Microsoft's.
_BY_DETAIL: Final[Mapping[tuple[int, int], Cause]] = MappingProxyType(
    {
        **dict.fromkeys([(1, 1), (1, 2), (1, 3), (1, 6), (1, 10)], Cause.ADDRESS_DEAD),
        (1, 351): Cause.ADDRESS_DEAD,
        (1, 7): Cause.SENDER,
        (1, 8): Cause.SENDER,
        (2, 1): Cause.MAILBOX_DISABLED,
        (2, 2): Cause.MAILBOX_FULL,
        (2, 3): Cause.TOO_BIG,
        (3, 4): Cause.TOO_BIG,
        (7, 13): Cause.MAILBOX_DISABLED,
        **dict.fromkeys(
            [(7, detail) for detail in (20, 21, 22, 23, 24, 25, 26, 27, 29, 509, 512, 515)],
            Cause.AUTHENTICATION,
        ),
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
_BY_REPLY: Final[Mapping[int, Cause]] = MappingProxyType(
    {
        **dict.fromkeys((500, 501, 502, 503, 504, 555), Cause.PROTOCOL),
        **dict.fromkeys((421, 451, 452), Cause.SYSTEM),
        525: Cause.MAILBOX_DISABLED,
    }
)
