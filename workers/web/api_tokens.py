"""Who may call the interface for programs: `<secrets_dir>/api-<name>.secret`, a token a line.

Promise: only digests are held in memory; a file that others can read, or a token that can be guessed, stops the
start. Fails with `KeysFault`.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

from campaigns.errors import KeysFault
from workers.secret_files import secret_lines

TOKEN_CHARACTERS: Final = 32
_FILE: Final = re.compile(r"api-([a-z0-9][a-z0-9-]{0,38})\.secret")


def api_tokens(folder: Path) -> dict[str, tuple[bytes, ...]]:
    """The digests of the tokens of each service.

    Raises:
        KeysFault: others can read a file, or a token is too short.
    """
    found: dict[str, tuple[bytes, ...]] = {}
    for path in sorted(folder.glob("api-*.secret")) if folder.is_dir() else ():
        name = _FILE.fullmatch(path.name)
        if name is None:
            raise KeysFault(
                f"{path}: the name must be api-<service>.secret, in small letters, digits and hyphens"
            )
        lines = secret_lines(path)
        if any(len(line) < TOKEN_CHARACTERS for line in lines):
            raise KeysFault(
                f"{path}: a token has at least {TOKEN_CHARACTERS} characters; make one with openssl rand -hex 32"
            )
        found[name[1]] = tuple(hashlib.sha256(line.encode()).digest() for line in lines)
    return found
