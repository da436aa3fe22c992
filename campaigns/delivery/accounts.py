"""The accounts of a campaign: one consistent look at the ledger.

Promise: recipients equals the sum of all statuses, at any moment, since both come from one statement over the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from campaigns.clock import iso
from campaigns.errors import NotFound
from campaigns.store import schema
from campaigns.store.engine import reading
from campaigns.store.ledger_tables import DELIVERY_STATUSES


def show(engine: sa.Engine, campaign_id: int) -> dict[str, Any]:
    """The accounts of one campaign, as `utskick campaigns show` prints them.

    Raises:
        NotFound: there is no such campaign.
    """
    table, row = schema.campaign, schema.delivery.c
    with reading(engine) as connection:
        campaign = connection.execute(sa.select(table).where(table.c.id == campaign_id)).one_or_none()
        groups = connection.execute(
            sa.select(
                row.status,
                row.reason,
                sa.func.count().label("rows"),
                sa.func.min(row.handed_over_at).label("first"),
                sa.func.max(row.handed_over_at).label("last"),
            )
            .where(row.campaign_id == campaign_id)
            .group_by(row.status, row.reason)
        ).all()
    if campaign is None:
        raise NotFound(f"there is no campaign {campaign_id}; `utskick campaigns list` shows those that are")
    return _accounts(campaign, groups)


def list_campaigns(engine: sa.Engine) -> list[dict[str, Any]]:
    """All campaigns, the newest first; `hold_reason` says what a held one waits for."""
    table = schema.campaign.c
    columns = (
        table.id,
        table.submission_id,
        table.key,
        table.edition,
        table.kind,
        table.channel,
        table.status,
        table.hold_reason,
        table.send_at,
    )
    with reading(engine) as connection:
        rows = connection.execute(sa.select(*columns).order_by(table.id.desc())).mappings().all()
    return [{**row, "send_at": iso(row["send_at"]) if row["send_at"] else None} for row in rows]


def list_refused(engine: sa.Engine) -> list[dict[str, Any]]:
    """All refused submissions with their faults, the newest first."""
    table = schema.submission.c
    statement = (
        sa.select(
            table.id, table.submission_id, table.submitted_by, table.received_at, table.status, table.faults
        )
        .where(table.status == "refused")
        .order_by(table.id.desc())
    )
    with reading(engine) as connection:
        rows = connection.execute(statement).mappings().all()
    return [{**row, "received_at": iso(row["received_at"])} for row in rows]


def _accounts(campaign: Any, groups: Sequence[Any]) -> dict[str, Any]:
    counts = dict.fromkeys(DELIVERY_STATUSES, 0)
    withheld: dict[str, int] = {}
    for group in groups:
        counts[group.status] += group.rows
        if group.status == "withheld":
            withheld[group.reason] = group.rows
    withheld_total = counts.pop("withheld")
    started = min((group.first for group in groups if group.first), default=None)
    finished = max((group.last for group in groups if group.last), default=None)
    seconds = (finished - started).total_seconds() if started and finished else 0
    return {
        "id": campaign.id,
        "submission_id": campaign.submission_id,
        "key": campaign.key,
        "edition": campaign.edition,
        "kind": campaign.kind,
        "channel": campaign.channel,
        "status": campaign.status,
        "hold_reason": campaign.hold_reason,
        "recipients": sum(counts.values()) + withheld_total,
        **counts,
        "withheld": dict(sorted(withheld.items())),
        "withheld_total": withheld_total,
        "started_at": iso(started) if started else None,
        "finished_at": iso(finished) if finished else None,
        "rate": round(counts["accepted"] / seconds, 1) if seconds > 0 else None,
    }
