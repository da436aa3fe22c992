"""How long records of each kind are kept.

Promise: every kind of record that the personal-data map knows has a window of its name, and so has what lies beside
the database; a window that is missing is no window of "for ever" but a fault of the settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, get_args

from campaigns.store.data_map import Retention

#: Kinds of record in the database, by the map.
MAPPED: Final[tuple[str, ...]] = get_args(Retention)
#: Parts of records that go earlier than the rest, records on nobody in particular, and files beside the database.
FURTHER: Final = ("raw_mail", "submissions", "print_files", "exports", "journals")


@dataclass(frozen=True)
class Windows:
    """Days by kind, and by extra field of a contact (days after its last change)."""

    days: Mapping[str, int]
    fields: Mapping[str, int] = field(default_factory=dict)

    def before(self, kind: str, now: datetime) -> datetime:
        """What is older than this goes."""
        return now - timedelta(days=self.days[kind])
