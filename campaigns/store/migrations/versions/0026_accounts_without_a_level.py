"""An account whose time is over is a name that is not given again, without a level."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("account") as batch:
        batch.alter_column("level", existing_type=sa.Text(), nullable=True)
        batch.create_check_constraint(
            op.f("ck_account_present_ones_have_a_level"), "level IS NOT NULL OR disabled_at IS NOT NULL"
        )


def downgrade() -> None:
    with op.batch_alter_table("account") as batch:
        batch.drop_constraint(op.f("ck_account_present_ones_have_a_level"), type_="check")
        batch.alter_column("level", existing_type=sa.Text(), nullable=False)
