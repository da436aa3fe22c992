"""The address file that goes to the print house: one row per receiver, only the columns that printing needs.

Promise: what it takes it writes in full; what it cannot take it refuses by itself and goes on. A file counts as handed
over when, and only when, its final name exists; `partfile` holds that half of the promise and says how it fails.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, Self

from campaigns.clock import iso
from campaigns.errors import InputError, RefusedOperation
from campaigns.post.cells import formula_safe, one_line, unprintable
from campaigns.post.countries import CountryGroup
from campaigns.post.mail_id import is_valid
from campaigns.post.manifest import COLUMNS, DELIMITER, ENCODING, LINE_END, Manifest
from campaigns.post.partfile import begin, discard, disk, publish
from campaigns.post.postal_address import Layout, PrintProfile


@dataclass(frozen=True, slots=True, repr=False)
class PrintRow:
    """One copy's receiver. `version` says which version of the magazine, `copies` how many (1–9999)."""

    mail_id: str
    layout: Layout
    version: str
    copies: int = 1
    sort_key: str = ""
    return_text: str = ""

    def cells(self) -> tuple[str, ...]:
        """The row in the order of the columns."""
        at = self.layout
        names = (at.name1, at.name2, at.name3, at.street1, at.street2)
        place = (at.postcode, at.town, at.country_code, at.country_name)
        return (self.mail_id, str(self.copies), self.version, *names, *place, self.sort_key, self.return_text)


@dataclass(frozen=True, slots=True)
class FileOrigin:
    """What only the caller knows: the campaign, the gate's epoch at the last look, the moment (with time zone)."""

    campaign: int
    gate_epoch: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ClosedFile:
    """A file that has been handed over: where it stands, the SHA-256 of its bytes (hex), how many rows."""

    path: Path
    sha256: str
    rows: int


def file_name(key: str, edition: str, language: str, group: CountryGroup, number: int | None = None) -> str:
    """`A_<key>_<edition>_<language>_<group>[_<number>].csv`; what is no ASCII letter or digit becomes a hyphen.

    `number` keeps apart files whose other parts are equal, such as a second campaign of the same edition.
    """
    words = [_safe_word(word) for word in (key, edition, language)]
    tail = [] if number is None else [str(number)]
    return "_".join(["A", *words, group, *tail]) + ".csv"


