"""The content of a campaign as it is kept: compiled once, with its pictures under their content's hash."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.content.model import Asset, Compilation
from campaigns.store import schema
from campaigns.store.upsert import insert_into


def keep_content(connection: sa.Connection, campaign_id: int, compiled: Iterable[Compilation]) -> None:
    """Keep what was compiled, a row for each language, within the caller's transaction."""
    for compilation in compiled:
        content = compilation.content
        connection.execute(
            sa.insert(schema.campaign_content).values(
                campaign_id=campaign_id,
                language=content.language,
                subject=content.subject,
                html=content.html,
                text=content.text,
                digest=content.digest,
            )
        )
        store_assets(connection, compilation.assets)


def store_assets(connection: sa.Connection, assets: Iterable[Asset]) -> None:
    """Keep pictures under their content's hash; those that are there stay as they are."""
    for asset in assets:
        values = {
            "hash": asset.hash,
            "extension": asset.extension,
            "media_type": asset.media_type,
            "content": asset.content,
            "stored_at": utc_now(),
        }
        connection.execute(
            insert_into(schema.asset, connection)
            .values(**values)
            .on_conflict_do_nothing(index_elements=["hash"])
        )
