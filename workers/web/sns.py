"""What SNS wants fetched: certificates, and the call that confirms a subscription.

Promise: only Amazon's own host, by TLS with its certificate checked, never a redirect, a small answer, a
short wait; each certificate is fetched once, and what could not be fetched is not tried again for a minute.
Fails with `Unreachable`.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from campaigns.clock import boot_seconds
from campaigns.errors import Unreachable

Fetch = Callable[[str], bytes]
_SECONDS: Final = 5
_OCTETS: Final = 20_000
#: How many certificates are held, and how long a failure is remembered, in seconds.
_CERTIFICATES: Final = 50
_FORGET_SECONDS: Final = 60.0


def fetch(url: str) -> bytes:
    """The body that an https URL answers with.

    Raises:
        Unreachable: it does not answer 200.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection(parts.hostname or "", timeout=_SECONDS)
    try:
        connection.request("GET", parts._replace(scheme="", netloc="").geturl())
        answer = connection.getresponse()
        body = answer.read(_OCTETS)
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"{parts.hostname} does not answer: {type(error).__name__}") from None
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise Unreachable(f"{parts.hostname} answers {answer.status}")
    return body


class Certificates:
    """The certificates that SNS signs with, by their URL. Safe for threads; asks for one at a time."""

    def __init__(self, fetch: Fetch = fetch) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._failed: dict[str, float] = {}
        self.known: dict[str, bytes] = {}

    def call(self, url: str) -> None:
        """Call one of Amazon's URLs for its effect.

        Raises:
            Unreachable: it does not answer 200.
        """
        self._fetch(url)

    def learn(self, url: str) -> None:
        """Have the certificate of this URL, which must be one of Amazon's (`CertificateWanted`).

        Raises:
            Unreachable: it cannot be fetched now.
        """
        with self._lock:
            if url in self.known:
                return
            if self._failed.get(url, float("-inf")) > boot_seconds() - _FORGET_SECONDS:
                raise Unreachable("the certificate could not be fetched a moment ago")
            try:
                pem = self._fetch(url)
            except Unreachable:
                if len(self._failed) >= _CERTIFICATES:
                    self._failed.clear()
                self._failed[url] = boot_seconds()
                raise
            if len(self.known) >= _CERTIFICATES:
                self.known.clear()
            self.known[url] = pem
