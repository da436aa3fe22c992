"""Recurring schedules, and starts by the recipient's own clock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recurrence",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column(
            "document",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column("cron", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('active', 'ended', 'stopped')", name=op.f("ck_recurrence_status_is_known")
        ),
        sa.CheckConstraint(
            "(next_at IS NOT NULL) = (status = 'active')", name=op.f("ck_recurrence_active_has_next")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recurrence")),
        sa.UniqueConstraint("submission_id", name=op.f("uq_recurrence_submission_id")),
    )
    with op.batch_alter_table("submission") as submission:
        submission.add_column(
            sa.Column("recurrence_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        submission.drop_constraint(op.f("ck_submission_accepted_has_campaign"), type_="check")
        submission.create_check_constraint(
            op.f("ck_submission_accepted_has_work"),
            "(status = 'accepted') = (campaign_id IS NOT NULL OR recurrence_id IS NOT NULL)",
        )
    with op.batch_alter_table("campaign") as campaign:
        campaign.add_column(sa.Column("time_zone", sa.Text(), nullable=True))
        campaign.add_column(sa.Column("local_start", sa.Text(), nullable=True))
