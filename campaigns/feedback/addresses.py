"""Finding mail addresses in somebody else's words. Pure.

Promise: every pattern takes time linear in the text. What is found looks like an address and may be none;
nothing is ever looked up or sent because of it.
"""

from __future__ import annotations

import re
from typing import Final

from campaigns.feedback.event import plain

ADDRESS_CHARACTERS: Final = 320
#: What no unquoted local part holds: what the standard forbids, and quotation marks, brackets and stops of many
#: languages, which stand beside addresses in running text.
_BESIDE: Final = r"\s<>()\[\]{}\",;:@=*|\\«»‹›“”„「」『』【】《》（）：；，、。\u2018\u200b\ufeff"
#: An address in running text: a quoted or plain local part, and a domain with a dot in it.
ADDRESS: Final = (
    r"(?:\"[^\"\s]{1,64}\"|(?!['`])[^" + _BESIDE + r"]{1,64}|\"[^\"\n]{1,64}\")@(?:[\w-]{1,63}\.){1,10}"
    r"(?:[A-Za-z0-9-]{2,63}(?![A-Za-z0-9-])|[^\W\x00-\x7f]{2,63})"
)
_FOUND: Final = re.compile(ADDRESS)
_UNICODE_POINT: Final = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_SOURCE_ROUTE: Final = re.compile(r"^@[^:]*:")
_WHOLE: Final = re.compile(r".{1,64}@(?:[\w-]{1,63}\.){1,10}[\w-]{2,63}", re.DOTALL)
#: Local parts that speak for a mail system and never are the one that failed, unless nobody else is named.
_SYSTEM: Final = frozenset(
    {
        "mailer-daemon",
        "mailerdaemon",
        "postmaster",
        "mail-daemon",
        "mdaemon",
        "daemon",
        "root",
        "abuse",
        "support",
    }
    | {"helpdesk", "help", "noreply", "no-reply", "donotreply", "webmaster", "hostmaster", "admin"}
)


def addresses(text: str) -> list[str]:
    """All addresses of a text in order, each once."""
    if "@" not in text:
        return []
    return list(dict.fromkeys(found.rstrip(".-") for found in _FOUND.findall(text)))


def first_address(text: str) -> str:
    """The first address of a text, or nothing; the one in angle brackets where there is one."""
    begin = text.find("<")
    inner = addresses(text[begin:]) if begin >= 0 else []
    found = inner or addresses(text)
    return found[0] if found else ""


def typed_address(text: str) -> str:
    """The address of `rfc822; a@b.example`, whatever its type; code points of RFC 6533 as characters."""
    address = text.partition(";")[2] if ";" in text else text
    spelled = plain(_UNICODE_POINT.sub(_character, address), ADDRESS_CHARACTERS).strip("<> ")
    return _SOURCE_ROUTE.sub("", spelled)


def whole(address: str) -> bool:
    """Whether this has the shape of a whole address: something, and a domain with a dot in it."""
    return _WHOLE.fullmatch(address) is not None and " " not in address.rpartition("@")[2]


def speaks_for_a_system(address: str) -> bool:
    """Whether the address is a mail system's own."""
    local = address.partition("@")[0].lower()
    return local in _SYSTEM or local.endswith(("-ctl", "-request", "-owner", "-admin", "-bounces"))


def _character(found: re.Match[str]) -> str:
    point = int(found[1], 16)
    return chr(point) if point <= 0x10FFFF else ""
