"""From lists to the ledger: the rows of a campaign, some thousand people at a time.

Promise: when a campaign is `sending` it has exactly one row per (channel, contact) of its audience, and batches that
cover them; until then it is `expanding`, and nothing of it is handed over. Each chunk is one transaction together with
how far it came, so that a killed expander loses the chunk in hand and the next one goes on behind the last that was
written; between two chunks other writers have their turn. However many expand a campaign at once, one does each chunk
and the others leave. Who joins a list after the beginning is not meant any more (`audience.Cut`).

How no interleaving breaks it: the row that says how far it came is locked while a chunk is written. The campaign's own
row is locked only for the end of the transaction, to see that nobody has paused or cancelled it meanwhile: a word said
before that lock undoes the chunk, a word said after it finds the chunk's rows in the ledger.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.planning import audience
from campaigns.planning.audience import Chunk, Cut
from campaigns.register import persons
from campaigns.store import partitions, schema
from campaigns.store.engine import writing
from campaigns.store.locks import share_turn

#: How many rows one unit of work holds.
BATCH_ROWS: Final = 500
#: How many people one transaction expands.
CHUNK_PEOPLE: Final = 20_000
#: SQLite has one writer, and who waits for it looks again every tenth of a second: so long it is left to others.
BREATH_SECONDS: Final = 0.12


@dataclass(frozen=True)
class Expansion:
    """What expansion made: rows in all, and the numbers of its batches by channel."""

    campaign_id: int
    recipients: int
    batches: tuple[int, ...]


@dataclass(frozen=True)
class _Progress:
    """Every contact up to `reached` has its row on this channel, and on the channels before it."""

    channel: str
    reached: int


class _Overtaken(Exception):
    """The campaign was paused, cancelled or halted while a chunk was written."""


def expand(
    engine: sa.Engine, campaign_id: int, stopping: Callable[[], bool] = lambda: False
) -> Expansion | None:
    """Expand a campaign that is due, or go on with it; None where it is not (any more) to be expanded, somebody else is
    at it, or it was `stopping`.

    Raises:
        Unreachable: the database is away; ask again.
        RefusedOperation: the ledger has no partition for it, and this role may not make one.
    """
    partitions.make_ahead(engine, campaign_id)
    come_to = _begin(engine, campaign_id)
    while come_to is not None and not stopping():
        done = _go_on(engine, campaign_id, come_to)
        if isinstance(done, Expansion):
            return done
        come_to = done
        if engine.dialect.name == "sqlite":
            time.sleep(BREATH_SECONDS)
    return None


def _begin(engine: sa.Engine, campaign_id: int) -> _Progress | None:
    """Make the campaign `expanding`, where it is time; how far it has come."""
    table, progress = schema.campaign, schema.expansion
    with writing(engine) as connection:
        share_turn(connection, persons.EXPANSION_TURN)
        campaign = connection.execute(
            sa.select(table)
            .where(
                table.c.id == campaign_id,
                table.c.status.in_(("scheduled", "expanding")),
                table.c.expanded_at.is_(None),
                ~_halted(),
            )
            .with_for_update(of=table)
        ).one_or_none()
        if campaign is None or not _is_time(campaign, utc_now()):
            return None
        if campaign.status == "scheduled":
            connection.execute(sa.update(table).where(table.c.id == campaign_id).values(status="expanding"))
        known = connection.execute(
            sa.select(progress.c.channel, progress.c.reached).where(progress.c.campaign_id == campaign_id)
        ).one_or_none()
        if known is not None:
            return _Progress(known.channel, known.reached)
        cut, first = audience.cut_now(connection), _channels(campaign)[0]
        connection.execute(
            sa.insert(progress).values(
                campaign_id=campaign_id,
                last_contact=cut.last_contact,
                last_change=cut.last_change,
                channel=first,
            )
        )
    return _Progress(first, 0)


def _go_on(engine: sa.Engine, campaign_id: int, come_to: _Progress) -> _Progress | Expansion | None:
    """Write the next chunk; how far it has come then, or what was made of it all."""
    progress = schema.expansion
    with suppress(_Overtaken), writing(engine) as connection:
        share_turn(connection, persons.EXPANSION_TURN)  # nobody is merged meanwhile
        known = connection.execute(
            sa.select(progress).where(progress.c.campaign_id == campaign_id).with_for_update(skip_locked=True)
        ).one_or_none()
        if known is None or _Progress(known.channel, known.reached) != come_to:
            return None  # somebody else is at it
        table = schema.campaign
        campaign = connection.execute(sa.select(table).where(table.c.id == campaign_id)).one()
        if campaign.status != "expanding":
            return None
        cut = Cut(known.last_contact, known.last_change)
        chunk = audience.next_chunk(
            connection, campaign_id, cut, come_to.channel, come_to.reached, CHUNK_PEOPLE
        )
        before = _last_number(connection, campaign_id)
        rows = audience.rows_of(connection, campaign, cut, chunk, before)
        connection.execute(sa.insert(schema.delivery).from_select(audience.ROW, rows))
        _demand_expanding(connection, campaign_id)
        if chunk.channel == "email":
            _cut_batches(connection, campaign_id, before)
        return _come_to(connection, campaign, chunk)
    return None


def _come_to(connection: sa.Connection, campaign: Any, chunk: Chunk) -> _Progress | Expansion:
    """Note how far it came; at the end of the last channel, open the campaign."""
    channels = _channels(campaign)
    if chunk.is_last and chunk.channel == channels[-1]:
        return _open(connection, campaign)
    come_to = (
        _Progress(channels[channels.index(chunk.channel) + 1], 0)
        if chunk.is_last
        else _Progress(chunk.channel, chunk.to)
    )
    table = schema.expansion
    connection.execute(
        sa.update(table)
        .where(table.c.campaign_id == campaign.id)
        .values(channel=come_to.channel, reached=come_to.reached)
    )
    return come_to


def _channels(campaign: Any) -> tuple[str, ...]:
    # One after the other, so that the rows of a print house's edition are one range.
    return ("email", "post") if campaign.channel == "both" else (campaign.channel,)


def _is_time(campaign: Any, now: datetime) -> bool:
    """Whether its start has come, and is not so late that a person has to say a word first."""
    early = campaign.send_at is not None and campaign.send_at > now
    late = campaign.start_by is not None and campaign.start_by < now and campaign.status == "scheduled"
    return not early and not late


def _halted() -> sa.ColumnElement[bool]:
    return sa.exists().where(schema.gate.c.halted)


def _demand_expanding(connection: sa.Connection, campaign_id: int) -> None:
    """See that the campaign is still being expanded, and keep it so until the end of the transaction."""
    table = schema.campaign.c
    going = connection.execute(
        sa.select(table.id)
        .where(table.id == campaign_id, table.status == "expanding", ~_halted())
        .with_for_update(of=schema.campaign)
    ).one_or_none()
    if going is None:
        raise _Overtaken


def _last_number(connection: sa.Connection, campaign_id: int) -> int:
    row = schema.delivery.c
    last = sa.select(sa.func.coalesce(sa.func.max(row.number), 0)).where(row.campaign_id == campaign_id)
    number: int = connection.execute(last).scalar_one()
    return number


def _cut_batches(connection: sa.Connection, campaign_id: int, after_number: int) -> None:
    """Cut the rows after a number into batches, each with rows of one due time."""
    row = schema.delivery.c
    first, last = sa.func.min(row.number), sa.func.max(row.number)
    ranges = connection.execute(
        sa.select(row.due_at, first, last)
        .where(row.campaign_id == campaign_id, row.number > after_number)
        .group_by(row.due_at)
        .order_by(first)
    )
    pieces = [
        {
            "channel": "email",
            "first_number": start,
            "last_number": min(start + BATCH_ROWS - 1, end),
            "due_at": due,
        }
        for due, begin, end in ranges
        for start in range(begin, end + 1, BATCH_ROWS)
    ]
    _insert_batches(connection, campaign_id, pieces)


def _cut_edition(connection: sa.Connection, campaign_id: int) -> None:
    """A print house's file is closed as a whole, so the post of a campaign is one batch."""
    row = schema.delivery.c
    first, last = connection.execute(
        sa.select(sa.func.min(row.number), sa.func.max(row.number)).where(
            row.campaign_id == campaign_id, row.channel == "post"
        )
    ).one()
    if first is not None:
        piece = {"channel": "post", "first_number": first, "last_number": last, "due_at": None}
        _insert_batches(connection, campaign_id, [piece])


