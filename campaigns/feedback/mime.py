"""Taking a message apart, as far as reports need it. Pure.

Written for hostile octets: one pass, bounded depth, parts, headers and octets, no recursion into what a
report returns. Lines may end with CRLF, LF or CR, alike. Fails with `TooComplex` where a limit is passed;
whatever else is malformed is read as well as it can be. Sources: RFC 2045 5.1 and 6, RFC 2046 5.1, RFC
2047 2, RFC 5322 2.2.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from typing import Final

from campaigns.errors import InputError

MESSAGE_OCTETS: Final = 10_000_000
PART_OCTETS: Final = 512 * 1024
#: So much of a text is read as words; reports say what they have to say at their beginning.
TEXT_OCTETS: Final = 64 * 1024
HEAD_OCTETS: Final = 256 * 1024
HEAD_FIELDS: Final = 1_000
PARTS: Final = 100
DEPTH: Final = 8
#: So many lines may begin like a delimiter.
DELIMITERS: Final = 10_000

_FIELD: Final = re.compile(r"^([!-9;-~]{1,100})[ \t]*:(.*)", re.MULTILINE)
_PARAMETER: Final = re.compile(r';\s*([\w.*-]{1,40})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))')
_ENCODED_WORD: Final = re.compile(
    r"=\?([\w-]{2,40})(?:\*[\w-]{1,20})?\?([bBqQ])\?([^?\s]{0,400})\?=(?:\s+(?==\?))?"
)
_CHARSET: Final = re.compile(
    r"(?:us-ascii|ascii|utf-?8|latin-?1|koi8-[ru]|(?:iso-|windows-|cp)[\d-]{3,10}[ei]?|iso-2022-(?:jp|kr)(?:-\d)?"
    r"|euc-(?:jp|kr)|(?:x-)?(?:shift_jis|sjis)|gb2312|gbk|gb18030|big5|utf-16(?:le|be)?|tis-620)"
)
_BREAK: Final = re.compile(r"<(?:br|/p|/div|/tr|/li|/h\d|p|div|tr)\b[^<>]{0,500}>", re.IGNORECASE)
_TAG: Final = re.compile(r"<[!/?a-zA-Z][^<>]{0,2000}>")
_UNNAMED: Final = re.compile(rb"(?:^|\n) ?--([^\s]{4,70})[ \t]*\n(?=content-)", re.IGNORECASE)


class TooComplex(InputError):
    """The message passes a limit: too many parts, headers, or levels."""


@dataclass(frozen=True)
class Fields:
    """Header fields in order: lower-case name, unfolded value."""

    items: tuple[tuple[str, str], ...]

    @cached_property
    def _first(self) -> dict[str, str]:
        return dict(reversed(self.items))

    def get(self, name: str) -> str:
        """The first value of a field, or nothing."""
        return self._first.get(name, "")

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value for found, value in self.items if found == name]

    @cached_property
    def content_type(self) -> str:
        """Media type in lower case; text/plain where none is said."""
        return self.get("content-type").partition(";")[0].strip().lower() or "text/plain"

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The parameters of Content-Type by their names in small letters; the first of two alike counts."""
        stated: dict[str, str] = {}
        for found in _PARAMETER.finditer(self.get("content-type")[:1_000]):
            value = re.sub(r"\\(.)", r"\1", found[2]) if found[2] is not None else found[3]
            stated.setdefault(found[1].lower(), value)
        return stated

    def parameter(self, name: str) -> str:
        """A parameter of Content-Type, or nothing."""
        return self.parameters.get(name, "")


@dataclass(frozen=True)
class Part:
    """A header and what follows it, with lines ending in LF."""

    fields: Fields
    body: bytes

    @cached_property
    def content(self) -> bytes:
        """The start of the body without its transfer encoding; as it stands where that cannot be undone."""
        body = self.body[:PART_OCTETS]
        encoding = self.fields.get("content-transfer-encoding").strip().lower()
        try:
            if encoding == "base64":
                return _lf(binascii.a2b_base64(body))
            if encoding == "quoted-printable":
                return _lf(binascii.a2b_qp(body))
        except binascii.Error:
            return body
        return body

    @cached_property
    def text(self) -> str:
        """The beginning of the content as words; HTML without its tags."""
        text = decoded(self.content[:TEXT_OCTETS], self.fields.parameter("charset"))
        return without_tags(text) if self.fields.content_type == "text/html" else text


