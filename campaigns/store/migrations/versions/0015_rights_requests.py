"""Requests of people, disclosures and who stands in them, what others must be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "disclosure",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure")),
    )
    op.create_table(
        "disclosure_subject",
        sa.Column("contact_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("disclosure_id", BIG_ID, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "disclosure_id", name=op.f("pk_disclosure_subject")),
    )
    op.create_table(
        "rights_request",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("contact_id", BIG_ID, nullable=True),
        sa.Column("subject_key", sa.LargeBinary(), nullable=True),
        sa.Column("came_by", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("identified_at", INSTANT, nullable=True),
        sa.Column("identified_by", sa.Text(), nullable=True),
        sa.Column("identified_how", sa.Text(), nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("extended_at", INSTANT, nullable=True),
        sa.Column("extended_by", sa.Text(), nullable=True),
        sa.Column("extension_reason", sa.Text(), nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("ground", sa.Text(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(closed_at IS NOT NULL) = (status IN ('fulfilled', 'refused', 'withdrawn'))",
            name=op.f("ck_rights_request_closed_when_ended"),
        ),
        sa.CheckConstraint(
            "(document IS NOT NULL) = (identified_how IS NOT NULL AND identified_how = 'document')",
            name=op.f("ck_rights_request_document_has_a_kind"),
        ),
        sa.CheckConstraint(
            "came_by IN ('operator', 'page', 'mail')", name=op.f("ck_rights_request_came_by_is_known")
        ),
        sa.CheckConstraint(
            "document IN ('passport', 'identity_card', 'driving_licence', 'residence_permit')",
            name=op.f("ck_rights_request_document_is_known"),
        ),
        sa.CheckConstraint(
            "identified_how IN ('mailbox', 'document', 'in_person')",
            name=op.f("ck_rights_request_identified_how_is_known"),
        ),
        sa.CheckConstraint(
            "kind IN ('access', 'rectification', 'erasure', 'restriction', 'objection', 'portability')",
            name=op.f("ck_rights_request_kind_is_known"),
        ),
        sa.CheckConstraint(
            "status <> 'fulfilled' OR kind = 'objection' OR identified_at IS NOT NULL",
            name=op.f("ck_rights_request_nothing_without_identification"),
        ),
        sa.CheckConstraint(
            "status <> 'identified' OR identified_at IS NOT NULL",
            name=op.f("ck_rights_request_identified_was_identified"),
        ),
        sa.CheckConstraint(
            "status <> 'refused' OR (ground IS NOT NULL AND decision IS NOT NULL)",
            name=op.f("ck_rights_request_refused_on_a_ground"),
        ),
        sa.CheckConstraint(
            "status IN ('received', 'identified', 'fulfilled', 'refused', 'withdrawn')",
            name=op.f("ck_rights_request_status_is_known"),
        ),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL)", name=op.f("ck_rights_request_closing_is_attributed")
        ),
        sa.CheckConstraint(
            "(extended_at IS NULL) = (extended_by IS NULL) AND (extended_at IS NULL) = (extension_reason IS NULL)",
            name=op.f("ck_rights_request_extension_has_a_reason"),
        ),
        sa.CheckConstraint(
            "(identified_at IS NULL) = (identified_by IS NULL) AND (identified_at IS NULL) = (identified_how IS NULL)",
            name=op.f("ck_rights_request_identifying_is_attributed"),
        ),
        sa.CheckConstraint(
            "contact_id IS NOT NULL OR subject_key IS NOT NULL", name=op.f("ck_rights_request_somebody_asked")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rights_request")),
        sa.UniqueConstraint("came_by", "reference", name=op.f("uq_rights_request_came_by")),
    )
    op.create_index("ix_rights_request_contact", "rights_request", ["contact_id"])
    op.create_index(
        "ix_rights_request_open",
        "rights_request",
        ["due_on"],
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "rights_telling",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("contact_id", BIG_ID, nullable=False),
        sa.Column("request_id", BIG_ID, nullable=True),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("fields", JSON, nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("told_at", INSTANT, nullable=True),
        sa.Column("told_by", sa.Text(), nullable=True),
        sa.Column("told_how", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "what IN ('correction', 'erasure', 'restriction', 'restriction_lifted')",
            name=op.f("ck_rights_telling_what_is_known"),
        ),
        sa.CheckConstraint(
            "(told_at IS NULL) = (told_by IS NULL) AND (told_at IS NULL) = (told_how IS NULL)",
            name=op.f("ck_rights_telling_telling_is_attributed"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rights_telling")),
    )
    op.create_index("ix_rights_telling_contact", "rights_telling", ["contact_id"])
    op.create_index(
        "ix_rights_telling_open",
        "rights_telling",
        ["id"],
        sqlite_where=sa.text("told_at IS NULL"),
        postgresql_where=sa.text("told_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_rights_telling_open", table_name="rights_telling")
    op.drop_index("ix_rights_telling_contact", table_name="rights_telling")
    op.drop_table("rights_telling")
    op.drop_index("ix_rights_request_open", table_name="rights_request")
    op.drop_index("ix_rights_request_contact", table_name="rights_request")
    op.drop_table("rights_request")
    op.drop_table("disclosure_subject")
    op.drop_table("disclosure")
