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
import hashlib
import hmac
import struct
from enum import Enum
from typing import Final, NamedTuple

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
    CONFIRM = b"confirm"


class TokenClaims(NamedTuple):
    """What a token says: the delivery, the mailing list the person was reached by, the contact."""

    campaign: int
    number: int
    list_id: int
    contact: int


_LINKS: Final = (TokenPurpose.UNSUBSCRIBE, TokenPurpose.PREFERENCES, TokenPurpose.VIEW)
_LOCAL_PARTS: Final = (TokenPurpose.UNSUBSCRIBE, TokenPurpose.RETURN_PATH, TokenPurpose.MESSAGE_ID)


class DeliveryTokens(NamedTuple):
    """The tokens of one message: three as they stand in links, three as they stand in local parts."""

    unsubscribe: str
    preferences: str
    view: str
    unsubscribe_by_mail: str
    return_path: str
    message_id: str


class TokenMaker:
    """Makes and reads tokens with the keys of one register."""

    def __init__(self, ring: KeyRing) -> None:
        self._macs = {
            (purpose, key_id): _Mac(key, purpose.value + b"\0")
            for purpose in TokenPurpose
            for key_id, key in ring.keys["token"].items()
        }
        self._current_id = ring.current_id("token")
        self._current = {purpose: self._macs[purpose, self._current_id] for purpose in TokenPurpose}
        self._links = [self._current[purpose] for purpose in _LINKS]
        self._local_parts = [self._current[purpose] for purpose in _LOCAL_PARTS]

    def for_link(self, purpose: TokenPurpose, claims: TokenClaims) -> str:
        """The token as it stands in a URL."""
        return base64.urlsafe_b64encode(self._signed(purpose, claims)).rstrip(b"=").decode("ascii")

    def for_local_part(self, purpose: TokenPurpose, claims: TokenClaims) -> str:
        """The token as it stands in the local part of an address (case does not matter there)."""
        return _base32(self._signed(purpose, claims))

    def for_delivery(self, claims: TokenClaims) -> DeliveryTokens:
        """All tokens of one message at once."""
        body = _BODY.pack(VERSION, self._current_id, *claims)
        links = [
            base64.urlsafe_b64encode(body + mac.digest(body))[:-2].decode("ascii") for mac in self._links
        ]
        return DeliveryTokens(*links, *[_base32(body + mac.digest(body)) for mac in self._local_parts])

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
        if raw is None or _base32(raw) != text.lower():
            return None
        return self._verified(purpose, raw)

    def _signed(self, purpose: TokenPurpose, claims: TokenClaims) -> bytes:
        body = _BODY.pack(VERSION, self._current_id, *claims)
        return body + self._current[purpose].digest(body)

    def _verified(self, purpose: TokenPurpose, raw: bytes) -> TokenClaims | None:
        body, mac = raw[: _BODY.size], raw[_BODY.size :]
        version, key_id, *claims = _BODY.unpack(body)
        known = self._macs.get((purpose, key_id))
        expected = (known or self._current[purpose]).digest(body)
        if not hmac.compare_digest(mac, expected) or version != VERSION or known is None:
            return None
        return TokenClaims(*claims)


class _Mac:
    """HMAC-SHA-256 (RFC 2104) under one key, with a prefix that every message begins with.

    The two keyed states are made once and copied, which is three times as fast as `hmac.digest` and, unlike it, does
    not let go of the interpreter's lock for a few dozen octets: six tokens per message would be six changes of thread.
    """

    def __init__(self, key: bytes, prefix: bytes) -> None:
        padded = key.ljust(_BLOCK_OCTETS, b"\0")
        self._inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in padded) + prefix)
        self._outer = hashlib.sha256(bytes(octet ^ 0x5C for octet in padded))

    def digest(self, body: bytes) -> bytes:
        """The first octets of the code."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(body)
        outer.update(inner.digest())
        return outer.digest()[:MAC_OCTETS]


def _base32(raw: bytes) -> str:
    """Lower-case base32 without padding (RFC 4648 6) of a token: 55 characters.

    Each round halves the groups of bits and moves the upper halves apart, until every five bits have an octet of their
    own. A table of longer pieces would be as quick only while nothing else wants the processor's cache.
    """
    bits = int.from_bytes(raw, "big") << _BASE32_PADDING
    for shift, upper_halves in _ROUNDS:
        moved = bits & upper_halves
        bits = bits ^ moved | moved << shift
    return bits.to_bytes(_CHARACTERS, "big").translate(_ALPHABET).decode("ascii")


_BLOCK_OCTETS: Final = 64
_CHARACTERS: Final = -(-_TOKEN_OCTETS * 8 // 5)
_BASE32_PADDING: Final = _CHARACTERS * 5 - _TOKEN_OCTETS * 8
_ALPHABET: Final = b"abcdefghijklmnopqrstuvwxyz234567" + bytes(224)
_HALVES: Final = (32, 16, 8, 4, 2, 1)
_ROUNDS: Final = tuple(
    (3 * half, sum((1 << 5 * half) - 1 << (16 * place + 5) * half for place in range(32 // half)))
    for half in _HALVES
)


def _decode(text: str, decoder: object) -> bytes | None:
    if not text.isascii() or len(text) > 2 * _TOKEN_OCTETS or not callable(decoder):
        return None
    padding = "=" * (-len(text) % (8 if decoder is base64.b32decode else 4))
    try:
        raw = decoder(text + padding)
    except (binascii.Error, ValueError):
        return None
    return raw if isinstance(raw, bytes) and len(raw) == _TOKEN_OCTETS else None
