"""The note beside an address file: what it holds, how it is written, and the SHA-256 that ties it to it.

The file is UTF-8 without byte order mark (plain readers would take one for a part of the first column's name), with
semicolons, lines ended by CR LF, and a cell in double quotes only where it holds a semicolon or a double quote, which
is then doubled (RFC 4180, section 2). A manifest holds counts only, nothing of any receiver.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from campaigns.errors import InputError, NotFound, RefusedOperation

#: The columns, and the only ones: nothing goes to the print house that is not printed or needed for printing.
COLUMNS: Final = (
    "mail_id",
    "copies",
    "version",
    "name1",
    "name2",
    "name3",
    "street1",
    "street2",
    "postcode",
    "town",
    "country_code",
    "country_name",
    "sort_key",
    "return_text",
)
ENCODING: Final = "utf-8"
DELIMITER: Final = ";"
LINE_END: Final = "\r\n"

#: A manifest is under 2 kB; anything much larger is something else.
LARGEST_MANIFEST_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Manifest:
    """The facts of one closed file. `countries` and `versions` count rows; `copies` is the sum over rows."""

    file: str
    sha256: str
    rows: int
    copies: int
    countries: dict[str, int]
    versions: dict[str, int]
    profile: dict[str, int]
    campaign: int
    gate_epoch: int
    created_at: str
    columns: tuple[str, ...] = COLUMNS
    encoding: str = ENCODING
    byte_order_mark: bool = False
    delimiter: str = DELIMITER
    line_end: str = LINE_END
    cells: str = field(
        default="text; print no apostrophe that stands before = + - or @ at the beginning of a cell"
    )

    def to_json(self) -> bytes:
        """The manifest as it is written: JSON, UTF-8, indented."""
        return (json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n").encode()


def manifest_path(path: Path) -> Path:
    """Where the manifest of the address file `path` stands."""
    return path.with_suffix(".manifest.json")


def read_manifest(path: Path) -> Manifest:
    """The manifest of the address file `path` (the `.csv`, which itself need not be there any more).

    Raises:
        NotFound: there is none.
        InputError: it cannot be read, or is not a manifest of that file.
    """
    beside = manifest_path(path)
    with _reading(beside), beside.open("rb") as stream:
        raw = stream.read(LARGEST_MANIFEST_BYTES)
    try:
        known: dict[str, Any] = json.loads(raw)
        manifest = Manifest(**{**known, "columns": tuple(known["columns"])})
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(f"{beside}: is not a manifest of an address file") from error
    if manifest.file != path.name or manifest.columns != COLUMNS:
        raise InputError(f"{beside}: belongs to another file than {path.name}, or to another version of it")
    return manifest


def read_mail_ids(path: Path) -> list[str]:
    """The mail ids of a closed address file in its order, after the file has been held against its manifest.

    Raises:
        NotFound: the file or its manifest is not there.
        RefusedOperation: the file was changed after it was closed, so that nothing may be concluded from it.
        InputError: the manifest cannot be read.
    """
    manifest = read_manifest(path)
    with _reading(path), path.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != manifest.sha256:
            raise RefusedOperation(f"{path}: was changed after it was closed; settle its deliveries by hand")
    with _reading(path), path.open(encoding=ENCODING, newline="") as text:
        return [row["mail_id"] for row in csv.DictReader(text, delimiter=DELIMITER)]


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(f"{path}: there is no such file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
