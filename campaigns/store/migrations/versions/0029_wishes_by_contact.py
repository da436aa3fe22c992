"""A wish that waits for its confirmation is found by whose it is, and what nobody confirmed by its age."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_opt_in_contact", "contact_id", "contact_id IS NOT NULL"),
    ("ix_opt_in_unconfirmed", "requested_at", "confirmed_at IS NULL"),
)


def upgrade() -> None:
    for name, column, where in INDEXES:
        some = sa.text(where)
        op.create_index(name, "opt_in", [column], sqlite_where=some, postgresql_where=some)


def downgrade() -> None:
    for name, _, _ in INDEXES:
        op.drop_index(name, "opt_in")
