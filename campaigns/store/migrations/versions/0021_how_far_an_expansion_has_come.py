"""Expansion in chunks: its audience's cut, and how far it has come; a key of the ledger for the planner."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "expansion",
        sa.Column("campaign_id", big_id, nullable=False),
        sa.Column("last_contact", big_id, nullable=False),
        sa.Column("last_change", big_id, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("reached", big_id, server_default="0", nullable=False),
        sa.CheckConstraint("channel IN ('email', 'post')", name=op.f("ck_expansion_channel_is_known")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_expansion_campaign_id")),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_expansion")),
    )
    with op.batch_alter_table("delivery") as delivery:
        delivery.drop_constraint(op.f("uq_delivery_campaign_id"), type_="unique")
        delivery.create_unique_constraint(
            op.f("uq_delivery_campaign_id"), ["campaign_id", "contact_id", "channel"]
        )


def downgrade() -> None:
    with op.batch_alter_table("delivery") as delivery:
        delivery.drop_constraint(op.f("uq_delivery_campaign_id"), type_="unique")
        delivery.create_unique_constraint(
            op.f("uq_delivery_campaign_id"), ["campaign_id", "channel", "contact_id"]
        )
    op.drop_table("expansion")
