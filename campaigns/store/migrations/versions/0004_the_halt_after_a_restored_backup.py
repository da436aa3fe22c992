"""The halt after a restored backup, and the count of claims by which one is recognised."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("gate") as gate:
        gate.add_column(sa.Column("restored", sa.Boolean(), nullable=False, server_default=sa.false()))
        gate.create_check_constraint(op.f("ck_gate_restored_is_halted"), "halted OR NOT restored")
    op.create_table(
        "claim_count",
        sa.Column("line", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("claims", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("line", name=op.f("pk_claim_count")),
    )
