"""Folders for sockets: private, and short enough for the 107 octets that a socket's path may have."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST = 70  # leaves 37 octets for the socket's own name


@contextmanager
def short_folder(prefix: str) -> Iterator[Path]:
    """A new 0700 folder under the temporary directory (under /tmp where that path is too long), removed at the end."""
    base = tempfile.gettempdir()
    folder = Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=base if len(base) < LONGEST else "/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
