"""Declared extra fields, events of contacts and companies, saved segments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KINDS = "kind IN ('offer', 'purchase', 'use_of_service', 'meeting', 'feedback', 'call_recording')"
TOLD = "kind <> 'call_recording' OR (reference IS NOT NULL AND reason IS NOT NULL AND until IS NOT NULL)"


def upgrade() -> None:
    op.create_table(
        "contact_field",
        sa.Column("contact_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("number", sa.Float(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "name", name=op.f("pk_contact_field")),
    )
    op.create_index("ix_contact_field_name", "contact_field", ["name", "text"])
    op.create_table(
        "event",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("contact_id", BIG_ID, nullable=True),
        sa.Column("company_id", BIG_ID, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=True),
        sa.Column("amount", sa.Float(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.CheckConstraint(KINDS, name=op.f("ck_event_kind_is_known")),
        sa.CheckConstraint(
            "contact_id IS NOT NULL OR company_id IS NOT NULL", name=op.f("ck_event_somebody_concerned")
        ),
        sa.CheckConstraint(TOLD, name=op.f("ck_event_recording_is_told")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("source", "event_id", name=op.f("uq_event_source")),
    )
    op.create_index("ix_event_contact", "event", ["contact_id", "kind", "at"])
    op.create_index("ix_event_company", "event", ["company_id", "kind", "at"])
    op.create_index("ix_event_kind", "event", ["kind", "at"])
    op.create_table(
        "segment",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("expression", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment")),
        sa.UniqueConstraint("key", name=op.f("uq_segment_key")),
    )
    with op.batch_alter_table("campaign") as campaign:
        campaign.add_column(sa.Column("segment", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("campaign") as campaign:
        campaign.drop_column("segment")
    op.drop_table("segment")
    op.drop_table("event")
    op.drop_table("contact_field")
