"""Why a campaign is held and when its start is missed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("campaign") as campaign:
        campaign.add_column(sa.Column("start_by", sa.DateTime(timezone=True), nullable=True))
        campaign.add_column(sa.Column("hold_reason", sa.Text(), nullable=True))
        campaign.create_check_constraint(
            op.f("ck_campaign_hold_reason_is_known"),
            "hold_reason IN ('asked', 'missed_start', 'cancelling', 'hard_bounces', 'complaints')",
        )
        campaign.create_check_constraint(
            op.f("ck_campaign_reason_when_held"), "hold_reason IS NULL OR status IN ('paused', 'halted')"
        )
