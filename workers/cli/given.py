"""What commands read from standard input, and tables that come through a pipe.

Promise: a table from a pipe leaves nothing on disk, even when the process is killed: it is kept in a file without a
name while it is read. Fails with `InputError` where standard input is closed.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, Final

from cyclopts import Parameter

from campaigns.errors import InputError

#: The file name that means standard input.
DASH: Final = "-"
TableName = Annotated[
    Path,
    Parameter(
        allow_leading_hyphen=True,
        help="The table: CSV as exports write it, in any of their encodings; - is standard input.",
    ),
]


def standard_input() -> BinaryIO:
    """Standard input, as octets.

    Raises:
        InputError: it is closed.
    """
    if sys.stdin is None:
        raise InputError("standard input is closed; name a file instead of -")
    return sys.stdin.buffer


def text(file: str) -> str:
    """The text of a file, or of standard input for `-`; UTF-8 with or without byte order mark.

    Raises:
        InputError: it cannot be read, or is no such text.
    """
    try:
        octets = standard_input().read() if file == DASH else Path(file).read_bytes()
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{file}: is not written in UTF-8; save it as UTF-8") from None


@contextmanager
def table(file: Path) -> Iterator[tuple[Path, str]]:
    """A table that can be read twice, and what to call it. Pipes are read to their end first.

    Raises:
        InputError: the table cannot be read.
    """
    name = "standard input" if str(file) == DASH else str(file)
    if str(file) != DASH and not file.is_fifo():
        yield file, name
        return
    with tempfile.TemporaryFile() as kept:
        if str(file) == DASH:
            shutil.copyfileobj(standard_input(), kept)
        else:
            with file.open("rb") as pipe:
                shutil.copyfileobj(pipe, kept)
        kept.flush()
        yield Path(f"/dev/fd/{kept.fileno()}"), name
