"""What limits traffic and outlives a queue: the brakes of campaigns and the days of warm-ups."""

from __future__ import annotations

import sqlalchemy as sa

from campaigns.store.columns import BigId, required
from campaigns.store.data_map import nobody
from campaigns.store.metadata import metadata

campaign_brake = sa.Table(
    "campaign_brake",
    metadata,
    required("campaign_id", BigId, sa.ForeignKey("campaign.id"), primary_key=True),
    required("handed_over", sa.Integer, server_default="0"),
    required("hard_bounces", sa.Integer, server_default="0"),
    required("authentication", sa.Integer, server_default="0"),
    required("judged_handed_over", sa.Integer, server_default="0"),
    required("judged_hard_bounces", sa.Integer, server_default="0"),
    required("judged_complaints", sa.Integer, server_default="0"),
    required("judged_authentication", sa.Integer, server_default="0"),
    info=nobody("counts of a campaign"),
)

warm_up_day = sa.Table(
    "warm_up_day",
    metadata,
    required("scope", sa.Text, primary_key=True),
    required("day", sa.Text, primary_key=True),
    required("taken", sa.Integer),
    info=nobody("counts of a day", "scope", "day"),
)
