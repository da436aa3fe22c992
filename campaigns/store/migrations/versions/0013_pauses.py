"""A pause is a "no" that ends by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

KINDS = "'objection', 'restricted', 'complaint', 'unsubscribed', 'hard_bounce', 'soft_bounces', 'manual', 'on_pause'"


def upgrade() -> None:
    with op.batch_alter_table("suppression") as suppression:
        suppression.add_column(sa.Column("until", sa.DateTime(timezone=True), nullable=True))
        suppression.drop_constraint(op.f("ck_suppression_kind_is_known"), type_="check")
        suppression.create_check_constraint(op.f("ck_suppression_kind_is_known"), f"kind IN ({KINDS})")
        suppression.create_check_constraint(
            op.f("ck_suppression_only_a_pause_ends_by_itself"), "until IS NULL OR kind = 'on_pause'"
        )
