"""A correction is an intake that gives no basis."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("intake") as batch:
        batch.alter_column("basis", existing_type=sa.Text(), nullable=True)


def downgrade() -> None:
    with op.batch_alter_table("intake") as batch:
        batch.alter_column("basis", existing_type=sa.Text(), nullable=False)
