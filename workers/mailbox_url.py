"""The URL of a mailbox: `imaps://user@host:port/folder`. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

_PORTS: Final = {"imaps": 993, "imap": 143}


@dataclass(frozen=True)
class MailboxUrl:
    """Where a mailbox is, and whether TLS begins at once (on loopback it may be left out)."""

    host: str
    port: int
    user: str
    folder: str
    tls: bool


def parse_mailbox_url(text: str) -> MailboxUrl:
    """Read a URL. Its errors never repeat it.

    Raises:
        ValueError: it cannot be used, or a password would travel in the clear.
    """
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in _PORTS or not parts.hostname or not parts.username or port == 0:
        raise ValueError("must be a URL such as imaps://user@imap.company.example/INBOX")
    if parts.password:
        raise ValueError("holds a password; put it in the secrets folder as mailbox-<key>.secret")
    if parts.query or parts.fragment:
        raise ValueError("has something behind the folder")
    if parts.scheme == "imap" and not _is_loopback(parts.hostname):
        raise ValueError("imap:// sends the password in the clear: use imaps:// (imap:// is for loopback)")
    folder = unquote(parts.path.strip("/")) or "INBOX"
    return MailboxUrl(
        parts.hostname, port or _PORTS[parts.scheme], unquote(parts.username), folder, parts.scheme == "imaps"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
