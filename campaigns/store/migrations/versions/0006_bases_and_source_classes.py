"""What allows writing to a person, per purpose; what kind of source an intake had."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BASES = "basis IN ('consent', 'b2b_role', 'soft_opt_in', 'contract', 'legal_person')"
SOURCES = "source_class IN ('person', 'company', 'group_company', 'partner', 'directory', 'public_register')"


def upgrade() -> None:
    big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    with op.batch_alter_table("intake") as batch:
        batch.add_column(sa.Column("source_class", sa.Text(), nullable=False, server_default="company"))
        batch.create_check_constraint(op.f("ck_intake_source_class_is_known"), SOURCES)
    with op.batch_alter_table("intake") as batch:
        batch.alter_column("source_class", server_default=None)
    with op.batch_alter_table("provenance") as batch:
        batch.drop_constraint(op.f("fk_provenance_contact_id"), type_="foreignkey")
        batch.drop_constraint(op.f("fk_provenance_intake_id"), type_="foreignkey")
    op.create_table(
        "contact_basis",
        sa.Column("contact_id", big_id, autoincrement=False, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("intake_id", big_id, nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("text_version", sa.Text(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.CheckConstraint(BASES, name=op.f("ck_contact_basis_basis_is_known")),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL)", name=op.f("ck_contact_basis_ending_is_attributed")
        ),
        sa.PrimaryKeyConstraint("contact_id", "purpose", "basis", name=op.f("pk_contact_basis")),
    )


def downgrade() -> None:
    op.drop_table("contact_basis")
    with op.batch_alter_table("provenance") as batch:
        batch.create_foreign_key(op.f("fk_provenance_contact_id"), "contact", ["contact_id"], ["id"])
        batch.create_foreign_key(op.f("fk_provenance_intake_id"), "intake", ["intake_id"], ["id"])
    with op.batch_alter_table("intake") as batch:
        batch.drop_constraint("source_class_is_known", type_="check")
        batch.drop_column("source_class")
