"""Opaque references that leave in links, return paths and Message-IDs, and that only we can have made.

One format: version (1 octet), key id (1), campaign, number, mailing list, contact (4 each, big-endian),
then the first 16 octets of HMAC-SHA-256 over purpose and all before it. Written base64url without padding
in links (46 characters), lower-case base32 without padding in local parts (55 characters, so a prefix fits
within the 64 octets of RFC 5321 4.5.3.1.1). Promise: a token verifies only for the purpose it was made for,
under any key the register still has, in exactly one spelling; anything else is None, with no hint why.
Tokens never expire and need no stored row.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass
from enum import Enum
from typing import Final

from campaigns.keyring import KeyRing

VERSION: Final = 1
MAC_OCTETS: Final = 16
_BODY = struct.Struct(">BBIIII")
_TOKEN_OCTETS = _BODY.size + MAC_OCTETS


class TokenPurpose(Enum):
    """What a token may be used for; a token for one purpose is nothing for another."""

    UNSUBSCRIBE = b"unsubscribe"
    PREFERENCES = b"preferences"
    VIEW = b"view"
    RETURN_PATH = b"return-path"
    MESSAGE_ID = b"message-id"


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a token says: the delivery, the mailing list the person was reached by, the contact."""

    campaign: int
    number: int
    list_id: int
    contact: int


class TokenMaker:
    """Makes and reads tokens with the keys of one register."""

    def __init__(self, ring: KeyRing) -> None:
        self._keys = ring.keys["token"]
        self._current_id = ring.current_id("token")
        self._current_key = self._keys[self._current_id]

    def for_link(self, purpose: TokenPurpose, claims: TokenClaims) -> str:
        """The token as it stands in a URL."""
        return base64.urlsafe_b64encode(self._signed(purpose, claims)).rstrip(b"=").decode("ascii")

    def for_local_part(self, purpose: TokenPurpose, claims: TokenClaims) -> str:
        """The token as it stands in the local part of an address (case does not matter there)."""
        return base64.b32encode(self._signed(purpose, claims)).rstrip(b"=").decode("ascii").lower()

    def read_link(self, purpose: TokenPurpose, text: str) -> TokenClaims | None:
        """The claims of a token from a URL, or None."""
        raw = _decode(text, base64.urlsafe_b64decode)
        if raw is None or base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") != text:
            return None
        return self._verified(purpose, raw)

    def read_local_part(self, purpose: TokenPurpose, text: str) -> TokenClaims | None:
        """The claims of a token from a local part in any case, or None."""
        if not text.isascii():
            return None  # some letters have ASCII capitals
        raw = _decode(text.upper(), base64.b32decode)
        if raw is None or base64.b32encode(raw).rstrip(b"=").decode("ascii") != text.upper():
            return None
        return self._verified(purpose, raw)

    def _signed(self, purpose: TokenPurpose, claims: TokenClaims) -> bytes:
        body = _BODY.pack(
            VERSION, self._current_id, claims.campaign, claims.number, claims.list_id, claims.contact
        )
        return body + hmac.digest(self._current_key, purpose.value + b"\0" + body, "sha256")[:MAC_OCTETS]

    def _verified(self, purpose: TokenPurpose, raw: bytes) -> TokenClaims | None:
        body, mac = raw[: _BODY.size], raw[_BODY.size :]
        version, key_id, campaign, number, list_id, contact = _BODY.unpack(body)
        key = self._keys.get(key_id, b"")
        expected = hmac.digest(key, purpose.value + b"\0" + body, "sha256")[:MAC_OCTETS]
        if not hmac.compare_digest(mac, expected) or version != VERSION or not key:
            return None
        return TokenClaims(campaign, number, list_id, contact)


def _decode(text: str, decoder: object) -> bytes | None:
    if not text.isascii() or len(text) > 2 * _TOKEN_OCTETS or not callable(decoder):
        return None
    padding = "=" * (-len(text) % (8 if decoder is base64.b32decode else 4))
    try:
        raw = decoder(text + padding)
    except (binascii.Error, ValueError):
        return None
    return raw if isinstance(raw, bytes) and len(raw) == _TOKEN_OCTETS else None
