"""Handing over into a folder: one `.eml` file per message, for trials, archives and other programs to pick up.

Promise: the file `<campaign>-<number>.eml` appears whole or not at all, holds the message byte for byte, and is on disk
when the outcome is `Accepted`. One delivery has one file: handed over again it is `Accepted` again and the first file
stays. Taking the final name is what the final dot is in SMTP, so the gate is asked right before it.
Fails: a folder that cannot be written to (rights, disk full) is `Deferred` without spending an attempt, and says why.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from campaigns.delivery.transport import (
    Accepted,
    Begun,
    Deferred,
    Envelope,
    Letter,
    Outcome,
    Recheck,
    Uncertain,
    ask_gate,
    demand_match,
)
from campaigns.register.clearance import Clearance


class FileTransport:
    """A folder that takes messages; made at the first one if it is missing, for its owner's eyes only."""

    def __init__(self, folder: Path, *, begun: Begun) -> None:
        self._folder = folder
        self._begun = begun

    def hand_over(
        self, letter: Letter, clearance: Clearance, recheck: Recheck, *, upcoming: Envelope | None = None
    ) -> Outcome:
        """See `Transport.hand_over`. There is nothing to announce to a folder."""
        del upcoming
        demand_match(letter, clearance)
        name = f"{letter.delivery.campaign}-{letter.delivery.number}"
        final, part = self._folder / f"{name}.eml", self._folder / f".{name}.part"
        try:
            if final.exists():
                return self._settle(final)
        except OSError as error:
            return _put_off(self._folder, error)
        if (no := ask_gate(letter, recheck)) is not None:
            return no
        try:
            return self._take(letter, recheck, part, final)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def _take(self, letter: Letter, recheck: Recheck, part: Path, final: Path) -> Outcome:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(part, letter.content)
        except OSError as error:
            return _put_off(self._folder, error)
        if (no := ask_gate(letter, recheck)) is not None:
            return no
        self._begun(letter.delivery)
        try:
            part.rename(final)
        except OSError as error:
            return _put_off(self._folder, error)
        return self._settle(final)

    def close(self) -> None:
        """Nothing is held open."""

    def _settle(self, final: Path) -> Accepted | Uncertain:
        try:
            _sync_folder(self._folder)
        except OSError as error:
            # The name may or may not outlive a power cut; a second fsync would not tell.
            return Uncertain(f"The folder {self._folder} could not be synced: {error.strerror}")
        return _accepted(final)


def folder_fault(folder: Path) -> str | None:
    """Why no message could be put into this folder, or None. A folder that is missing is not made."""
    above = next((place for place in (folder, *folder.absolute().parents) if place.exists()), folder)
    try:
        if not above.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if above == folder:
            probe = folder / ".utskick-probe"
            _write(probe, b"\r\n")
            probe.unlink()
        elif not os.access(above, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        return _words(folder, error)
    return None


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, so that the mode is right from the start
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _accepted(final: Path) -> Accepted:
    return Accepted(250, "2.0.0", f"kept as {final.name}")


def _put_off(folder: Path, error: OSError) -> Deferred:
    return Deferred(None, None, _words(folder, error), "connect", spends_attempt=False)


def _words(folder: Path, error: OSError) -> str:
    return f"Nothing can be written to the folder {folder}: {error.strerror or type(error).__name__}."
