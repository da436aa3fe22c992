"""Values of the audit log stand by person, with their salt; the log can be cut at its beginning."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from campaigns.store.columns import BigId, Instant, Json

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("audit_value")
    with op.batch_alter_table("audit") as batch:
        batch.drop_column("salt")
    unsealed = sa.text("seal IS NULL")
    op.create_index("ix_audit_unsealed", "audit", ["id"], sqlite_where=unsealed, postgresql_where=unsealed)
    op.create_table(
        "audit_value",
        sa.Column("audit_id", BigId, nullable=False),
        sa.Column("contact_id", BigId, autoincrement=False, nullable=False),
        sa.Column("salt", sa.LargeBinary()),
        sa.Column("old_hash", sa.LargeBinary()),
        sa.Column("new_hash", sa.LargeBinary()),
        sa.Column("old", Json),
        sa.Column("new", Json),
        sa.Column("redacted_at", Instant),
        sa.CheckConstraint(
            "(redacted_at IS NULL) = (salt IS NOT NULL)",
            name=op.f("ck_audit_value_redacted_without_salt"),
        ),
        sa.ForeignKeyConstraint(["audit_id"], ["audit.id"], name=op.f("fk_audit_value_audit_id")),
        sa.PrimaryKeyConstraint("audit_id", "contact_id", name=op.f("pk_audit_value")),
    )
    op.create_index("ix_audit_value_contact", "audit_value", ["contact_id"])
    op.create_table(
        "audit_cut",
        sa.Column("position", BigId, autoincrement=False, nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("cut_by", sa.Text(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit_cut")),
    )


def downgrade() -> None:
    op.drop_table("audit_cut")
    op.drop_table("audit_value")
    op.drop_index("ix_audit_unsealed", "audit")
    with op.batch_alter_table("audit") as batch:
        batch.add_column(sa.Column("salt", sa.LargeBinary()))
    op.create_table(
        "audit_value",
        sa.Column("audit_id", BigId, nullable=False),
        sa.Column("old", Json),
        sa.Column("new", Json),
        sa.Column("redacted_at", Instant),
        sa.ForeignKeyConstraint(["audit_id"], ["audit.id"], name=op.f("fk_audit_value_audit_id")),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("pk_audit_value")),
    )
