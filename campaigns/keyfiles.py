"""The register's secret keys as files: `<purpose>-<id>.key` in the secrets folder, 64 hexadecimal digits, mode
0600.

Promise: a key is on disk before anybody uses it, and is readable by its owner alone. Fails with `KeysFault`
for a file that is malformed, open to others or unreadable; nothing is repaired silently.
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import get_args

from campaigns.errors import KeysFault
from campaigns.keyring import HIGHEST_KEY_ID, KEY_OCTETS, KeyPurpose, KeyRing


def read_keys(folder: Path) -> KeyRing | None:
    """Read the key files of a folder; None where there is not a single one.

    Raises:
        KeysFault: a file is malformed, readable by others, or one purpose has no key.
    """
    found: dict[KeyPurpose, dict[int, bytes]] = {purpose: {} for purpose in get_args(KeyPurpose)}
    for path in sorted(folder.glob("*.key")) if folder.is_dir() else ():
        purpose, key_id = _read_name(path)
        found[purpose][key_id] = _read_key(path)
    if not any(found.values()):
        return None
    for purpose, ring in found.items():
        if not ring:
            raise KeysFault(f"{folder}: no {purpose} key; restore the secrets folder of this register.")
    return KeyRing(found)


def make_keys(folder: Path) -> KeyRing:
    """Make the first key of each purpose in an empty folder (0700, files 0600, on disk when this returns)."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for purpose in get_args(KeyPurpose):
        _write_key(folder / f"{purpose}-1.key", secrets.token_bytes(KEY_OCTETS))
    ring = read_keys(folder)
    if ring is None:
        raise KeysFault(f"{folder}: the keys just written cannot be read back.")
    return ring


def _read_name(path: Path) -> tuple[KeyPurpose, int]:
    match = re.fullmatch(r"(fingerprint|token)-([1-9][0-9]{0,2})\.key", path.name)
    if not match or int(match[2]) > HIGHEST_KEY_ID:
        raise KeysFault(
            f"{path}: not a key of Utskick (expected fingerprint-N.key or token-N.key, N from 1 to 255)."
        )
    return ("fingerprint" if match[1] == "fingerprint" else "token"), int(match[2])


def _read_key(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise KeysFault(f"{path} can be read by others; run: chmod 600 {path}")
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise KeysFault(f"{path} cannot be read: {error}") from None
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise KeysFault(f"{path}: not a key (expected 64 hexadecimal digits).")
    return bytes.fromhex(text)


def _write_key(path: Path, key: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(descriptor)