def _insert_batches(connection: sa.Connection, campaign_id: int, pieces: Iterable[dict[str, Any]]) -> None:
    batch = schema.batch.c
    last = sa.select(sa.func.coalesce(sa.func.max(batch.batch_no), 0)).where(batch.campaign_id == campaign_id)
    before: int = connection.execute(last).scalar_one()
    rows = [
        {"campaign_id": campaign_id, "batch_no": number, **piece}
        for number, piece in enumerate(pieces, start=before + 1)
    ]
    if rows:
        connection.execute(sa.insert(schema.batch), rows)


def _open(connection: sa.Connection, campaign: Any) -> Expansion:
    """Every row is written: let the campaign be sent."""
    batch, row, table, progress = schema.batch, schema.delivery, schema.campaign, schema.expansion
    _cut_edition(connection, campaign.id)
    if campaign.local_start is None:
        # It was paused while it was expanded by the recipients' clocks, and then told to start at once.
        connection.execute(
            sa.update(batch)
            .where(batch.c.campaign_id == campaign.id, batch.c.due_at.is_not(None))
            .values(due_at=None)
        )
        connection.execute(
            sa.update(row)
            .where(row.c.campaign_id == campaign.id, row.c.due_at.is_not(None))
            .values(due_at=None)
        )
    connection.execute(sa.delete(progress).where(progress.c.campaign_id == campaign.id))
    connection.execute(
        sa.update(table).where(table.c.id == campaign.id).values(status="sending", expanded_at=utc_now())
    )
    numbers = sa.select(batch.c.batch_no).where(batch.c.campaign_id == campaign.id).order_by(batch.c.batch_no)
    batches = tuple(connection.execute(numbers).scalars())
    return Expansion(campaign.id, _last_number(connection, campaign.id), batches)
