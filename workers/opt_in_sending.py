"""The sending of mails that ask for a confirmation, in a worker process.

Promise: one at a time and process, over a connection of its own that is closed after each: they are few, and none of
them waits behind a campaign. The processor of the smarthost is guarded as for any other mail.
"""

from __future__ import annotations

import threading
import tomllib
from functools import cached_property
from typing import Any

from campaigns.clock import utc_now
from campaigns.content.catalogue import templates_folder
from campaigns.content.language import LANGUAGES
from campaigns.delivery.opt_in_mail import OptInDesk, Words, send_opt_in
from campaigns.delivery.smarthost import open_transport
from campaigns.delivery.smarthost_url import parse_smarthost_url
from campaigns.delivery.transport import Transport
from campaigns.register.clearance import DeliveryRef
from campaigns.register.processors import guard
from workers.gate import make_gate
from workers.wiring import Installation


class OptInRoom:
    """Sends for one process."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._lock = threading.Lock()

    def send(self, opt_in: int) -> str | None:
        """Send one mail; see `send_opt_in`."""
        with self._lock:
            return send_opt_in(self._desk, opt_in)

    @cached_property
    def _desk(self) -> OptInDesk:
        installation, settings = self._installation, self._installation.settings
        sender = settings.opt_in.sender or next(iter(settings.senders))
        smarthost = settings.senders[sender].route[0]
        url = parse_smarthost_url(settings.smarthosts[smarthost].url.get_secret_value())

        def transport() -> Transport:
            guard(settings.smarthost_processor(smarthost), utc_now().date())
            return open_transport(
                url,
                ehlo_name=settings.mail_domain,
                begun=_noted_already,
                timeouts=installation.timeouts(smarthost),
            )

        return OptInDesk(
            installation.engine,
            installation.ring,
            make_gate(installation),
            transport,
            installation.author(sender),
            installation.stationery,
            _words(),
            settings.controller.name,
        )


def _noted_already(_delivery: DeliveryRef) -> None:
    """These mails need no journal: their row said that they were begun before the connection was opened."""


def _words() -> Words:
    folder = templates_folder() / "strings"
    words: dict[str, Any] = {}
    for language in LANGUAGES:
        words[language] = tomllib.loads((folder / f"{language}.toml").read_text(encoding="utf-8"))["notice"]
    return words
