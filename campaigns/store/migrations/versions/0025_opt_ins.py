"""What people asked for and have yet to confirm; cases of addresses that cannot be changed as asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = sa.DateTime(timezone=True)
    statuses = "'waiting', 'sending', 'sent', 'uncertain', 'withheld', 'failed'"
    op.create_table(
        "opt_in",
        sa.Column("id", big_id, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("list_id", big_id, nullable=True),
        sa.Column("contact_id", big_id, nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("address_key", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.SmallInteger(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("agreed_to", sa.Text(), nullable=False),
        sa.Column("source_key", sa.LargeBinary(), nullable=True),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("requested_at", moment, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("begun_at", moment, nullable=True),
        sa.Column("confirmed_at", moment, nullable=True),
        sa.CheckConstraint("kind IN ('join', 'restore', 'move')", name=op.f("ck_opt_in_kind_is_known")),
        sa.CheckConstraint(f"status IN ({statuses})", name=op.f("ck_opt_in_status_is_known")),
        sa.CheckConstraint(
            "(kind = 'join') = (list_id IS NOT NULL)", name=op.f("ck_opt_in_a_list_is_joined")
        ),
        sa.CheckConstraint(
            "(kind = 'join') = (contact_id IS NULL)", name=op.f("ck_opt_in_else_somebody_known_asks")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opt_in")),
        sa.UniqueConstraint("address_key", "kind", "day", name=op.f("uq_opt_in_address_key")),
    )
    with op.batch_alter_table("opt_in") as opt_in:
        opt_in.create_index("ix_opt_in_status", ["status", "due_at"])
        opt_in.create_index("ix_opt_in_requested", ["requested_at"])
    with op.batch_alter_table("feedback_case") as case:
        case.drop_constraint(op.f("ck_feedback_case_kind_is_known"), type_="check")
        case.create_check_constraint(
            op.f("ck_feedback_case_kind_is_known"), "kind IN ('stop', 'hints', 'address')"
        )
