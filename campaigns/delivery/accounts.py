"""The accounts of a campaign: one consistent look at the ledger.

Promise: recipients equals the sum of all statuses, at any moment, since both come from one look at the rows.
When rows of a campaign have been kept long enough, their groups are kept in their place (`keep_figures`) and added to
those of the rows that are left, and the accounts are the same as before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from campaigns.clock import iso, utc_now
from campaigns.errors import NotFound
from campaigns.store import schema
from campaigns.store.engine import reading
from campaigns.store.ledger_tables import DELIVERY_STATUSES


def show(engine: sa.Engine, campaign_id: int) -> dict[str, Any]:
    """The accounts of one campaign, as `utskick campaigns show` prints them.

    Raises:
        NotFound: there is no such campaign.
    """
    table, progress = schema.campaign, schema.expansion.c
    with reading(engine) as connection:
        campaign = connection.execute(
            sa.select(table, progress.channel.label("now_expanding"), progress.reached, progress.last_contact)
            .outerjoin(schema.expansion, progress.campaign_id == table.c.id)
            .where(table.c.id == campaign_id)
        ).one_or_none()
        groups = _kept(connection, campaign_id) + _counted(connection, campaign_id)
    if campaign is None:
        raise NotFound(f"there is no campaign {campaign_id}; `utskick campaigns list` shows those that are")
    return _accounts(campaign, groups)


def keep_figures(connection: sa.Connection, campaign_id: int, going: sa.ColumnElement[bool]) -> None:
    """Keep the figures of those rows of a campaign that are `going`, before they go; those kept already stay."""
    before, gone = _kept(connection, campaign_id), _counted(connection, campaign_id, going)
    table = schema.campaign_figures
    connection.execute(sa.delete(table).where(table.c.campaign_id == campaign_id))
    figures = [group.plain() for group in (*before, *gone)]
    connection.execute(sa.insert(table).values(campaign_id=campaign_id, figures=figures, kept_at=utc_now()))


@dataclass(frozen=True)
class _Group:
    """How many rows have a status (and a reason), and when the first and the last of them were handed over."""

    status: str
    reason: str | None
    rows: int
    first: datetime | None
    last: datetime | None

    def plain(self) -> dict[str, Any]:
        moments = {"first": self.first, "last": self.last}
        told = {name: moment.isoformat() if moment else None for name, moment in moments.items()}
        return {"status": self.status, "reason": self.reason, "rows": self.rows, **told}


def _counted(connection: sa.Connection, campaign_id: int, *which: sa.ColumnElement[bool]) -> list[_Group]:
    row = schema.delivery.c
    groups = connection.execute(
        sa.select(
            row.status,
            row.reason,
            sa.func.count().label("rows"),
            sa.func.min(row.handed_over_at).label("first"),
            sa.func.max(row.handed_over_at).label("last"),
        )
        .where(row.campaign_id == campaign_id, *which)
        .group_by(row.status, row.reason)
    )
    return [_Group(*group) for group in groups]


def _kept(connection: sa.Connection, campaign_id: int) -> list[_Group]:
    table = schema.campaign_figures.c
    kept = connection.execute(
        sa.select(table.figures).where(table.campaign_id == campaign_id)
    ).scalar_one_or_none()
    return [
        _Group(**{**group, "first": _moment(group["first"]), "last": _moment(group["last"])})
        for group in kept or ()
    ]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


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
            withheld[group.reason] = withheld.get(group.reason, 0) + group.rows
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
        "expanded_percent": _expanded_percent(campaign),
        "recipients": sum(counts.values()) + withheld_total,
        **counts,
        "withheld": dict(sorted(withheld.items())),
        "withheld_total": withheld_total,
        "started_at": iso(started) if started else None,
        "finished_at": iso(finished) if finished else None,
        "rate": round(counts["accepted"] / seconds, 1) if seconds > 0 else None,
    }


def _expanded_percent(campaign: Any) -> int:
    """How much of the audience has its rows, by the ids of contacts; 100 only when every row is written."""
    if campaign.expanded_at is not None:
        return 100
    if campaign.now_expanding is None:
        return 0
    share = campaign.reached / max(1, campaign.last_contact)
    if campaign.channel == "both":
        share = (share + (campaign.now_expanding == "post")) / 2
    return min(99, int(share * 100))
