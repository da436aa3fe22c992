"""Figures of campaigns whose rows are gone, sweeps, and legal holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "campaign_figures",
        sa.Column("campaign_id", BIG, nullable=False, autoincrement=False),
        sa.Column("figures", JSON, nullable=False),
        sa.Column("kept_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_figures_campaign_id")
        ),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_campaign_figures")),
    )
    op.create_table(
        "retention_sweep",
        sa.Column("id", BIG, nullable=False),
        sa.Column("day", sa.Text(), nullable=True),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("swept_by", sa.Text(), nullable=False),
        sa.Column("windows", JSON, nullable=False),
        sa.Column("report", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_sweep")),
        sa.UniqueConstraint("day", name=op.f("uq_retention_sweep_day")),
    )
    op.create_table(
        "legal_hold",
        sa.Column("id", BIG, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("contact_id", BIG, nullable=True),
        sa.Column("campaign_id", BIG, nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("placed_at", INSTANT, nullable=False),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.Column("lifted_at", INSTANT, nullable=True),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "subject IN ('contact', 'campaign', 'kind')", name=op.f("ck_legal_hold_subject_is_known")
        ),
        sa.CheckConstraint(
            "(lifted_at IS NULL) = (lifted_by IS NULL)", name=op.f("ck_legal_hold_lifting_is_attributed")
        ),
        sa.CheckConstraint(
            "(contact_id IS NOT NULL) = (subject = 'contact') AND (campaign_id IS NOT NULL) = "
            "(subject = 'campaign') AND (kind IS NOT NULL) = (subject = 'kind')",
            name=op.f("ck_legal_hold_one_subject"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_hold")),
    )
