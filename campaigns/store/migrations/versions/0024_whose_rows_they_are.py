"""Indexes by which access and erasure find a person's rows."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_contact_merge_contact", "contact_merge", ["contact_id"])
    op.create_index("ix_feedback_case_contact", "feedback_case", ["contact_id"])
    op.create_index("ix_suppression_subject", "suppression", ["subject_key"])


def downgrade() -> None:
    op.drop_index("ix_suppression_subject", table_name="suppression")
    op.drop_index("ix_feedback_case_contact", table_name="feedback_case")
    op.drop_index("ix_contact_merge_contact", table_name="contact_merge")
