"""Counts by which a campaign halts itself, and days of warm-ups."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

REASONS = "'asked', 'missed_start', 'cancelling', 'hard_bounces', 'complaints', 'authentication'"


def upgrade() -> None:
    big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    counts = ("handed_over", "hard_bounces", "authentication")
    judged = ("judged_handed_over", "judged_hard_bounces", "judged_complaints", "judged_authentication")
    op.create_table(
        "campaign_brake",
        sa.Column("campaign_id", big_id, nullable=False),
        *(sa.Column(name, sa.Integer(), server_default="0", nullable=False) for name in (*counts, *judged)),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_brake_campaign_id")),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_campaign_brake")),
    )
    op.create_table(
        "warm_up_day",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "day", name=op.f("pk_warm_up_day")),
    )
    with op.batch_alter_table("campaign") as campaign:
        campaign.drop_constraint(op.f("ck_campaign_hold_reason_is_known"), type_="check")
        campaign.create_check_constraint(
            op.f("ck_campaign_hold_reason_is_known"), f"hold_reason IN ({REASONS})"
        )
