"""Taking a message apart, as far as reports need it. Pure.

Written for hostile octets: one pass, bounded depth, parts, headers and octets, no recursion into what a
report returns. Lines may end with CRLF, LF or CR, alike. Fails with `TooComplex` where a limit is passed;
whatever else is malformed is read as well as it can be. Sources: RFC 2045 5.1 and 6, RFC 2046 5.1, RFC
5322 2.2.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from campaigns.errors import InputError

MESSAGE_OCTETS: Final = 10_000_000
PART_OCTETS: Final = 512 * 1024
HEAD_OCTETS: Final = 256 * 1024
HEAD_FIELDS: Final = 1_000
PARTS: Final = 100
DEPTH: Final = 8

_FIELD: Final = re.compile(rb"([!-9;-~]{1,100})[ \t]*:(.*)", re.DOTALL)
_PARAMETER: Final = re.compile(r';\s*([\w.*-]{1,40})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))')


class TooComplex(InputError):
    """The message passes a limit: too many parts, headers, or levels."""


@dataclass(frozen=True)
class Fields:
    """Header fields in order: lower-case name, unfolded value."""

    items: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        """The first value of a field, or nothing."""
        return next((value for found, value in self.items if found == name), "")

    @cached_property
    def content_type(self) -> str:
        """Media type in lower case; text/plain where none is said."""
        return self.get("content-type").partition(";")[0].strip().lower() or "text/plain"

    def parameter(self, name: str) -> str:
        """A parameter of Content-Type, or nothing."""
        for found in _PARAMETER.finditer(self.get("content-type")[:4_000]):
            if found[1].lower() == name:
                return re.sub(r"\\(.)", r"\1", found[2]) if found[2] is not None else found[3]
        return ""


@dataclass(frozen=True)
class Part:
    """A header and what follows it, with lines ending in LF."""

    fields: Fields
    body: bytes

    @property
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
    """The parts that are no multipart, depth first. A message within the message is one leaf.

    Raises:
        TooComplex: too deep or too many.
    """
    boundary = part.fields.parameter("boundary")
    if not (part.fields.content_type.startswith("multipart/") and boundary):
        yield part
        return
    if depth >= DEPTH:
        raise TooComplex
    for count, text in enumerate(_between(part.body, boundary)):
        if count >= PARTS:
            raise TooComplex
        yield from leaves(_part(text), depth + 1)


def read_fields(text: bytes) -> Fields:
    """The header fields of a text up to its first blank line.

    Raises:
        TooComplex: too many or too long.
    """
    head = text[1:] if text.startswith(b"\n") else text.partition(b"\n\n")[0]
    if len(head) > HEAD_OCTETS:
        raise TooComplex
    items = []
    for line in re.sub(rb"\n[ \t]+", b" ", head).split(b"\n"):
        found = _FIELD.fullmatch(line)
        if found:
            value = found[2].decode("utf-8", "replace")
            items.append((found[1].decode("ascii").lower(), " ".join(value.split())))
            if len(items) > HEAD_FIELDS:
                raise TooComplex
    return Fields(tuple(items))


def _part(text: bytes) -> Part:
    if text.startswith(b"\n"):
        return Part(Fields(()), text[1:])
    return Part(read_fields(text), text.partition(b"\n\n")[2])


def _between(body: bytes, boundary: str) -> Iterator[bytes]:
    """What stands between the delimiter lines; a missing last one is forgiven."""
    delimiter = re.compile(rb"(?m)^--" + re.escape(boundary.encode("utf-8", "replace")) + rb"(--)?[ \t]*$\n?")
    begin: int | None = None
    for found in delimiter.finditer(body):
        if begin is not None:
            yield body[begin : max(begin, found.start() - 1)]
        begin = None if found[1] else found.end()
        if begin is None:
            return
    if begin is not None:
        yield body[begin:]


def _lf(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text
