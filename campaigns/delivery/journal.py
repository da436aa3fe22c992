"""What a sender had begun when it died: a small file per connection.

Fixed 64-octet records with a checksum: a header naming batch, fence and boot, the claimed rows with their attempts,
then *begun* before each message is completed and *reply* after its answer. The owner holds the file's lock for as
long as it lives, so whoever gets the lock knows that the owner is dead (no clock, no process id). Promise: under the
same boot, a claimed row without *begun* was not begun. A record that a kill cut short does not count: a cut *begun*
means that nothing was completed, a cut *reply* that the answer is lost. The file is given its whole room on disk
before a batch begins, so that a record is a copy into memory that the kernel keeps whatever becomes of the process.
Fails: a batch whose room cannot be had raises `OSError` before anything of it is begun.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from campaigns.register.clearance import DeliveryRef

SUFFIX: Final = ".journal"
_RECORD = struct.Struct(">4scxxxQQQ16s8x")  # 56 octets, then the checksum, padded to 64
_CHECKSUM = struct.Struct(">Ixxxx")
RECORD_OCTETS: Final = _RECORD.size + _CHECKSUM.size
_MAGIC: Final = b"UTSK"
_HEADER, _CLAIMED, _BEGUN, _REPLY = b"H", b"C", b"B", b"R"
_RECORDS_PER_ROW: Final = 2
#: How a reply is kept: the outcome's word as a number.
_OUTCOMES: Final = ("accepted", "rejected", "deferred", "uncertain", "withheld", "expired")


class Journal:
    """The journal of one connection, open and locked; belongs to one thread."""

    def __init__(self, folder: Path, owner: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.owner = owner
        self._path = folder / f"{owner}{SUFFIX}"
        # Locked before it has its name: nobody may take a journal just made for that of a dead owner.
        unnamed = folder / f"{owner}.new"
        self._file = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unnamed.rename(self._path)
        self._attempts: Mapping[int, int] = {}
        self._room: mmap.mmap | None = None
        self._end = 0

    def start(self, campaign: int, batch_no: int, fence: int, attempts: Mapping[int, int]) -> None:
        """Begin a claimed batch (number -> attempt), whose predecessor's results are all recorded.

        Raises:
            OSError: there is no room on disk.
        """
        runs = list(_runs(attempts))
        self._make_room(RECORD_OCTETS * (1 + len(runs) + _RECORDS_PER_ROW * len(attempts)))
        self._attempts = attempts
        self._append(_HEADER, campaign, batch_no, fence, boot_mark())
        for first, last, attempt in runs:
            self._append(_CLAIMED, first, last, attempt, b"")

    def begun(self, delivery: DeliveryRef) -> None:
        """Note that a message is about to be completed."""
        self._append(_BEGUN, delivery.number, self._attempts[delivery.number], 0, b"")

    def replied(self, delivery: DeliveryRef, outcome: str, code: int | None) -> None:
        """Note the answer to a message."""
        value = _OUTCOMES.index(outcome) * 1000 + (code or 0)
        self._append(_REPLY, delivery.number, self._attempts[delivery.number], value, b"")

    def finish(self) -> None:
        """Forget the batch: all its results are recorded."""
        if self._room is not None:
            self._room[:RECORD_OCTETS] = bytes(RECORD_OCTETS)
        self._end = 0

    def close(self) -> None:
        """Let go of the lock. What was not finished stays on disk for whoever settles it."""
        if self._end == 0:
            self._path.unlink(missing_ok=True)
        if self._room is not None:
            self._room.close()
        os.close(self._file)

    def _make_room(self, octets: int) -> None:
        if self._room is None or len(self._room) < octets:
            if self._room is not None:
                self._room.close()
            os.posix_fallocate(self._file, 0, octets)
            self._room = mmap.mmap(self._file, octets)
        self._room[:] = bytes(len(self._room))
        self._end = 0

    def _append(self, kind: bytes, *values: int | bytes) -> None:
        if self._room is None:
            raise ValueError("a journal is started before anything is noted in it")
        body = _RECORD.pack(_MAGIC, kind, *values)
        end = self._end + RECORD_OCTETS
        self._room[self._end : end] = body + _CHECKSUM.pack(zlib.crc32(body))
        self._end = end


@dataclass(frozen=True)
class Legacy:
    """What a dead sender left: which claim, whether this machine has booted since, and for each number of the claim
    its attempt, whether it was begun, and what was answered (outcome and reply code)."""

    owner: str
    campaign: int = 0
    batch_no: int = 0
    fence: int = 0
    same_boot: bool = False
    attempts: Mapping[int, int] = field(default_factory=dict)
    begun: frozenset[int] = frozenset()
    replies: Mapping[int, tuple[str, int]] = field(default_factory=dict)


def legacies(folder: Path) -> Iterator[tuple[Legacy, Path]]:
    """The journals of dead senders on this host, each under its lock while the caller settles it.

    The caller removes the file once the database has what it says.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else ():
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue  # somebody else has just settled it
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue  # its owner lives
        else:
            yield read_legacy(path.stem, path.read_bytes()), path
        finally:
            os.close(descriptor)


def read_legacy(owner: str, content: bytes) -> Legacy:
    """Read a journal; reading stops at the first record that is not whole, such as the room not yet written to."""
    records = _records(content)
    header = next(records, None)
    if header is None or header[0] != _HEADER:
        return Legacy(owner)
    _, campaign, batch_no, fence, mark = header
    attempts: dict[int, int] = {}
    begun: set[int] = set()
    replies: dict[int, tuple[str, int]] = {}
    for kind, number, second, value, _mark in records:
        if kind == _CLAIMED:
            attempts.update(dict.fromkeys(range(number, second + 1), value))
        elif kind == _BEGUN:
            begun.add(number)
        else:
            replies[number] = (_OUTCOMES[value // 1000], value % 1000)
    return Legacy(owner, campaign, batch_no, fence, mark == boot_mark(), attempts, frozenset(begun), replies)


def boot_mark() -> bytes:
    """Sixteen octets that differ from boot to boot; random where the system does not tell, so that nothing matches."""
    try:
        text = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return os.urandom(16)
    return bytes.fromhex(text.replace("-", ""))


def _runs(attempts: Mapping[int, int]) -> Iterator[tuple[int, int, int]]:
    """First and last number of each run of neighbours with one attempt."""
    first = last = attempt = None
    for number, of_number in sorted(attempts.items()):
        if last is not None and number == last + 1 and of_number == attempt:
            last = number
            continue
        if first is not None and last is not None and attempt is not None:
            yield first, last, attempt
        first = last = number
        attempt = of_number
    if first is not None and last is not None and attempt is not None:
        yield first, last, attempt


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
