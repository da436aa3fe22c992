"""The register's secret keys: what they are, how they are kept, how they are recognised.

Two purposes. `fingerprint` keys turn addresses and business ids into suppression keys; `token` keys sign links, return
paths and Message-IDs. A key is a file `<purpose>-<id>.key` (64 hexadecimal digits, mode 0600) in the secrets folder;
the highest id is used for new values, every older id still verifies and still matches. The register stores each key's
check value. Promise (fails closed): a folder that lacks a key of the register, or holds another key under its id, is
refused with `KeysFault` before anything is done; an old "no" must never fall silent because its key was lost.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from campaigns.errors import KeysFault

KeyPurpose = Literal["fingerprint", "token"]
KEY_OCTETS = 32
HIGHEST_KEY_ID = 255
FINGERPRINT_OCTETS = 20


@dataclass(frozen=True, order=True)
class KeyMark:
    """How the register remembers a key without holding it."""

    purpose: KeyPurpose
    key_id: int
    check_value: str


@dataclass(frozen=True)
class KeyRing:
    """All keys of one register; at least one for each purpose."""

    keys: Mapping[KeyPurpose, Mapping[int, bytes]] = field(repr=False)

    def current_id(self, purpose: KeyPurpose) -> int:
        """The id that new values are made with."""
        return max(self.keys[purpose])

    def key(self, purpose: KeyPurpose, key_id: int) -> bytes | None:
        """The key with that id, or None."""
        return self.keys[purpose].get(key_id)

    def marks(self) -> list[KeyMark]:
        """The check values of all keys, in order."""
        return sorted(
            KeyMark(purpose, key_id, check_value(purpose, key))
            for purpose, ring in self.keys.items()
            for key_id, key in ring.items()
        )

    def fingerprint(self, subject: str, text: str) -> bytes:
        """The keyed fingerprint of a comparison text, under the current key."""
        return self._fingerprint(self.current_id("fingerprint"), subject, text)

    def fingerprints(self, subject: str, text: str) -> dict[int, bytes]:
        """The fingerprints under every key of the register, by key id: an old "no" was written under an old key."""
        return {key_id: self._fingerprint(key_id, subject, text) for key_id in self.keys["fingerprint"]}

    def derived(self, use: str) -> dict[int, bytes]:
        """Keys for another use, each from a token key, by its id; what they prove tells nothing of tokens."""
        return {
            key_id: hmac.digest(key, b"utskick derived key\0" + use.encode(), "sha256")
            for key_id, key in self.keys["token"].items()
        }

    def _fingerprint(self, key_id: int, subject: str, text: str) -> bytes:
        message = subject.encode() + b"\0" + text.encode()
        return hmac.digest(self.keys["fingerprint"][key_id], message, "sha256")[:FINGERPRINT_OCTETS]


def check_value(purpose: KeyPurpose, key: bytes) -> str:
    """What identifies a key without telling it: 16 hexadecimal digits."""
    return hmac.digest(key, b"utskick key check\0" + purpose.encode(), "sha256").hex()[:16]


def hold_against(ring: KeyRing | None, marks: Iterable[KeyMark], folder: Path) -> KeyRing:
    """The ring, after proving that it holds every key that the register remembers.

    Raises:
        KeysFault: keys are missing or differ; the message says which and what to do.
    """
    remembered = sorted(marks)
    if ring is None:
        raise KeysFault(
            f"{folder} holds no keys. "
            + ("Restore the secrets folder of this register." if remembered else "Run `utskick init` first.")
        )
    for mark in remembered:
        key = ring.key(mark.purpose, mark.key_id)
        if key is None:
            raise KeysFault(
                f"{folder}: {mark.purpose} key {mark.key_id} is missing; restore it from your backup."
            )
        if not hmac.compare_digest(check_value(mark.purpose, key), mark.check_value):
            raise KeysFault(f"{folder}: {mark.purpose} key {mark.key_id} belongs to another register.")
    return ring
