"""Settle what dead senders of this host left behind.

Promise: a reply in the journal becomes the result; begun without a reply becomes `uncertain`; neither, under the same
boot, is proof that nothing was begun and returns the row to `pending`. All three name their attempt, so that they are
true also after the lease ran out and another worker took the batch over. Where the proof is missing (the machine has
booted since, or the journal was never started for the claim) the watermark decides: rows up to it become `uncertain`.
May run at any moment, on any number of workers: each journal is settled under its dead owner's lock, in one
transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.delivery.journal import Legacy, legacies
from campaigns.delivery.ledger import give_back_in, settle_by_watermark
from campaigns.delivery.results import Carrier, Result, record_in
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
    if legacy.campaign:
        record_in(connection, legacy.campaign, list(_evidence(legacy)), carrier)
        give_back_in(connection, legacy.campaign, _proven_untaken(legacy))
    for batch in batches:
        settle_by_watermark(connection, batch)
        connection.execute(
            sa.update(table)
            .where(table.c.campaign_id == batch.campaign_id, table.c.batch_no == batch.batch_no)
            .values(owner=None, lease_until=None, opened_to=None, due_at=utc_now())
        )
    return len(batches)


def _evidence(legacy: Legacy) -> Iterator[Result]:
    """Results that the journal proves, and messages completed whose answer it lacks."""
    for number in legacy.begun:
        status, code = legacy.replies.get(number, ("uncertain", 0))
        if status in ("accepted", "rejected", "uncertain"):
            yield Result(number, legacy.attempts[number], status, code=code or None)


def _proven_untaken(legacy: Legacy) -> dict[int, int]:
    """Number -> attempt of what the smarthost certainly has not taken: put off by its reply, or never begun."""
    refused = {number for number, (status, _) in legacy.replies.items() if status in ("deferred", "expired")}
    not_begun = legacy.attempts.keys() - legacy.begun if legacy.same_boot else frozenset()
    return {number: legacy.attempts[number] for number in refused | not_begun}
