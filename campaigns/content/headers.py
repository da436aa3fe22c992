"""Header fields as octets: RFC 5322 structure, RFC 2047 words, folded, never a stray line break.

Promise: a value with a control character (C0, DEL, C1, U+2028, U+2029) or a lone surrogate is refused, never
cleaned in silence; only display names and subjects are ever encoded words, of at most 75 characters, none
cutting a character, on lines of at most 76; identifiers and links are printable ASCII or refused. Fails with
HeaderFault, which names the field and the problem and never repeats the value.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Final

from campaigns.content.render import RecipientFault

# An encoded word holds 52 characters of payload: with its frame and the longest field name before it the line
# stays below 76.
_PAYLOAD: Final = 52
_LINE: Final = 76
_MAX_LINE: Final = 998
_MAX_ADDRESS: Final = 254

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]").search
_ASCII: Final = re.compile(r"[ -~]*").fullmatch
_ATOMS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*").fullmatch
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
).fullmatch
_MESSAGE_ID: Final = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>").fullmatch
_DOMAIN: Final = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+").fullmatch
_URI: Final = re.compile(r"[a-z]+:[!-+\-.-;=?-~]+").fullmatch
_FEEDBACK_ID: Final = re.compile(r"(?:[!-9;-~]*:){0,3}[!-9;-~]{5,15}").fullmatch
_STEM: Final = re.compile(r"[A-Za-z0-9]{1,40}").fullmatch
_FIELD_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*").fullmatch
# RFC 2047 section 5 (3): what may stand unencoded in a Q word wherever it is used.
_Q_UNSAFE: Final = re.compile(rb"[^ A-Za-z0-9!*+/-]")

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class HeaderFault(RecipientFault):
    """A value cannot stand in a header field."""


def mailbox_field(name: str, display_name: str, address: str) -> bytes:
    """`Name: "Display name" <address>`: one mailbox, never two. `address` is ASCII, its domain in A-labels."""
    if not _ADDRESS(address) or len(address) > _MAX_ADDRESS:
        raise HeaderFault(f"{name}: the address is not one plain ASCII address with its domain in A-labels")
    display_name = display_name.strip(" ")
    if not display_name:
        return f"{name}: {address}\r\n".encode()
    _refuse_controls(name, display_name)
    phrase = _phrase(display_name)
    last_line = len(phrase) - phrase.rfind("\n") + (0 if "\n" in phrase else len(name) + 2)
    gap = " " if last_line + len(address) + 3 <= _LINE else "\r\n "
    return f"{name}: {phrase}{gap}<{address}>\r\n".encode()


def text_field(name: str, text: str) -> bytes:
    """An unstructured field such as Subject: folded at blanks if ASCII, else encoded words."""
    _refuse_controls(name, text)
    body = _folded(text, _LINE - len(name) - 2) if _ASCII(text) else None
    return f"{name}: {_encoded_words(text) if body is None else body}\r\n".encode()


def date_field(moment: datetime) -> bytes:
    """Date in RFC 5322 section 3.3 form with a numeric zone. A naive moment is a ValueError."""
    offset = moment.strftime("%z")
    if not offset:
        raise ValueError("the date of a message needs a time zone")
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"Date: {day}, {moment.day:02} {month} {moment:%Y %H:%M:%S} {offset[:5]}\r\n".encode()


def message_id_field(message_id: str) -> bytes:
    """Message-ID, given with its angle brackets."""
    return _exact("Message-ID", message_id, bool(_MESSAGE_ID(message_id)))


@lru_cache(maxsize=256)  # there are few lists and many messages
def list_id_field(list_name: str, list_id: str) -> bytes:
    """List-Id (RFC 2919): the phrase only where it is plain ASCII, since the field is never an encoded word."""
    if not _DOMAIN(list_id):
        raise HeaderFault("List-Id: the identifier is not a domain-like name")
    _refuse_controls("List-Id", list_name)
    phrase = _quoted(list_name) if list_name.strip() and _ASCII(list_name) and len(list_name) <= 120 else ""
    gap = " " if phrase and len(phrase) + len(list_id) + 13 <= _LINE else "\r\n " if phrase else ""
    return _exact("List-Id", f"{phrase}{gap}<{list_id}>", possible=True)


def list_unsubscribe_field(https: str, mailto: str | None) -> bytes:
    """List-Unsubscribe (RFC 2369, RFC 8058): one web link, then the mail link; folded only at the comma
    between them."""
    if not _URI(https) or not https.startswith(("https://", "http://")):
        raise HeaderFault("List-Unsubscribe: the web link is not a printable ASCII link")
    if not mailto:
        return _exact("List-Unsubscribe", f"<{https}>", possible=True)
    if not _URI(mailto) or not mailto.startswith("mailto:"):
        raise HeaderFault("List-Unsubscribe: the mail link is not a printable ASCII mailto link")
    return _exact("List-Unsubscribe", f"<{https}>,\r\n <{mailto}>", possible=True)


def feedback_id_field(feedback_id: str) -> bytes:
    """Feedback-ID: up to four fields, the last a stable sender id of 5 to 15 characters."""
    return _exact("Feedback-ID", feedback_id, bool(_FEEDBACK_ID(feedback_id)))


def reference_field(name: str, form: str, message_id: str) -> bytes:
    """A field that a provider gives back in its news: `form` with TOKEN for the local part of the Message-ID, whose
    domain is left out, since some keep 80 characters only."""
    return constant_field(name, form.replace("TOKEN", message_id.strip("<>").partition("@")[0] + "@-"))


def boundary_stem(stem: str) -> bytes:
    """The campaign's part of a boundary: 1 to 40 letters and digits."""
    if not _STEM(stem):
        raise HeaderFault("a boundary stem is 1 to 40 letters and digits")
    return stem.encode("ascii")


