"""Surveys, who has answered them, and what was answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "survey",
        sa.Column("id", big_id, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("form", json, nullable=False),
        sa.Column("identified", sa.Boolean(), nullable=False),
        sa.Column("list_id", big_id, nullable=True),
        sa.Column("closes_at", moment, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey")),
        sa.UniqueConstraint("key", name=op.f("uq_survey_key")),
    )
    op.create_table(
        "survey_taken",
        sa.Column("survey_id", big_id, nullable=False, autoincrement=False),
        sa.Column("contact_id", big_id, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("survey_id", "contact_id", name=op.f("pk_survey_taken")),
    )
    op.create_index("ix_survey_taken_contact", "survey_taken", ["contact_id"])
    op.create_table(
        "survey_answer",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("survey_id", big_id, nullable=False),
        sa.Column("contact_id", big_id, nullable=True),
        sa.Column("answers", json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_answer")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_survey_answer_contact", "survey_answer", ["contact_id"])
    op.create_index("ix_survey_answer_survey", "survey_answer", ["survey_id"])


def downgrade() -> None:
    for table in ("survey_answer", "survey_taken", "survey"):
        op.drop_table(table)