class PrintFile:
    """One address file while it is being written; made by `open`, ended by `close` or `abandon`."""

    def __init__(self, path: Path, group: str, stream: BinaryIO) -> None:
        self.path = path
        self._group = group
        self._stream = stream
        self._open = True
        self._sound = True
        self._profile: PrintProfile | None = None
        self._digest = hashlib.sha256()
        self._copies = 0
        self._countries: Counter[str] = Counter()
        self._versions: Counter[str] = Counter()
        self._write(COLUMNS)

    @classmethod
    def open(cls, folder: Path, name: str) -> PrintFile:
        """Begin the file `name` (of `file_name`'s form) in `folder`, which is made (0700) where missing.

        Raises:
            AlreadyHandedOver: it was closed before; settle with `read_mail_ids`, or take another number.
            BeingWritten: another process has it open.
            InputError: the name is not of that form.
            PrintFolderFault: the folder cannot be written.
        """
        form = _NAME.fullmatch(name)
        if not form:
            raise InputError(f"{name!r} is not the name of an address file; make it with file_name()")
        path = folder / name
        with disk(path):
            return cls(path, form["group"], begin(path))

    @property
    def rows(self) -> int:
        """How many rows it has so far."""
        return self._versions.total()

    def add(self, row: PrintRow) -> None:
        """Append one row. A refused row leaves the file as it was.

        Raises:
            InputError: the row does not belong in this file or cannot be printed.
            RefusedOperation: the file is closed, abandoned or spoilt by an earlier disk fault.
            PrintFolderFault: the disk does not take it; abandon the file.
        """
        self._require_usable()
        if problem := self._unsuited(row) or _row_problem(row):
            raise InputError(f"row for {self.path.name}: {problem}")
        with self._spoiling():
            self._write(row.cells())
        self._profile = row.layout.profile
        self._copies += row.copies
        self._countries[row.layout.country_code] += 1
        self._versions[row.version] += 1

    def close(self, origin: FileOrigin, last_look: Callable[[], None] = lambda: None) -> ClosedFile:
        """Hand the file over: rows to the disk, then the manifest, then the final name.

        `last_look` is called right before the final name; if it raises, nothing was handed over: abandon the file.

        Raises:
            RefusedOperation: it has no rows (abandon it), or is not open and sound.
            PrintFolderFault: a step failed; abandon the file.
        """
        self._require_usable()
        manifest = self._manifest(origin)
        with self._spoiling():
            publish(self.path, self._stream, manifest.to_json(), last_look)
        self._open = False
        self._stream.close()
        return ClosedFile(self.path, manifest.sha256, manifest.rows)

    def abandon(self) -> None:
        """Remove what was written so far; without effect on a closed file. Never raises for a broken disk."""
        if self._open:
            self._open = False
            discard(self.path)
        with suppress(OSError):
            self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leaving without having closed the file abandons it."""
        self.abandon()

    def _require_usable(self) -> None:
        if not self._open:
            raise RefusedOperation(f"{self.path.name} is closed or abandoned already")
        if not self._sound:
            raise RefusedOperation(f"{self.path.name} is spoilt by a disk fault; abandon it and begin anew")

    def _unsuited(self, row: PrintRow) -> str:
        if row.layout.group != self._group:
            return f"an address in {row.layout.country_code} does not belong here"
        if self._profile not in (None, row.layout.profile):
            return "laid out for another print profile than the rows before it"
        return ""

    def _write(self, cells: Iterable[str]) -> None:
        line = io.StringIO()
        csv.writer(line, delimiter=DELIMITER, lineterminator=LINE_END).writerow(map(formula_safe, cells))
        octets = line.getvalue().encode(ENCODING)
        self._stream.write(octets)
        self._digest.update(octets)

    def _manifest(self, origin: FileOrigin) -> Manifest:
        if self._profile is None:
            raise RefusedOperation(f"{self.path.name} has no rows; abandon it")
        return Manifest(
            file=self.path.name,
            sha256=self._digest.hexdigest(),
            rows=self.rows,
            copies=self._copies,
            countries=dict(sorted(self._countries.items())),
            versions=dict(sorted(self._versions.items())),
            profile=asdict(self._profile),
            campaign=origin.campaign,
            gate_epoch=origin.gate_epoch,
            created_at=iso(origin.created_at),
        )

    @contextmanager
    def _spoiling(self) -> Iterator[None]:
        with disk(self.path):
            try:
                yield
            except OSError:
                self._sound = False
                raise


def _row_problem(row: PrintRow) -> str:
    if not is_valid(row.mail_id):
        return "mail_id is not one, or its check character is wrong"
    if not 1 <= row.copies <= MOST_COPIES:
        return f"copies must be 1–{MOST_COPIES}"
    if not row.version:
        return "version is empty"
    for column, text in zip(COLUMNS, row.cells(), strict=True):
        if unprintable(text) or text != one_line(text):
            return f"{column} is not one line of printable text"
        if len(text) > WIDEST_CELL:
            return f"{column} is longer than {WIDEST_CELL} characters"
    return ""


def _safe_word(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^A-Za-z0-9]+", "-", plain)[:40].strip("-") or "x"


#: Limits of one row: copies to one receiver, and characters in any cell.
MOST_COPIES: Final = 9999
WIDEST_CELL: Final = 200

_WORD: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38}[A-Za-z0-9])?"
_NAME: Final = re.compile(rf"A_{_WORD}_{_WORD}_{_WORD}_(?P<group>FI|SE|XX)(?:_[0-9]{{1,18}})?\.csv")
