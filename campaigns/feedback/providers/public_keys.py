"""Signatures that anybody can check and only the provider can make: ECDSA and RSA. Pure.

Fails with `InputError` for a key that cannot be used, and where the library is not installed.
"""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from campaigns.errors import InputError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

Hash = Literal["sha1", "sha256"]
_WITHOUT = "public keys need the extra `webhooks`: pip install 'utskick[webhooks]'"


@lru_cache(maxsize=64)
def read_public_key(text: str, kind: Literal["EC", "RSA"]) -> Any:
    """A public key as providers show it: base64 of its DER form, with or without PEM's first and last line.

    Raises:
        InputError: it is none of that kind.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
        from cryptography.hazmat.primitives.serialization import load_der_public_key
    except ImportError:
        raise InputError(_WITHOUT) from None
    lines = [line.strip() for line in text.splitlines() if not line.startswith("-----")]
    try:
        key = load_der_public_key(base64.b64decode("".join(lines), validate=True))
    except (binascii.Error, ValueError, TypeError):
        raise InputError("it is no base64 of a public key") from None
    if not isinstance(key, EllipticCurvePublicKey if kind == "EC" else RSAPublicKey):
        raise InputError(f"it is no {kind} key")
    return key


def ecdsa_holds(key: str, signature: str, signed: bytes) -> bool:
    """Whether a base64 DER signature (SHA-256) is the key's."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        read_public_key(key, "EC").verify(_octets(signature), signed, ECDSA(SHA256()))
    except (InvalidSignature, InputError, ValueError):
        return False
    return True


def rsa_holds(key: Any, signature: str, signed: bytes, digest: Hash) -> bool:
    """Whether a base64 PKCS #1 v1.5 signature is the key's (an RSA key, or the text of one)."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256

    # What some providers sign with is SHA-1; nothing of ours rests on it but what they alone decide.
    chosen = SHA1() if digest == "sha1" else SHA256()  # noqa: S303 (it checks what others signed)
    try:
        found = read_public_key(key, "RSA") if isinstance(key, str) else key
        found.verify(_octets(signature), signed, PKCS1v15(), chosen)
    except (InvalidSignature, InputError, ValueError):
        return False
    return True


def read_certificate(pem: bytes) -> Certificate:
    """A certificate with an RSA key.

    Raises:
        InputError: it is none.
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.x509 import load_pem_x509_certificate

    try:
        certificate = load_pem_x509_certificate(pem)
        kind = type(certificate.public_key())
    except Exception:  # noqa: BLE001 (the parser has many errors; each means the same here)
        raise InputError("it is no certificate") from None
    if not issubclass(kind, RSAPublicKey):
        raise InputError("its key is no RSA key")
    return certificate


def _octets(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except binascii.Error:
        raise InputError("it is no base64") from None
