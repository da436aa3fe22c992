"""One register and one gate: the checks that their tables declare."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("register", "gate"):
        with op.batch_alter_table(name) as table:
            table.create_check_constraint(op.f(f"ck_{name}_single"), "id = 1")