def read_message(raw: bytes) -> Part:
    """The outermost header and body.

    Raises:
        TooComplex: the header passes a limit.
    """
    text = _lf(raw[:MESSAGE_OCTETS]).lstrip(b"\n")
    if text.startswith(b"From "):  # the line that a mailbox file puts before a message
        text = text.partition(b"\n")[2]
    return _part(text)


def leaves(part: Part, depth: int = 0) -> Iterator[Part]:
    """The parts that are no multipart, depth first. A message within the message is one leaf; so is a multipart
    whose boundary never comes.

    Raises:
        TooComplex: too deep or too many.
    """
    boundary = part.fields.parameter("boundary") if part.fields.content_type.startswith("multipart/") else ""
    if not boundary:
        yield part
        return
    if depth >= DEPTH:
        raise TooComplex
    count = 0
    for count, text in enumerate(_between(part.body, boundary.encode("utf-8", "replace")), 1):
        if count > PARTS:
            raise TooComplex
        yield from leaves(_part(text), depth + 1)
    if not count:
        yield part


def unnamed_parts(text: bytes) -> list[Part]:
    """The parts of a text that holds a multipart which no header announces; none where it holds none.

    Raises:
        TooComplex: too many.
    """
    found = _UNNAMED.search(text[:TEXT_OCTETS])
    if found is None:
        return []
    parts = []
    for inner in _between(text[:PART_OCTETS], found[1]):
        parts.append(_part(inner))
        if len(parts) > PARTS:
            raise TooComplex
    return parts


def read_fields(text: bytes) -> Fields:
    """The header fields of a text up to its first blank line.

    Raises:
        TooComplex: too many or too long.
    """
    head = text[1:] if text.startswith(b"\n") else text.partition(b"\n\n")[0]
    if len(head) > HEAD_OCTETS:
        raise TooComplex
    lines = head.decode("utf-8", "replace").replace("\n ", " ").replace("\n\t", " ")
    found = _FIELD.findall(lines)
    if len(found) > HEAD_FIELDS:
        raise TooComplex
    return Fields(tuple([(name.lower(), " ".join(value.split())) for name, value in found]))


def decoded(octets: bytes, charset: str = "") -> str:
    """Octets as text: in the character set that is said, if it can be; else what they look like."""
    name = charset.strip().lower()
    if b"\x1b$" in octets or b"\x1b(" in octets:
        name = "iso-2022-jp-2"
    if not _CHARSET.fullmatch(name):
        name = "utf-8"
    try:
        return octets.decode(name, "replace")
    except (LookupError, UnicodeError):
        return octets.decode("latin-1")


def words(value: str) -> str:
    """A header's value with its encoded words as text (RFC 2047)."""
    return _ENCODED_WORD.sub(_word, value[:4_000]) if "=?" in value else value


def without_tags(text: str) -> str:
    """The words of an HTML text, a line per block."""
    for name in ("style", "script"):
        text = _without_element(text, name)
    shown = _TAG.sub(" ", _BREAK.sub("\n", text))
    return unescape(shown).replace("\N{NO-BREAK SPACE}", " ")


def _without_element(text: str, name: str) -> str:
    kept, lower, at = [], text.lower(), 0
    while (begin := lower.find(f"<{name}", at)) >= 0 and (end := lower.find(f"</{name}", begin)) >= 0:
        kept.append(text[at:begin])
        at = end
    return "".join([*kept, text[at:]])


def _word(found: re.Match[str]) -> str:
    try:
        decode = binascii.a2b_base64 if found[2] in "bB" else binascii.a2b_qp
        octets = decode(found[3].replace("_", " "))
    except (binascii.Error, ValueError):
        return found[0]
    return decoded(octets, found[1])


def _part(text: bytes) -> Part:
    if text.startswith(b"\n"):
        return Part(Fields(()), text[1:])
    return Part(read_fields(text), text.partition(b"\n\n")[2])


def _between(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """What stands between the delimiter lines; a missing last one is forgiven."""
    delimiter = b"--" + boundary
    begin: int | None = None
    at = 0 if body.startswith(delimiter) else body.find(b"\n" + delimiter) + 1 or -1
    tried = 0
    while at >= 0:
        tried += 1
        if tried > DELIMITERS:
            raise TooComplex
        end = body.find(b"\n", at)
        rest = body[at + len(delimiter) : end if end >= 0 else len(body)].strip()
        if rest in {b"", b"--"}:
            if begin is not None:
                yield body[begin : max(begin, at - 1)]
            begin = end + 1 if end >= 0 and not rest else None
            if begin is None:
                return
        at = body.find(b"\n" + delimiter, end) + 1 or -1 if end >= 0 else -1
    if begin is not None:
        yield body[begin:]


def _lf(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text
