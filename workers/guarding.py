"""The guard over processors while processes run: a contract that ends at midnight ends the traffic at midnight.

Promise: settings are looked at when a process starts (`workers.settings`); these are asked again each time something
goes to a print house, is fetched from a mailbox or is taken from a webhook. Smarthosts are asked by `workers.routes`.
All raise `GuardRefused`. A contract's last day is one where the controller is.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from campaigns.register.processors import SELF, guard
from workers.settings import Settings


def today(settings: Settings) -> date:
    """The date where the controller is."""
    return datetime.now(ZoneInfo(settings.time_zone)).date()


def guard_print_house(settings: Settings, key: str) -> None:
    """Let a print house's files be written.

    Raises:
        GuardRefused: they may not go there today.
    """
    guard(settings.print_house_processor(key), today(settings))


def guard_mailbox(settings: Settings, key: str) -> None:
    """Let a mailbox be read.

    Raises:
        GuardRefused: its processor may not be used today.
    """
    _guard(settings, settings.mailboxes[key].whose)


def guard_webhook(settings: Settings, key: str) -> None:
    """Let the news of a webhook source be taken.

    Raises:
        GuardRefused: its processor may not be used today.
    """
    _guard(settings, settings.webhooks[key].processor)


def _guard(settings: Settings, processor: str) -> None:
    if processor != SELF:
        guard(settings.processor(processor), today(settings))
