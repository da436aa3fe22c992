"""Parked mail whose words are still kept is found by its age, however much was parked before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kept = sa.text("blanked_at IS NULL")
    op.create_index(
        "ix_parked_mail_kept", "parked_mail", ["received_at"], sqlite_where=kept, postgresql_where=kept
    )


def downgrade() -> None:
    op.drop_index("ix_parked_mail_kept", "parked_mail")
