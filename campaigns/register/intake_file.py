"""The rows of an exported table, whatever program wrote it.

Promise: comma, semicolon, tab or bar (told by the row of heads, or by a first line `sep=;` as Excel writes it); LF,
CRLF or CR; quoted line breaks; blank rows left out. Rows carry the number that a spreadsheet shows: the first row of
the file is 1, so that the first person is usually in row 2. A row that cannot be read says why and the next ones go
on: a quotation mark that is never closed costs its own row only. Memory is bounded by `ROW_CHARACTERS`, not by the
file. Fails with `InputError` for a file that cannot be opened any more.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from typing import IO, BinaryIO, Final

from campaigns.errors import InputError
from campaigns.register.intake_encoding import TableFile

ROW_CHARACTERS: Final = 60_000
ROW_LINES: Final = 100
DELIMITERS: Final = ",;\t|"
_SEPARATOR_LINE: Final = re.compile(r'"?sep=([,;\t|])"?[\r\n]*', re.IGNORECASE)
_LINE_ENDS: Final = ("\n", "\r")


@dataclass(slots=True)
class TableRow:
    """One row: its number and its cells, or why it cannot be read."""

    number: int
    cells: list[str]
    problem: str | None = None


class _RunawayRow(Exception):
    """The row takes more lines or characters than a row of contacts can have."""


class TableRows:
    """The rows of one table, heads first; iterate once."""

    def __init__(self, table: TableFile) -> None:
        self._table = table
        self._file: BinaryIO | None = None

    @property
    def octets_read(self) -> int:
        """How far it has come, roughly."""
        return self._file.tell() if self._file is not None and not self._file.closed else self._table.octets

    def __iter__(self) -> Iterator[TableRow]:
        try:
            self._file = self._table.path.open("rb")
        except OSError as error:
            raise InputError(f"{self._table.name}: {error.strerror}") from None
        text = TextIOWrapper(self._file, encoding=self._table.encoding, errors="replace", newline="")
        with text:
            width = 0
            lines = _Lines(text)
            records = _Records(lines, _delimiter(lines))
            for number, (cells, problem) in enumerate(records, start=1 + lines.skipped):
                if problem is None:
                    if not any(map(str.strip, cells)):
                        continue
                    width = width or _width(cells)
                    if len(cells) != width and (problem := _uneven(cells, width)):
                        lines.take_back()
                yield TableRow(number, cells, problem)


def _width(heads: list[str]) -> int:
    """The number of columns: unnamed ones at the right edge are none."""
    return max(place for place, head in enumerate(heads, start=1) if head.strip())


def _uneven(cells: list[str], width: int) -> str | None:
    """Cut blank cells beyond the heads; any other difference is a fault of the row."""
    found = len(cells)
    beyond = any(cell.strip() for cell in cells[width:])
    del cells[width:]
    return f"has {found} cells, and there are {width} column heads" if found < width or beyond else None


class _Lines:
    """The lines of the file for the CSV reader; remembers those of the present row, to give them back."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._again: deque[str] = deque()
        self._taken: list[str] = []
        self._characters = 0
        self.skipped = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._read()
        if not line:
            raise StopIteration
        self._taken.append(line)
        self._characters += len(line)
        if self._characters > ROW_CHARACTERS or len(self._taken) > ROW_LINES:
            raise _RunawayRow
        return line

    def _read(self) -> str:
        line = rest = self._file.readline(ROW_CHARACTERS + 1)
        while len(rest) > ROW_CHARACTERS and not rest.endswith(_LINE_ENDS):
            rest = self._file.readline(ROW_CHARACTERS + 1)
        return line

    def begin(self) -> None:
        """From here on the lines are those of the next row."""
        self._taken.clear()
        self._characters = 0

    def give_back(self, lines: list[str]) -> None:
        """Read these lines again."""
        self._again.extendleft(reversed(lines))

    def rewind(self) -> None:
        """Give all lines of the present row back."""
        self.give_back(self._taken)
        self.begin()

    def take_back(self) -> None:
        """Give the present row's lines back, but for the first, where its fault is."""
        self.give_back(self._taken[1:])
        self.begin()


class _Records:
    """Cells and problem of row after row."""

    def __init__(self, lines: _Lines, delimiter: str) -> None:
        self._lines, self._delimiter = lines, delimiter
        self._quoted = csv.reader(lines, delimiter=delimiter, strict=True)

    def __iter__(self) -> _Records:
        return self

    def __next__(self) -> tuple[list[str], str | None]:
        self._lines.begin()
        try:
            line = next(self._lines)
            if '"' not in line:
                return line.rstrip("\r\n").split(self._delimiter), None
            self._lines.begin()
            self._lines.give_back([line])
            return next(self._quoted), None
        except _RunawayRow:
            self._lines.take_back()
            return [], "is too long, or a quotation mark in it is never closed"
        except csv.Error:
            self._lines.take_back()
            return [], "has a quotation mark that is not closed, or not doubled inside quotes"


def _delimiter(lines: _Lines) -> str:
    """The delimiter, told by the first row with anything in it; the lines that were looked at are given back."""
    text = ""
    try:
        for line in lines:
            if not text and (said := _SEPARATOR_LINE.fullmatch(line)):
                lines.skipped = 1
                return said[1]
            text += line
            if text.strip() and text.count('"') % 2 == 0:
                break
    except _RunawayRow:
        pass  # the row of heads will say so itself
    lines.rewind()
    outside = "".join(text.split('"')[0::2])
    return max(DELIMITERS, key=outside.count)
