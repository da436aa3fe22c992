"""Quoted-printable in pieces that can be joined in any order (RFC 2045 section 6.7).

`encode` is a pure function of its chunk. Its result begins at column 0 and ends at column 0, by a soft break
unless the chunk ends in a line break, so a constant chunk is encoded once and its octets are spliced between
encoded values. Promises, for any text: lines of at most 76 octets; line breaks (CR LF, CR or LF alike) become
CRLF and no other CR or LF exists; no line begins with a dot, so SMTP has nothing to stuff; tabs, blanks
before a break and blanks after a blank are encoded, so that the octets are their own relaxed canonical form
(RFC 6376 section 3.4.4) and a signature need not look at them again. `close` ends a body so that exactly one
CRLF, the one that belongs to the boundary, follows the text. Fails with UnicodeEncodeError on a lone
surrogate.
"""

from __future__ import annotations

import re
from typing import Final

_SOFT: Final = b"=\r\n"
_ROOM: Final = 75  # 76 octets less the "=" of a soft break
_DOT: Final = ord(".")
_EQUALS: Final = ord("=")

_BREAK: Final = re.compile(r"\r\n|\r|\n")
_UNSAFE: Final = re.compile(rb"[^ -<>-~]|(?<= ) ")
# One line of printable ASCII that needs nothing but its soft break: most names.
_PLAIN: Final = re.compile(r"(?!\.)[ -<>-~]*[!-<>-~]").fullmatch
# One word without "=": most links.
_WORD: Final = re.compile(r"[!-<>-~]+").fullmatch


def encode(chunk: str) -> bytes:
    """The quoted-printable form of `chunk`, from column 0 to column 0; empty for an empty chunk."""
    if len(chunk) <= _ROOM:
        if _PLAIN(chunk) and "  " not in chunk:
            return chunk.encode("ascii") + _SOFT
    elif _WORD(chunk) and "." not in chunk[::_ROOM]:
        octets = chunk.encode("ascii")
        return b"".join([octets[at : at + _ROOM] + _SOFT for at in range(0, len(octets), _ROOM)])
    *lines, last = _BREAK.split(chunk)
    encoded = b"".join(_line(line) + b"\r\n" for line in lines)
    return encoded + _line(last) + _SOFT if last else encoded


def close(pieces: list[bytes]) -> None:
    """End a body, in place: the last soft break (or nothing) becomes the CRLF that the boundary begins with."""
    while pieces and not pieces[-1]:
        pieces.pop()
    if pieces and pieces[-1].endswith(_SOFT):
        pieces[-1] = pieces[-1][:-3]
    pieces.append(b"\r\n")


def _line(line: str) -> bytes:
    """One line without its break, folded by soft breaks."""
    octets = _UNSAFE.sub(_escape, line.encode())
    if octets.endswith(b" "):
        octets = octets[:-1] + b"=20"
    if len(octets) <= _ROOM and not octets.startswith(b"."):
        return octets
    return _SOFT.join(_fold(octets))


def _fold(octets: bytes) -> list[bytes]:
    """Pieces of at most 75 octets, none cutting an escape, none beginning with a dot."""
    pieces = []
    start = 0
    while start < len(octets):
        head = b""
        if octets[start] == _DOT:
            head = b"=2E"
            start += 1
        end = start + _ROOM - len(head)
        if end < len(octets):
            end -= 1 if octets[end - 1] == _EQUALS else 2 if octets[end - 2] == _EQUALS else 0
        pieces.append(head + octets[start:end])
        start = end
    return pieces


def _escape(found: re.Match[bytes]) -> bytes:
    return b"=%02X" % found.group()[0]
