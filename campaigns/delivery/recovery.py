"""Settle what dead senders of this host left behind.

Promise: a reply in the journal becomes the result; begun without a reply becomes `uncertain`; neither,
under the same boot and the same claim, is proof that nothing was begun and returns the row to `pending`.
Where the proof is missing (another boot, another claim's journal) rows up to the watermark become
`uncertain`. May run at any moment, on any number of workers: each journal is settled under its dead owner's
lock, in one transaction.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.delivery import ledger
from campaigns.delivery.journal import Legacy, legacies
from campaigns.delivery.ledger import Carrier, Result
from campaigns.store import schema
from campaigns.store.engine import writing


def settle_legacies(engine: sa.Engine, folder: Path, carrier: Carrier) -> int:
    """Settle all journals whose owners are dead; returns how many batches were freed.

    Raises:
        Unreachable: the database is away; nothing was removed.
    """
    freed = 0
    for legacy, path in legacies(folder):
        with writing(engine) as connection:
            freed += _settle(connection, legacy, carrier)
        path.unlink(missing_ok=True)
    return freed


def _settle(connection: sa.Connection, legacy: Legacy, carrier: Carrier) -> int:
    table = schema.batch
    batches = connection.execute(
        sa.select(table).where(table.c.owner == legacy.owner).with_for_update()
    ).all()
    for batch in batches:
        ours = (batch.campaign_id, batch.batch_no, batch.fence) == (
            legacy.campaign,
            legacy.batch_no,
            legacy.fence,
        )
        rows = _rows_in_hand(connection, batch)
        if ours:
            ledger.record_in(connection, batch.campaign_id, _evidence(legacy, rows), carrier)
        _settle_the_rest(connection, batch, proof=legacy.same_boot or not legacy.campaign)
        connection.execute(
            sa.update(table)
            .where(table.c.campaign_id == batch.campaign_id, table.c.batch_no == batch.batch_no)
            .values(owner=None, lease_until=None, opened_to=None, due_at=utc_now())
        )
    return len(batches)


def _rows_in_hand(connection: sa.Connection, batch: Any) -> dict[int, int]:
    row = schema.delivery.c
    rows = connection.execute(
        sa.select(row.number, row.attempt).where(
            row.campaign_id == batch.campaign_id,
            row.number.between(batch.first_number, batch.last_number),
            row.status == "sending",
        )
    )
    return {row.number: row.attempt for row in rows}


def _evidence(legacy: Legacy, rows: dict[int, int]) -> list[Result]:
    results = []
    for number, attempt in rows.items():
        if number in legacy.replies:
            status, code = legacy.replies[number]
            if status in ("accepted", "rejected", "uncertain"):
                results.append(Result(number, attempt, status, code=code or None))
        elif number in legacy.begun:
            results.append(Result(number, attempt, "uncertain"))
    return results


def _settle_the_rest(connection: sa.Connection, batch: Any, *, proof: bool) -> None:
    row = schema.delivery.c
    left = (
        row.campaign_id == batch.campaign_id,
        row.number.between(batch.first_number, batch.last_number),
        row.status == "sending",
    )
    if not proof and batch.opened_to is not None:
        connection.execute(
            sa.update(schema.delivery)
            .where(*left, row.number <= batch.opened_to)
            .values(status="uncertain", settled_at=utc_now())
        )
    connection.execute(sa.update(schema.delivery).where(*left).values(status="pending"))