def constant_field(name: str, value: str) -> bytes:
    """Any other field that is the same for the whole campaign: printable ASCII on one line."""
    if not _FIELD_NAME(name):
        raise HeaderFault("the name of a header field is letters, digits and hyphens")
    return _exact(name, value, bool(value.strip()) and bool(_ASCII(value)))


def _exact(name: str, value: str, possible: bool) -> bytes:
    """A field whose value is given as it is, already folded."""
    fits = (
        len(name) + 2 + len(value) <= _MAX_LINE
        or max(map(len, value.split("\r\n"))) <= _MAX_LINE - len(name) - 2
    )
    if not (possible and fits):
        raise HeaderFault(f"{name}: the value does not have the form of this field")
    return f"{name}: {value}\r\n".encode("ascii")


def _refuse_controls(name: str, value: str) -> None:
    if _CONTROL(value):
        raise HeaderFault(f"{name}: the value contains a control character")


def _phrase(display_name: str) -> str:
    """A display name as atoms, as a quoted string, or as encoded words."""
    if not _ASCII(display_name) or "=?" in display_name or len(display_name) > _PAYLOAD:
        return _encoded_words(display_name)
    return display_name if _ATOMS(display_name) else _quoted(display_name)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _folded(text: str, room: int) -> str | None:
    """ASCII text folded at single blanks; None where only encoded words give it back exactly."""
    if "=?" in text or "  " in text or text != text.strip(" ") or not text:
        return None
    lines, line = [], ""
    for word in text.split(" "):
        if len(word) > _LINE - len("Subject: "):
            return None
        if line and len(line) + 1 + len(word) > room:
            lines.append(line)
            line, room = word, _LINE - 1
        else:
            line = f"{line} {word}" if line else word
    return "\r\n ".join([*lines, line])


def _encoded_words(text: str) -> str:
    """RFC 2047 words, B or Q, whichever is shorter; between words there is only a fold, which readers drop."""
    parts: Iterable[str]
    octets = text.encode()
    as_q = len(octets) + 2 * len(_Q_UNSAFE.findall(octets))
    as_b = (len(octets) + 2) // 3 * 4
    if as_q <= as_b:
        parts = [_q(octets)] if as_q <= _PAYLOAD else _q_parts(text)
        return "\r\n ".join([f"=?utf-8?q?{part}?=" for part in parts])
    parts = [b2a_base64(octets, newline=False).decode()] if as_b <= _PAYLOAD else _b_parts(text)
    return "\r\n ".join([f"=?utf-8?b?{part}?=" for part in parts])


def _q(octets: bytes) -> str:
    escaped = _Q_UNSAFE.sub(lambda found: b"=%02X" % found.group()[0], octets)
    return escaped.replace(b" ", b"_").decode("ascii")


def _q_parts(text: str) -> Iterator[str]:
    part = ""
    for character in text:
        shown = _q(character.encode())
        if len(part) + len(shown) > _PAYLOAD:
            yield part
            part = ""
        part += shown
    yield part


def _b_parts(text: str) -> Iterator[str]:
    part = b""
    for character in text:
        octets = character.encode()
        if len(part) + len(octets) > _PAYLOAD // 4 * 3:
            yield b2a_base64(part, newline=False).decode()
            part = b""
        part += octets
    yield b2a_base64(part, newline=False).decode()
