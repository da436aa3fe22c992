"""What a backup says of itself: `manifest.json`, written last, so that a folder without one is no backup.

Promise: a file that was changed, cut short or left out since is found before anything is restored from it. The
manifest holds no personal data and no secret.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from campaigns.errors import InputError, RefusedOperation

NAME: Final = "manifest.json"
FORMAT: Final = 1
_PIECE: Final = 1 << 20


@dataclass(frozen=True)
class FileMark:
    """A file as it was: its length and its SHA-256."""

    octets: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """One backup: of which register, at which epoch and count of claims, in which schema; the marks of the register's
    keys; how far this machine's opt-out log had come (None: there was none); the files."""

    release: str
    made_at: str
    made_by: str
    database: str
    schema: str
    register: str
    epoch: int
    claims: int
    keys: tuple[tuple[str, int, str], ...]
    opt_out_log: FileMark | None
    files: Mapping[str, FileMark]


def mark_of(path: Path, octets: int | None = None) -> FileMark:
    """The mark of a file, or of so many octets at its beginning."""
    digest, left, length = hashlib.sha256(), octets, 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE if left is None else min(_PIECE, left)):
            digest.update(piece)
            length += len(piece)
            left = None if left is None else left - len(piece)
    return FileMark(length, digest.hexdigest())


def write(folder: Path, manifest: Manifest) -> str:
    """Write the manifest, on disk when this returns; its SHA-256."""
    content = (
        json.dumps({"format": FORMAT, **asdict(manifest)}, indent=2, ensure_ascii=False).encode() + b"\n"
    )
    descriptor = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    return hashlib.sha256(content).hexdigest()


def read(folder: Path) -> Manifest:
    """The manifest of a backup whose files are all as they were.

    Raises:
        InputError: there is no backup, or none that this release reads.
        RefusedOperation: a file is missing or is not as it was.
    """
    try:
        values: Any = json.loads((folder / NAME).read_bytes())
        if values.pop("format") != FORMAT:
            raise InputError(f"{folder} was made by a newer release of Utskick")
        files = {str(name): FileMark(**mark) for name, mark in values.pop("files").items()}
        log = values.pop("opt_out_log")
        keys = tuple((str(purpose), int(number), str(check)) for purpose, number, check in values.pop("keys"))
        manifest = Manifest(
            **values, keys=keys, files=files, opt_out_log=FileMark(**log) if log is not None else None
        )
    except FileNotFoundError:
        raise InputError(f"{folder} holds no backup: there is no {NAME}") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InputError(f"{folder / NAME} cannot be read") from None
    for name, mark in manifest.files.items():
        path = folder / name
        if Path(name).name != name or not path.is_file() or mark_of(path) != mark:
            raise RefusedOperation(
                f"{path} is missing, or is not what the backup's manifest says; nothing was changed"
            )
    return manifest
