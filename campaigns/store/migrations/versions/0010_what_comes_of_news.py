"""Cases for people, parked mail, outdated data, and what hints are about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

HINT, ABOUT = sa.text("consequence = 'hint'"), sa.text("about_key IS NOT NULL")


def upgrade() -> None:
    big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "datum_flag",
        sa.Column("id", big_id, nullable=False),
        sa.Column("contact_id", big_id, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value_key", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("flagged_at", instant, nullable=False),
        sa.Column("flagged_by", sa.Text(), nullable=False),
        sa.CheckConstraint("field IN ('email', 'postal')", name=op.f("ck_datum_flag_field_is_known")),
        sa.CheckConstraint(
            "reason IN ('hard_bounce', 'returned_post')", name=op.f("ck_datum_flag_reason_is_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_datum_flag")),
        sa.UniqueConstraint(
            "contact_id", "field", "value_key", "reason", name=op.f("uq_datum_flag_contact_id")
        ),
    )
    op.create_table(
        "feedback_case",
        sa.Column("id", big_id, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("contact_id", big_id, nullable=True),
        sa.Column("campaign_id", big_id, nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("opened_at", instant, nullable=False),
        sa.Column("closed_at", instant, nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('stop', 'hints')", name=op.f("ck_feedback_case_kind_is_known")),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL)", name=op.f("ck_feedback_case_closing_is_attributed")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback_case")),
        sa.UniqueConstraint("kind", "about", name=op.f("uq_feedback_case_kind")),
    )
    op.create_table(
        "parked_mail",
        sa.Column("id", big_id, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("octets", sa.BigInteger(), nullable=False),
        sa.Column("received_at", instant, nullable=False),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("retried_at", instant, nullable=True),
        sa.Column("settled_at", instant, nullable=True),
        sa.Column("blanked_at", instant, nullable=True),
        sa.CheckConstraint("blanked_at IS NULL OR raw IS NULL", name=op.f("ck_parked_mail_blanked_is_blank")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parked_mail")),
        sa.UniqueConstraint("digest", name=op.f("uq_parked_mail_digest")),
    )
    op.create_index("ix_parked_mail_received", "parked_mail", ["received_at"])
    with op.batch_alter_table("feedback_event") as table:
        table.add_column(sa.Column("about_key", sa.LargeBinary(), nullable=True))
    op.create_index(
        "ix_feedback_event_hint", "feedback_event", ["received_at"], sqlite_where=HINT, postgresql_where=HINT
    )
    op.create_index(
        "ix_feedback_event_about", "feedback_event", ["about_key"], sqlite_where=ABOUT, postgresql_where=ABOUT
    )


def downgrade() -> None:
    op.drop_index("ix_feedback_event_about", "feedback_event")
    op.drop_index("ix_feedback_event_hint", "feedback_event")
    with op.batch_alter_table("feedback_event") as table:
        table.drop_column("about_key")
    for name in ("parked_mail", "feedback_case", "datum_flag"):
        op.drop_table(name)
