"""How providers prove themselves with a shared secret. Pure.

Promise: every comparison takes the same time, every secret of an endpoint is tried, and an endpoint without
a secret believes nobody. Sources: Standard Webhooks (symmetric signatures, `v1`), RFC 7617, RFC 6750.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import parse_qs, urlsplit

from campaigns.errors import InputError
from campaigns.feedback.providers.base import Arrival, Endpoint, NotAuthentic

#: The least length of a secret, in octets.
SECRET_OCTETS: Final = 16
TOLERANCE_SECONDS: Final = 300
#: How many signatures one request may bring.
SIGNATURES: Final = 10
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 (the mark of such a secret, not one)
_MESSAGE_ID: Final = re.compile(r"[!-~]{1,200}")
_MOMENT: Final = re.compile(r"[0-9]{1,12}")
#: What makes the right signature with a secret.
Sign = Callable[[bytes], str]


def check_plain_secret(text: str) -> None:
    """A secret that is used as it is written.

    Raises:
        InputError: it is too short, or holds what cannot stand in a header.
    """
    if len(text) < SECRET_OCTETS or not (text.isascii() and text.isprintable()):
        raise InputError(f"it has less than {SECRET_OCTETS} characters, or some that are not plain ASCII")


def read_webhook_secret(text: str) -> bytes:
    """The key in a secret of Standard Webhooks, `whsec_` and base64.

    Raises:
        InputError: it is none, or too short.
    """
    try:
        key = base64.b64decode(text.removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise InputError("a webhook's secret is whsec_ and base64") from None
    if not text.startswith(_SECRET_PREFIX) or len(key) < SECRET_OCTETS:
        raise InputError(f"a webhook's secret is whsec_ and base64 of at least {SECRET_OCTETS} octets")
    return key


def expect_signature(endpoint: Endpoint, given: Sequence[str], sign: Sign) -> None:
    """One of the given signatures is what one of the endpoint's secrets makes.

    Raises:
        NotAuthentic: none is.
    """
    if not endpoint.secrets:
        raise NotAuthentic("no key")
    if not any(given):
        raise NotAuthentic("no proof")
    octets = [part.encode("utf-8", "replace") for part in given[:SIGNATURES]]
    good = False
    for secret in endpoint.secrets:
        expected = sign(secret.encode("ascii", "replace")).encode()
        for signature in octets:
            good = hmac.compare_digest(expected, signature) or good
    if not good:
        raise NotAuthentic("wrong proof")


def expect_standard_signature(endpoint: Endpoint, arrival: Arrival, prefix: str) -> None:
    """A signature of Standard Webhooks, in headers that begin with `prefix`.

    Raises:
        NotAuthentic: there is none, or it is too old or too new.
    """
    headers = arrival.headers
    message_id, moment = headers.get(f"{prefix}-id", ""), headers.get(f"{prefix}-timestamp", "")
    signed = f"{message_id}.{moment}.".encode("utf-8", "replace") + arrival.body

    def sign(secret: bytes) -> str:
        key = read_webhook_secret(secret.decode())
        return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()

    expect_signature(endpoint, headers.get(f"{prefix}-signature", "").split(" "), sign)
    if not _MESSAGE_ID.fullmatch(message_id):
        raise NotAuthentic("wrong proof")
    expect_moment(moment, arrival, TOLERANCE_SECONDS)


def expect_moment(text: str, arrival: Arrival, tolerance: int) -> None:
    """A signed moment (seconds since 1970) that is near enough.

    Raises:
        NotAuthentic: it is not, or is no moment.
    """
    if not _MOMENT.fullmatch(text) or abs(int(text) - arrival.now.timestamp()) > tolerance:
        raise NotAuthentic("wrong time")


def expect_shared_secret(endpoint: Endpoint, arrival: Arrival) -> None:
    """The secret itself: as the password of basic authentication (any name), as a bearer token, or as
    `secret` in the URL's query. For providers that sign nothing.

    Raises:
        NotAuthentic: it is none of them.
    """
    scheme, _, value = arrival.headers.get("authorization", "").partition(" ")
    given = _in_query(arrival.url)
    if scheme.lower() == "bearer":
        given.append(value.strip())
    elif scheme.lower() == "basic":
        given.append(_password(value))
    expect_signature(endpoint, given, lambda secret: secret.decode())


def _in_query(url: str) -> list[str]:
    try:
        return parse_qs(urlsplit(url).query, max_num_fields=20).get("secret", [])[:1]
    except ValueError:  # more fields than anybody needs, or no URL
        return []


def _password(value: str) -> str:
    try:
        decoded = base64.b64decode(value, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[2]
