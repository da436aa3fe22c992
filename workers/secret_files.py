"""Files of secrets that the operator makes: lines, the newest first, readable by their owner alone."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Final

from campaigns.errors import KeysFault

KEY_CHARACTERS: Final = 32


def secret_lines(path: Path) -> list[str]:
    """The lines of a file of secrets; none where there is no file.

    Raises:
        KeysFault: others can read the file, or it cannot be read.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise KeysFault(f"{path}: is no file; name one that holds the secret")
        if stat.S_IMODE(mode) & 0o077:
            raise KeysFault(f"{path} can be read by others; run: chmod 600 {path}")
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise KeysFault(f"{path}: {error.strerror}") from None
    return [line for line in map(str.strip, text.splitlines()) if line]


def signing_keys(path: Path) -> list[bytes]:
    """The keys in a file of a service that signs what it submits.

    Raises:
        KeysFault: others can read the file, or a key can be guessed.
    """
    lines = secret_lines(path)
    if any(len(line) < KEY_CHARACTERS for line in lines):
        raise KeysFault(
            f"{path}: a key has at least {KEY_CHARACTERS} characters; make one with openssl rand -hex 32"
        )
    return [line.encode() for line in lines]
