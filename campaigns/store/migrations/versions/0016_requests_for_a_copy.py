"""A case for a person who asks what is held on them."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("feedback_case") as case:
        case.drop_constraint(op.f("ck_feedback_case_kind_is_known"), type_="check")
        case.create_check_constraint(
            op.f("ck_feedback_case_kind_is_known"), "kind IN ('stop', 'hints', 'access')"
        )
