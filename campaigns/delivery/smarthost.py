"""From a smarthost's address to the transport that speaks to it.

Promise: nothing is connected before the first letter. `probe` does everything but send mail. Fails: `InputError` for a
host name of our own that cannot be used in EHLO.
"""

from __future__ import annotations

import re
from typing import Final

from campaigns.delivery.file_transport import FileTransport, folder_fault
from campaigns.delivery.smarthost_url import FolderUrl, SmarthostUrl
from campaigns.delivery.smtp import SmtpTransport
from campaigns.delivery.smtp_connection import SmarthostAway, open_connection
from campaigns.delivery.transport import Begun, Timeouts, Transport
from campaigns.errors import InputError


def open_transport(
    url: SmarthostUrl, *, ehlo_name: str, begun: Begun, timeouts: Timeouts | None = None
) -> Transport:
    """A transport for one thread. `begun` is called right before a message is completed.

    Raises:
        InputError: `ehlo_name` is neither a domain name nor an address literal (RFC 5321 4.1.1.1).
    """
    _demand_host_name(ehlo_name)
    if isinstance(url, FolderUrl):
        return FileTransport(url.folder, begun=begun)
    return SmtpTransport(url, ehlo_name=ehlo_name, timeouts=timeouts or Timeouts(), begun=begun)


def probe(url: SmarthostUrl, *, ehlo_name: str, timeouts: Timeouts | None = None) -> str | None:
    """Connect, greet, encrypt and log in, and hang up: what is wrong, or None.

    Raises:
        InputError: as `open_transport`.
    """
    _demand_host_name(ehlo_name)
    if isinstance(url, FolderUrl):
        return folder_fault(url.folder)
    try:
        open_connection(url, ehlo_name, timeouts or Timeouts()).quit()
    except SmarthostAway as away:
        return str(away)
    return None


def _demand_host_name(name: str) -> None:
    if _HOST_NAME.fullmatch(name) is None:
        raise InputError(
            "The name for EHLO is this machine's domain name, or its address in square brackets."
        )


_HOST_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.IPv]{2,50}\]")
