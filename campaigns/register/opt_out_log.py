"""The opt-out log: every "no" in a file outside the database, before it is answered.

Promise: a "no" that was answered stands in this file, on disk, whatever becomes of the database; it holds keyed
fingerprints and ids, never an address. One file per machine, one line of JSON per word; several processes may write at
once. A line that a kill or a full disk cut short spoils no other line. Fails with `Unreachable` where the line is not
on disk for certain: the "no" may stand in the register, and is not answered. Such a line is owed: nothing else counts
as written before it is there as well, since whoever says the same again is not always asked again what it does.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, get_args

import sqlalchemy as sa

from campaigns.clock import iso, utc_now
from campaigns.errors import InputError, Unreachable
from campaigns.store import schema

#: `no` is a suppression, `leave` the end of a subscription, `lift` the end of a suppression, or of a `leave` where it
#: names a contact.
Word = Literal["no", "leave", "lift"]

#: So much is remembered that could not be written: some thirty thousand lines.
_OWED_OCTETS: Final = 10_000_000
_WORDS: Final = "utskick_opt_out_words"


@dataclass(frozen=True, kw_only=True)
class LoggedWord:
    """One line: what was said, how far, about whom (a fingerprint in hexadecimal with its key's id, or a contact)."""

    word: Word
    kind: str
    subject: str = ""
    key_id: int = 0
    key: str = ""
    contact: int = 0
    list_id: int = 0
    purpose: str = ""
    channel: str = ""
    #: When a pause is over (ISO 8601).
    until: str = ""
    origin: str
    by: str


@dataclass(frozen=True)
class LoggedLine:
    """A line as it is read back: when, of which register, in the transaction of which epoch (0 where the line does not
    tell), and what."""

    at: datetime
    register: str
    epoch: int
    said: LoggedWord


class OptOutLog:
    """The file of one machine. Safe for threads and processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._owed = b""

    @property
    def owes(self) -> bool:
        """Whether something is still to be written that could not be."""
        return bool(self._owed)

    def append(self, register: str, epoch: int, words: Iterable[LoggedWord]) -> None:
        """Put the words of one transaction on disk, with the epoch that it raised.

        Raises:
            Unreachable: they are not there for certain.
        """
        head = {"at": iso(utc_now()), "register": register, "epoch": epoch}
        lines = [json.dumps({**head, **asdict(word)}, separators=(",", ":")) + "\n" for word in words]
        with self._lock:
            octets, self._owed = self._owed + "".join(lines).encode(), b""
        try:
            self._write(octets)
        except OSError as error:
            with self._lock:
                owed = octets + self._owed
                self._owed = owed[: owed.rfind(b"\n", 0, _OWED_OCTETS) + 1]
            raise Unreachable(
                f"the opt-out log {self._path} cannot be written: {error.strerror or error}"
            ) from error

    def probe(self) -> None:
        """See that the file can be written.

        Raises:
            Unreachable: it cannot.
        """
        self.append("", 0, [])

    def _write(self, octets: bytes) -> None:
        fresh = not self._path.exists()
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                _append(descriptor, octets)
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.fsync(descriptor)  # outside the lock, so that many may wait for the disk at once
        finally:
            os.close(descriptor)
        if fresh:
            _sync_folder(self._path.parent)


def collect(connection: sa.Connection) -> list[LoggedWord]:
    """From now on keep the words that are recorded over this connection; the list fills as they are."""
    words: list[LoggedWord] = []
    connection.execution_options(**{_WORDS: words})
    return words


def note(connection: sa.Connection, word: LoggedWord) -> None:
    """Keep a word for the log, within a transaction that collects them."""
    words = connection.get_execution_options().get(_WORDS)
    if words is not None:
        words.append(word)


def incarnation(connection: sa.Connection) -> str:
    """Which register this is."""
    name: str = connection.execute(sa.select(schema.gate.c.incarnation)).scalar_one()
    return name


def read_log(path: Path) -> Iterator[LoggedLine | None]:
    """The lines of a log, in order; None for one that was cut short.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    for line in content.splitlines():
        if line:
            yield _line(line)


def last_word(lines: Sequence[LoggedLine]) -> list[LoggedLine]:
    """Of everything said about the same thing only the last, by the epochs, since machines' clocks differ; a "no"
    outweighs a lift of the same epoch. Lines without an epoch are older than all others, and go by their time."""
    latest: dict[tuple[object, ...], LoggedLine] = {}
    for line in sorted(lines, key=_place):
        said = line.said
        who = (said.subject, said.key, said.contact)
        latest[who, said.kind, said.list_id, said.purpose, said.channel] = line
    return list(latest.values())


def _place(line: LoggedLine) -> tuple[int, float, bool, float]:
    time = line.at.timestamp()
    return line.epoch, 0.0 if line.epoch else time, line.said.word != "lift", time


def _line(octets: bytes) -> LoggedLine | None:
    try:
        values: Any = json.loads(octets)
        at, register = datetime.fromisoformat(values.pop("at")), str(values.pop("register"))
        epoch = int(values.pop("epoch", 0))
        said = LoggedWord(**values)
        bytes.fromhex(said.key)
        if said.word not in get_args(Word) or not isinstance(said.list_id, int):
            return None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return LoggedLine(at, register, epoch, said)


def _append(descriptor: int, octets: bytes) -> None:
    """Add whole lines; what a full disk took half of is taken back, and what a kill left half is ended."""
    size = os.fstat(descriptor).st_size
    if size and octets and os.pread(descriptor, 1, size - 1) != b"\n":
        octets = b"\n" + octets
    written = 0
    try:
        written = os.write(descriptor, octets)
    finally:
        if written != len(octets):
            with suppress(OSError):
                os.ftruncate(descriptor, size)
    if written != len(octets):
        raise OSError("the disk is full")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
