"""Reading an exported table, whatever program wrote it.

Promise: UTF-8 with or without byte order mark, UTF-16, and else Windows-1252; comma, semicolon or tab; any
line end; quoted line breaks. The file is read twice as a stream, never whole. Rows carry the number that a
spreadsheet shows, the heads being row 1. Fails with `InputError` for a file that is no such table; a row
that cannot be read is told apart, the others go on.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from campaigns.errors import InputError

_CHUNK: Final = 1 << 20
_FIELD_CHARACTERS: Final = 10_000
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class TableFile:
    """A table on disk: how it is written, and what its octets are."""

    path: Path
    encoding: str
    digest: str
    octets: int


@dataclass(frozen=True)
class TableRow:
    """One row: its number, its cells, or why it cannot be read."""

    number: int
    cells: list[str]
    problem: str | None = None


def examine(path: Path) -> TableFile:
    """Find out how a table is written.

    Raises:
        InputError: the file is missing, empty or no table; says what to do.
    """
    digest, octets = hashlib.sha256(), 0
    utf8 = codecs.getincrementaldecoder("utf-8")()
    is_utf8, start = True, b""
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                start = start or chunk[:4096]
                digest.update(chunk)
                octets += len(chunk)
                is_utf8 = is_utf8 and _decodes(utf8, chunk)
        is_utf8 = is_utf8 and _decodes(utf8, b"", final=True)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    if not octets:
        raise InputError(f"{path}: is empty")
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise InputError(f"{path}: is a spreadsheet; save it as CSV and import that")
    return TableFile(path, _encoding(start, is_utf8=is_utf8), digest.hexdigest(), octets)


def rows(table: TableFile) -> Iterator[TableRow]:
    """The rows of a table, heads first.

    Raises:
        InputError: the octets are no text in the encoding that was found.
    """
    csv.field_size_limit(_FIELD_CHARACTERS)
    with table.path.open("r", encoding=table.encoding, newline="") as file:
        try:
            delimiter = _delimiter(file)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            number = 0
            while True:
                number += 1
                try:
                    cells = next(reader)
                except csv.Error as error:
                    yield TableRow(number, [], f"cannot be read: {error}")
                    continue
                except StopIteration:
                    return
                if any(cell.strip() for cell in cells):
                    yield TableRow(number, cells)
        except UnicodeDecodeError as error:
            raise InputError(
                f"{table.path}: is no text in {table.encoding} (octet {error.start}); save it as CSV in UTF-8"
            ) from None


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _encoding(start: bytes, *, is_utf8: bool) -> str:
    for mark, encoding in _BOMS:
        if start.startswith(mark):
            return encoding
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if max(even, odd) > len(start) // 8:
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8" if is_utf8 else "cp1252"


def _delimiter(file: io.TextIOWrapper) -> str:
    head = file.readline()
    file.seek(0)
    outside = "".join(head.split('"')[0::2])
    return max(",;\t", key=outside.count)
