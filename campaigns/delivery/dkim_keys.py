"""The private keys of our DKIM signatures: `dkim-<key>-rsa.pem` and `dkim-<key>-ed25519.pem` in the secrets folder.

Promise: a key is made once and never written over; it is on disk, readable by its owner alone, before its public half
is shown. RSA keys have 2048 bits when made here, and at least as many when they come from elsewhere (RFC 8301 3.2).
Fails with `KeysFault` for a file that is missing, malformed, too weak or open to others.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from campaigns.delivery.dkim import Algorithm, DkimKey
from campaigns.errors import KeysFault, RefusedOperation

RSA_BITS: Final = 2048
#: The longest character string of a TXT record (RFC 1035 3.3.14).
TXT_OCTETS: Final = 255

Private = RSAPrivateKey | Ed25519PrivateKey


@dataclass(frozen=True)
class Identity:
    """Under which name a domain signs: the key's name in the settings, the domain, and its selectors."""

    key: str
    domain: str
    selector: str
    ed25519_selector: str | None = None

    @property
    def parts(self) -> tuple[tuple[Algorithm, str, str], ...]:
        """Algorithm, selector and file of each signature. RSA always: not every receiver knows the other."""
        rsa: tuple[Algorithm, str, str] = ("rsa-sha256", self.selector, f"dkim-{self.key}-rsa.pem")
        if self.ed25519_selector is None:
            return (rsa,)
        return (rsa, ("ed25519-sha256", self.ed25519_selector, f"dkim-{self.key}-ed25519.pem"))


@dataclass(frozen=True)
class Record:
    """What is to be published in DNS, as a TXT record."""

    name: str
    text: str

    @property
    def zone_line(self) -> str:
        """The record as a line of a zone file, the text in pieces that a record can hold."""
        pieces = [self.text[at : at + TXT_OCTETS] for at in range(0, len(self.text), TXT_OCTETS)]
        quoted = " ".join(f'"{piece}"' for piece in pieces)
        return f"{self.name}. IN TXT ( {quoted} )"


def make_keys(folder: Path, identity: Identity) -> list[Record]:
    """Make the keys of an identity that are not there yet; returns what to publish.

    Raises:
        RefusedOperation: all of them are there; a new key takes a new selector, so that mail under way still verifies.
        KeysFault: one that is there cannot be used.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    missing = [(algorithm, folder / name) for algorithm, _, name in identity.parts]
    missing = [(algorithm, path) for algorithm, path in missing if not path.exists()]
    if not missing:
        raise RefusedOperation(
            f"the keys of [dkim.{identity.key}] are in {folder}; a new key takes another table with a new selector"
        )
    for algorithm, path in missing:
        _write(path, Ed25519PrivateKey.generate() if algorithm == "ed25519-sha256" else _new_rsa())
    return records(folder, identity)


def read_keys(folder: Path, identity: Identity) -> list[DkimKey]:
    """The keys of an identity, ready to sign.

    Raises:
        KeysFault: one is missing, malformed, too weak or open to others.
    """
    return [
        DkimKey(identity.domain, selector, algorithm, _signing(_read(folder / name, algorithm)))
        for algorithm, selector, name in identity.parts
    ]


def records(folder: Path, identity: Identity) -> list[Record]:
    """What is to be published for an identity.

    Raises:
        KeysFault: as `read_keys`.
    """
    return [
        Record(f"{selector}._domainkey.{identity.domain}", _public(_read(folder / name, algorithm)))
        for algorithm, selector, name in identity.parts
    ]


def _new_rsa() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=RSA_BITS)


def _signing(private: Private) -> Callable[[bytes], bytes]:
    if isinstance(private, RSAPrivateKey):
        scheme, digest = padding.PKCS1v15(), hashes.SHA256()
        return lambda data: private.sign(data, scheme, digest)
    return lambda data: private.sign(sha256(data).digest())  # RFC 8463 3: PureEdDSA over the hash


def _public(private: Private) -> str:
    encoding, form = serialization.Encoding, serialization.PublicFormat
    if isinstance(private, RSAPrivateKey):
        kind, octets = "rsa", private.public_key().public_bytes(encoding.DER, form.SubjectPublicKeyInfo)
    else:
        kind, octets = "ed25519", private.public_key().public_bytes(encoding.Raw, form.Raw)
    return f"v=DKIM1; k={kind}; p={b64encode(octets).decode()}"


def _read(path: Path, algorithm: Algorithm) -> Private:
    try:
        if path.stat().st_mode & 0o077:
            raise KeysFault(f"{path} can be read by others; run: chmod 600 {path}")
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        raise KeysFault(f"{path} is missing; `utskick dkim new` makes it") from None
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeysFault(f"{path} cannot be read: {error}") from None
    if algorithm == "ed25519-sha256" and isinstance(private, Ed25519PrivateKey):
        return private
    if algorithm == "rsa-sha256" and isinstance(private, RSAPrivateKey) and private.key_size >= RSA_BITS:
        return private
    raise KeysFault(f"{path}: not a key for {algorithm} (RSA keys have at least {RSA_BITS} bits)")


def _write(path: Path, private: Private) -> None:
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
