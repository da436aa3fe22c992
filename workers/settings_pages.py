"""Settings of the pages for people."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pydantic import BaseModel

from campaigns.errors import Fault
from workers import settings_checks as checks


class OptInTable(BaseModel):
    """Which lists people may join by the form `/s/KEY`, and who writes the mails that ask for a confirmation (without
    a word, the first of the senders)."""

    model_config = checks.STRICT

    lists: frozenset[checks.Key] = frozenset()
    sender: checks.Key | None = None


def opt_in_faults(table: OptInTable, senders: Collection[str]) -> Iterator[Fault]:
    """A sender that is not declared."""
    if table.sender is not None and table.sender not in senders:
        yield Fault("opt_in.sender", f"there is no [senders.{table.sender}]")
