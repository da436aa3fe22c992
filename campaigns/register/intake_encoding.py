"""How an exported table is written: its encoding and its digest, found in one pass over the octets.

Promise: UTF-8 with or without byte order mark, UTF-16 in either order with or without mark, else Windows-1252.
A single broken octet does not turn a UTF-8 file into Windows-1252: what decides is whether the octets above 127
mostly form UTF-8 characters. Fails with `InputError` for what is no text at all, and says what to do. Memory does
not grow with the file.
"""

from __future__ import annotations

import codecs
import hashlib
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from campaigns.errors import InputError

#: A cell with this character has lost what stood there, whoever lost it.
REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"

_BLOCK: Final = 1 << 18
_SAMPLE: Final = 1 << 16
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, ""),
    (codecs.BOM_UTF32_BE, ""),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_BROKEN: Final = re.compile("[\udc80-\udcff]")
_CONTROLS: Final = bytes([*range(9), *range(14, 32), 127])


@dataclass(frozen=True)
class TableFile:
    """A table on disk: what it is called, how it is written, the SHA-256 of its octets, and how many they are."""

    path: Path
    name: str
    encoding: str
    digest: str
    octets: int


def examine(path: Path, name: str = "") -> TableFile:
    """Find out how a table is written; `name` is what to call it where that is not its path.

    Raises:
        InputError: the file is missing, empty or no table; says what to do.
    """
    name = name or str(path)
    digest, octets, start, counted = hashlib.sha256(), 0, b"", _Utf8Count()
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError(f"{name}: is no file; name a table saved as CSV")
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                start = start or block[:_SAMPLE]
                digest.update(block)
                octets += len(block)
                counted.read(block)
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}") from None
    counted.read(b"", final=True)
    if not start.strip():
        raise InputError(f"{name}: is empty")
    return TableFile(path, name, _encoding(name, start, counted), digest.hexdigest(), octets)


class _Utf8Count:
    """How many characters above 127 a stream has if it is UTF-8, and how many octets that fit into none."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
        self.characters = 0
        self.broken = 0

    def read(self, block: bytes, *, final: bool = False) -> None:
        text = self._decoder.decode(block, final)
        if not text.isascii():
            broken = len(_BROKEN.findall(text))
            self.broken += broken
            self.characters += len(text) - len(text.encode("ascii", "ignore")) - broken


def _encoding(name: str, start: bytes, counted: _Utf8Count) -> str:
    if start.startswith(_WORKBOOKS):
        raise InputError(f"{name}: is a workbook; save it as CSV (UTF-8) and import that")
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            if not encoding:
                raise InputError(f"{name}: is written in UTF-32; save it as CSV (UTF-8)")
            return encoding
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if max(even, odd) > len(start) // 8 and min(even, odd) <= max(even, odd) // 8:
        return "utf-16-le" if odd > even else "utf-16-be"
    if len(start) - len(start.translate(None, _CONTROLS)) > len(start) // 8:
        raise InputError(f"{name}: is no text; save the table as CSV (UTF-8)")
    return "cp1252" if counted.broken > counted.characters else "utf-8"
