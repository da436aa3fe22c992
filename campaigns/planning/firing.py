"""A recurring schedule fires: a campaign of its own, exactly once.

Promise: the submission's identity follows from the schedule's and the instant of the firing, so that however many
schedulers fire, and however often they die in between, there is one campaign per firing. Of several firings that were
missed the last one counts; whether it may still start is the misfire rule's matter, as for every campaign.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from campaigns.clock import iso, utc_now
from campaigns.planning import recurrence
from campaigns.planning.campaign import Planning, Receipt, receive
from campaigns.planning.moments import next_firing, zone


@dataclass(frozen=True)
class Firing:
    """What a firing came to, and how many earlier ones had been missed."""

    receipt: Receipt
    missed: int


def fire_due(planning: Planning) -> list[Firing]:
    """Fire every schedule that is due; a scheduler calls this at each look.

    Raises:
        Unreachable: the database is away; call again.
    """
    return [_fire(planning, row) for row in recurrence.due(planning.engine)]


def _fire(planning: Planning, row: sa.RowMapping) -> Firing:
    now, fired_at, missed = utc_now(), row["next_at"], 0
    while True:
        following = next_firing(row["cron"], row["time_zone"], fired_at, row["until"])
        if following is None or following > now:
            break
        fired_at, missed = following, missed + 1
    receipt = receive(planning, document_for(row["document"], row["time_zone"], fired_at), believed=True)
    recurrence.advance(planning.engine, row, fired_at)
    return Firing(receipt, missed)


def document_for(document: dict[str, Any], zone_name: str, fired_at: datetime) -> dict[str, Any]:
    """The submission of one firing."""
    made = copy.deepcopy(document)
    made["submission_id"] = f"{document['submission_id']}:{fired_at:%Y%m%dT%H%MZ}"
    made.pop("signature", None)
    made["campaign"]["edition"] += f" {fired_at.astimezone(zone(zone_name)):%Y-%m-%d}"
    window = document["schedule"].get("start_within_minutes")
    made["schedule"] = {"send_at": iso(fired_at)}
    if window is not None:
        made["schedule"]["start_within_minutes"] = window
    return made
