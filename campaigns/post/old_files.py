"""Address files of printed editions that the print house no longer needs here.

Promise: only files that the ledger knows as handed over, of campaigns that are closed and not `kept`, are removed, with
their manifests; the ledger's word that they were handed over, and their digest, stay. What is gone already is not
counted. Fails with `RefusedOperation` where a file cannot be removed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from campaigns.errors import RefusedOperation
from campaigns.post.edition import edition_folder
from campaigns.post.manifest import manifest_path
from campaigns.store import schema
from campaigns.store.engine import reading


def remove_old(
    engine: sa.Engine,
    houses: Mapping[str, Path],
    before: datetime,
    *,
    kept: Collection[int] = (),
    dry_run: bool = False,
) -> int:
    """Remove this machine's files that were closed before then (or count them); how many.

    Raises:
        RefusedOperation: a file cannot be removed.
        Unreachable: the database is away.
    """
    there = [path for path in _old_files(engine, houses, before, kept) if path.exists()]
    if not dry_run:
        for path in there:
            _remove(path)
    return len(there)


def _old_files(
    engine: sa.Engine, houses: Mapping[str, Path], before: datetime, kept: Collection[int]
) -> list[Path]:
    file, campaign = schema.print_file.c, schema.campaign.c
    statement = (
        sa.select(file.name, file.print_house, campaign.id, campaign.key, campaign.edition)
        .join_from(schema.print_file, schema.campaign, campaign.id == file.campaign_id)
        .where(file.closed_at < before, campaign.closed_at.is_not(None), campaign.id.not_in(kept))
    )
    with reading(engine) as connection:
        rows = connection.execute(statement).all()
    return [
        edition_folder(houses[row.print_house], row.id, row.key, row.edition) / row.name
        for row in rows
        if row.print_house in houses
    ]


def _remove(path: Path) -> None:
    try:
        path.unlink()
        manifest_path(path).unlink(missing_ok=True)
    except OSError as error:
        raise RefusedOperation(f"{path} cannot be removed: {error.strerror}") from None
