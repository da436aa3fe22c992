"""Contacts that are one person, and what their merging moved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("contact", sa.Column("merged_into", BIG_ID, nullable=True))
    merged = sa.text("merged_into IS NOT NULL")
    op.create_index(
        "ix_contact_merged_into", "contact", ["merged_into"], sqlite_where=merged, postgresql_where=merged
    )
    op.create_table(
        "contact_merge",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("kept_id", BIG_ID, nullable=False),
        sa.Column("contact_id", BIG_ID, nullable=False),
        sa.Column("moved", JSON, nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merged_by", sa.Text(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(undone_at IS NULL) = (undone_by IS NULL)", name=op.f("ck_contact_merge_undoing_is_attributed")
        ),
        sa.CheckConstraint("kept_id <> contact_id", name=op.f("ck_contact_merge_two_contacts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_merge")),
    )
    live = sa.text("undone_at IS NULL")
    op.create_index("ix_contact_merge_kept", "contact_merge", ["kept_id"])
    op.create_index(
        "uq_contact_merge_live",
        "contact_merge",
        ["contact_id"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )
