"""What a sender had begun when it died: a small file per connection.

Fixed 64-octet records with a checksum: a header naming batch, fence and boot, then *begun* before each
message is completed and *reply* after its answer. The owner holds the file's lock for as long as it lives,
so whoever gets the lock knows that the owner is dead (no clock, no process id). Promise: under the same
boot, a row without *begun* was not begun. A record that a kill cut short does not count: a cut *begun*
means that nothing was completed, a cut *reply* that the answer is lost. Fails: a *begun* that cannot be
written raises `OSError`, and the message is not completed.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from campaigns.register.clearance import DeliveryRef

SUFFIX: Final = ".journal"
_RECORD = struct.Struct(">4scxxxQQQ16s8x")  # 56 octets, then the checksum, padded to 64
_CHECKSUM = struct.Struct(">Ixxxx")
RECORD_OCTETS: Final = _RECORD.size + _CHECKSUM.size
_MAGIC: Final = b"UTSK"
_HEADER, _BEGUN, _REPLY = b"H", b"B", b"R"
#: How a reply is kept: the outcome's word as a number.
_OUTCOMES: Final = ("accepted", "rejected", "deferred", "uncertain", "withheld", "expired")


class Journal:
    """The journal of one connection, open and locked; belongs to one thread."""

    def __init__(self, folder: Path, owner: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.owner = owner
        self._path = folder / f"{owner}{SUFFIX}"
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def start(self, campaign: int, batch_no: int, fence: int) -> None:
        """Begin a batch whose predecessor's results are all recorded."""
        os.ftruncate(self._file, 0)
        self._append(_HEADER, campaign, batch_no, fence, boot_mark())

    def begun(self, delivery: DeliveryRef) -> None:
        """Note that a message is about to be completed."""
        self._append(_BEGUN, delivery.campaign, delivery.number, 0, b"")

    def replied(self, delivery: DeliveryRef, outcome: str, code: int | None) -> None:
        """Note the answer to a message."""
        value = _OUTCOMES.index(outcome) * 1000 + (code or 0)
        self._append(_REPLY, delivery.campaign, delivery.number, value, b"")

    def finish(self) -> None:
        """Forget the batch: all its results are recorded."""
        os.ftruncate(self._file, 0)

    def close(self) -> None:
        """Let go of the lock. What was not finished stays on disk for whoever settles it."""
        if os.fstat(self._file).st_size == 0:
            self._path.unlink(missing_ok=True)
        os.close(self._file)

    def _append(self, kind: bytes, *values: int | bytes) -> None:
        body = _RECORD.pack(_MAGIC, kind, *values)
        record = body + _CHECKSUM.pack(zlib.crc32(body))
        if os.write(self._file, record) != RECORD_OCTETS:
            raise OSError("the journal cannot be written; the disk may be full")


@dataclass(frozen=True)
class Legacy:
    """What a dead sender left: which claim, whether this machine has booted since, what it began and was answered."""

    owner: str
    campaign: int = 0
    batch_no: int = 0
    fence: int = 0
    same_boot: bool = False
    begun: frozenset[int] = frozenset()
    replies: dict[int, tuple[str, int]] = field(default_factory=dict)


def legacies(folder: Path) -> Iterator[tuple[Legacy, Path]]:
    """The journals of dead senders on this host, each under its lock while the caller settles it.

    The caller removes the file once the database has what it says.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else ():
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue  # its owner lives
        else:
            yield read_legacy(path.stem, path.read_bytes()), path
        finally:
            os.close(descriptor)


def read_legacy(owner: str, content: bytes) -> Legacy:
    """Read a journal; reading stops at the first record that is not whole."""
    records = _records(content)
    header = next(records, None)
    if header is None or header[0] != _HEADER:
        return Legacy(owner)
    _, campaign, batch_no, fence, mark = header
    begun: set[int] = set()
    replies: dict[int, tuple[str, int]] = {}
    for kind, _, number, value, _mark in records:
        if kind == _BEGUN:
            begun.add(number)
        else:
            replies[number] = (_OUTCOMES[value // 1000], value % 1000)
    return Legacy(owner, campaign, batch_no, fence, mark == boot_mark(), frozenset(begun), replies)


def boot_mark() -> bytes:
    """Sixteen octets that differ from boot to boot; random where the system does not tell, so that nothing matches."""
    try:
        text = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return os.urandom(16)
    return bytes.fromhex(text.replace("-", ""))


def _records(content: bytes) -> Iterator[tuple[bytes, int, int, int, bytes]]:
    for start in range(0, len(content) - RECORD_OCTETS + 1, RECORD_OCTETS):
        body = content[start : start + _RECORD.size]
        (checksum,) = _CHECKSUM.unpack_from(content, start + _RECORD.size)
        if zlib.crc32(body) != checksum:
            return
        magic, kind, first, second, third, mark = _RECORD.unpack(body)
        if magic != _MAGIC:
            return
        yield kind, first, second, third, mark
