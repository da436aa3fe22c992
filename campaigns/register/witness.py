"""What the highest state of the register was that this machine has seen, kept outside the database.

Promise: a register that comes back older than this machine has seen it is recognised, also by a process that was just
started: its epoch or its count of claims is lower than the file says. The file holds two numbers and nothing else, one
file per register, in a folder that is not restored together with the database. Fails with `OSError` where it cannot be
read or written. A damaged file counts as none.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SUFFIX: Final = ".witness"
_RECORD = struct.Struct(">4sxxxxQQ")  # 24 octets, then the checksum
_CHECKSUM = struct.Struct(">I")
_MAGIC: Final = b"UTSW"
_OCTETS: Final = _RECORD.size + _CHECKSUM.size


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a register has come: neither number ever goes down."""

    epoch: int
    claims: int

    def is_behind(self, other: Mark) -> bool:
        """Whether the register was further already."""
        return self.epoch < other.epoch or self.claims < other.claims

    def joined(self, other: Mark) -> Mark:
        """The higher of each number."""
        return Mark(max(self.epoch, other.epoch), max(self.claims, other.claims))


NOTHING_SEEN: Final = Mark(0, 0)


class Witness:
    """The file of one machine (one data folder). Safe for threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def seen(self, incarnation: str) -> Mark:
        """The highest state of this register that was noted here."""
        try:
            content = self._path(incarnation).read_bytes()
        except FileNotFoundError:
            return NOTHING_SEEN
        return _read(content)

    def note(self, incarnation: str, mark: Mark) -> None:
        """Note a state; the file never goes back."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path(incarnation), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            noted = _read(os.pread(descriptor, _OCTETS, 0))
            if noted.joined(mark) != noted:
                body = _RECORD.pack(_MAGIC, *_numbers(noted.joined(mark)))
                os.pwrite(descriptor, body + _CHECKSUM.pack(zlib.crc32(body)), 0)
        finally:
            os.close(descriptor)

    def _path(self, incarnation: str) -> Path:
        return self._folder / f"{incarnation}{SUFFIX}"


def _numbers(mark: Mark) -> tuple[int, int]:
    return mark.epoch, mark.claims


def _read(content: bytes) -> Mark:
    if (
        len(content) < _OCTETS
        or zlib.crc32(content[: _RECORD.size]) != _CHECKSUM.unpack_from(content, _RECORD.size)[0]
    ):
        return NOTHING_SEEN
    magic, epoch, claims = _RECORD.unpack_from(content)
    return Mark(epoch, claims) if magic == _MAGIC else NOTHING_SEEN
