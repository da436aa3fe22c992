"""An installation whose sender has two smarthosts, and ways to limit it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from campaigns.delivery.ledger import BatchRef
from campaigns.delivery.send import BatchReport
from campaigns.store import schema
from campaigns.store.engine import reading
from tests.operations.place import Place, made_place
from tests.support.smtp_sink import SmtpSink
from workers.sending import SendingRoom
from workers.settings import Settings
from workers.shared_limits import SharedLimits
from workers.wiring import Installation


@contextmanager
def made_roads(folder: Path, database_url: str, main: SmtpSink, backup: SmtpSink) -> Iterator[Place]:
    """A place with the smarthosts `main` and `backup`, long rests, and a sender that uses both."""
    with made_place(
        folder,
        database_url,
        f"smtp://127.0.0.1:{main.port}",
        SMARTHOSTS__BACKUP__URL=f"smtp://127.0.0.1:{backup.port}",
        RETRIES__SHORTEST_PAUSE_SECONDS="20",
    ) as made:
        yield limited(made, {"senders": {"default": {"smarthost": ("main", "backup")}}})


def limited(place: Place, changes: dict[str, Any]) -> Place:
    """The same place with other settings, tables gone into."""
    values = place.installation.settings.model_dump()
    _merge(values, changes)
    return replace(place, installation=Installation(Settings.model_validate(values)))


def _merge(values: dict[str, Any], changes: dict[str, Any]) -> None:
    for name, change in changes.items():
        if isinstance(change, dict) and isinstance(values.get(name), dict):
            _merge(values[name], change)
        else:
            values[name] = change


@contextmanager
def opened_room(place: Place, shared: SharedLimits | None = None) -> Iterator[SendingRoom]:
    """A worker's sending side."""
    room = SendingRoom(place.installation, lambda: False, shared)
    try:
        yield room
    finally:
        room.close()


def send(room: SendingRoom, campaign: int, batch_no: int = 1) -> BatchReport | None:
    """One pass over a batch."""
    return room.send(BatchRef(campaign, batch_no))


def attempts(place: Place, campaign: int) -> list[sa.Row[Any]]:
    """Number, smarthost, processor, outcome of all attempts."""
    table = schema.attempt.c
    with reading(place.engine) as connection:
        return list(
            connection.execute(
                sa.select(table.number, table.smarthost, table.processor, table.outcome)
                .where(table.campaign_id == campaign)
                .order_by(table.number, table.attempt)
            )
        )
