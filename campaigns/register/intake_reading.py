"""From the lines of a table to pieces of work: people with the fingerprints that they are recognised by.

Promise: everything about a row that can be told without the database is told here, so that a caller may have it done
ahead (in a thread of its own) while the database takes the piece before. Rows that cannot be taken are in the piece,
with their reasons.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from campaigns.errors import InputError
from campaigns.keyring import KeyRing
from campaigns.register import contacts
from campaigns.register.intake_columns import recognise
from campaigns.register.intake_encoding import TableFile
from campaigns.register.intake_file import TableRow, TableRows
from campaigns.register.intake_rows import Person, RowReader, RowRefused

Keys = list[bytes]


@dataclass(slots=True)
class Keyed:
    """The person of a row, with the fingerprints of address and postal address, those under the present key last."""

    number: int
    person: Person
    email: Keys | None
    post: Keys | None


@dataclass(slots=True)
class Piece:
    """Some rows of the table; `share` tells how much of the file has been read, from 0 to 1."""

    share: float = 0.0
    people: list[Keyed] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    left_out: list[tuple[int, str]] = field(default_factory=list)


class Table:
    """A table whose columns have been recognised.

    Raises:
        InputError: the file or its columns cannot be used.
    """

    def __init__(self, file: TableFile, mapping: Mapping[str, str | None], ring: KeyRing) -> None:
        self.file = file
        self._ring = ring
        self._single = len(ring.keys["fingerprint"]) == 1
        self._source = TableRows(self.file)
        self._lines = iter(self._source)
        head = next(self._lines, None)
        if head is None or head.problem:
            raise InputError(f"{file.name}: the row of column heads {head.problem if head else 'is missing'}")
        self._reader = RowReader(recognise(head.cells, mapping))

    def pieces(self, rows: int) -> Iterator[Piece]:
        """The table in pieces of so many rows; iterate once."""
        while lines := list(islice(self._lines, rows)):
            piece = Piece()
            for line in lines:
                self._read(line, piece)
            piece.share = self._source.octets_read / self.file.octets
            yield piece

    def _read(self, line: TableRow, piece: Piece) -> None:
        if line.problem is not None:
            piece.refused.append((line.number, line.problem))
            return
        try:
            person = self._reader.read(line.cells)
        except RowRefused as refusal:
            piece.refused.append((line.number, str(refusal)))
            return
        if person.left_out:
            piece.left_out += [(line.number, column) for column in person.left_out]
        email = self._keys("address", person.email.comparison_text) if person.email else None
        post = (
            self._keys("postal", contacts.postal_text(person.values)) if person.has_postal_address else None
        )
        piece.people.append(Keyed(line.number, person, email, post))

    def _keys(self, subject: str, text: str) -> Keys:
        if self._single:
            return [self._ring.fingerprint(subject, text)]
        return [key for _, key in sorted(self._ring.fingerprints(subject, text).items())]
