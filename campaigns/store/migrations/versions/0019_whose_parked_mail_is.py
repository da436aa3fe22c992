"""Whose parked mail is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("parked_mail", sa.Column("campaign_id", BIG_ID, nullable=True))
    op.add_column("parked_mail", sa.Column("number", sa.Integer(), nullable=True))
    op.add_column("parked_mail", sa.Column("about_key", sa.LargeBinary(), nullable=True))
    op.create_index(
        "ix_parked_mail_about",
        "parked_mail",
        ["about_key"],
        sqlite_where=sa.text("about_key IS NOT NULL"),
        postgresql_where=sa.text("about_key IS NOT NULL"),
    )
    op.create_index("ix_parked_mail_delivery", "parked_mail", ["campaign_id", "number"])


def downgrade() -> None:
    op.drop_index("ix_parked_mail_delivery", table_name="parked_mail")
    op.drop_index("ix_parked_mail_about", table_name="parked_mail")
    op.drop_column("parked_mail", "about_key")
    op.drop_column("parked_mail", "number")
    op.drop_column("parked_mail", "campaign_id")
