"""How an address file comes into being on the disk: hidden while it grows, under its final name only when complete.

Promise: a file stands under its final name only when all of it is on the disk, and its manifest too. Until then it is
a hidden `.part` that counts for nothing.

How it fails:
- The process dies before the final name: the `.part` (and perhaps a manifest) stays; the next `begin` of that name
  discards both.
- The process dies after it: `begin` raises `AlreadyHandedOver`; `read_manifest` and `read_mail_ids` of
  `campaigns.post.manifest` tell what went out. A manifest whose file was taken away says the same.
- Two processes want one name: the second gets `BeingWritten`; a lock on the part tells the living from the dead (on
  one host: a print folder belongs to one machine).
- The disk is full or the folder closed: `PrintFolderFault`. If the very last step of `publish` failed, the final name
  may exist already; the next `begin` finds out.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from campaigns.errors import RefusedOperation, Unreachable
from campaigns.post.manifest import manifest_path


class AlreadyHandedOver(RefusedOperation):
    """A closed file of this name exists: it counts as handed over and is never written again."""


class BeingWritten(RefusedOperation):
    """Another process is writing the file of this name."""


class PrintFolderFault(Unreachable):
    """The print folder cannot be written."""


def begin(path: Path) -> BinaryIO:
    """The part of `path`, empty and locked for this process until the stream is closed; makes the folder (0700).

    Raises:
        AlreadyHandedOver, BeingWritten: see the module.
        OSError: the disk or the folder does not let us.
    """
    _make_folder(path.parent)
    stream = _locked(path)
    try:
        _refuse_closed(path)
        # A dead writer leaves its part beside its manifest. A manifest alone is that of a closed file taken away.
        if os.fstat(stream.fileno()).st_size == 0:
            _refuse_moved(path)
        _remove_manifest(path)
        stream.truncate(0)
    except AlreadyHandedOver:
        _part_path(path).unlink(missing_ok=True)
        stream.close()
        raise
    except OSError:
        stream.close()
        raise
    return stream


def publish(path: Path, stream: BinaryIO, manifest: bytes, last_look: Callable[[], None]) -> None:
    """Bring the part under its final name: the part to the disk, then its manifest, then the name. Closes nothing.

    `last_look` is called when only the name is missing; what it raises passes through and there is no final name.

    Raises:
        AlreadyHandedOver: the final name exists.
        OSError: a step failed; the final name exists only if that was the very last.
    """
    stream.flush()
    os.fsync(stream.fileno())
    _refuse_closed(path)
    _write_durably(manifest_path(path), manifest)
    last_look()
    _part_path(path).rename(path)
    _sync_folder(path.parent)


def discard(path: Path) -> None:
    """Remove the part of `path` and its manifest; nothing once `path` has been published. Never raises."""
    with suppress(OSError):
        # After publishing there is no part, and the manifest must stay even if the file has been fetched since.
        if _part_path(path).exists():
            _remove_manifest(path)
            _part_path(path).unlink(missing_ok=True)


def remove_left_parts(folder: Path) -> int:
    """Remove the parts below a folder that dead writers left; how many. Those being written stay."""
    removed = 0
    for part in folder.rglob(".*.csv.part"):
        with suppress(OSError), part.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the lock tells the living from the dead
            path = part.with_name(part.name[1:].removesuffix(".part"))
            discard(path)
            removed += not part.exists()
    return removed


def _remove_manifest(path: Path) -> None:
    # It goes before the part does: a part without a manifest is plainly unfinished.
    manifest = manifest_path(path)
    _part_path(manifest).unlink(missing_ok=True)
    manifest.unlink(missing_ok=True)


def _locked(path: Path) -> BinaryIO:
    part = _part_path(path)
    while True:
        stream = _open_private(part)
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            stream.close()
            raise BeingWritten(f"{path} is being written by another process") from error
        if _still_names(part, stream):
            return stream
        # Its owner finished between our open and our lock; what we hold has another name, or none, by now.
        stream.close()


def _still_names(part: Path, stream: BinaryIO) -> bool:
    try:
        return os.path.samestat(part.stat(), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False


def _refuse_closed(path: Path) -> None:
    if os.path.lexists(path):
        raise AlreadyHandedOver(f"{path} exists: it counts as handed over and is not written again")


def _refuse_moved(path: Path) -> None:
    if manifest_path(path).exists():
        raise AlreadyHandedOver(f"{path} was closed before and taken away; its manifest is still there")


def _write_durably(path: Path, content: bytes) -> None:
    part = _part_path(path)
    with _open_private(part) as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    part.rename(path)
    _sync_folder(path.parent)


def _open_private(path: Path) -> BinaryIO:
    """`path` for writing, made where missing, for its owner's eyes only, its content untouched so far."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600), "wb")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync_folder(folder.parent)


def _part_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """What the operating system refuses within becomes a `PrintFolderFault` that names `path`."""
    try:
        yield
    except OSError as error:
        raise PrintFolderFault(
            f"{path}: cannot be written ({error.strerror}); see to the folder and the disk, then try again"
        ) from error
