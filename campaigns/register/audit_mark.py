"""The last seal of the audit log that this machine has seen, in a file outside the database.

Promise: entries that are removed from the end of the log, or a database that is replaced by an older one, are found out
by the machine that sealed them. One file per register, replaced as a whole and on disk when `note` returns. Fails with
`Unreachable` where it cannot be read or written.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from campaigns.errors import Unreachable


@dataclass(frozen=True)
class SealMark:
    """A place in the chain and the seal that stands there."""

    position: int
    seal: bytes


#: Before the first entry.
BEGINNING: Final = SealMark(0, b"")


class SealFile:
    """The file of one machine, `audit-<register>.seal` in a folder that is not restored with the database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def seen(self, register: str) -> SealMark:
        """The last seal that was noted here.

        Raises:
            Unreachable: there is a file, and it cannot be read or is no mark.
        """
        path = self._path(register)
        try:
            values = json.loads(path.read_text(encoding="ascii"))
            return SealMark(int(values["position"]), bytes.fromhex(values["seal"]))
        except FileNotFoundError:
            return BEGINNING
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Unreachable(f"{path} cannot be read: {type(error).__name__}") from None

    def note(self, register: str, mark: SealMark) -> None:
        """Put a seal in the place of the one before.

        Raises:
            Unreachable: it is not on disk for certain.
        """
        path = self._path(register)
        fresh = path.with_suffix(f".{os.getpid()}")
        text = json.dumps({"position": mark.position, "seal": mark.seal.hex()})
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except OSError as error:
            raise Unreachable(f"{path} cannot be written: {error.strerror}") from None

    def others(self, register: str) -> list[str]:
        """The names of the files of other registers in the folder, which should hold none."""
        own = self._path(register)
        return sorted(path.name for path in self._folder.glob("audit-*.seal") if path != own)

    def _path(self, register: str) -> Path:
        return self._folder / f"audit-{register}.seal"
