"""The ledger's key of a contact begins with the contact, and does the work of an index of its own."""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("delivery") as delivery:
        delivery.drop_index("ix_delivery_contact")
        delivery.drop_constraint(op.f("uq_delivery_campaign_id"), type_="unique")
        delivery.create_unique_constraint("uq_delivery_contact", ["contact_id", "campaign_id", "channel"])


def downgrade() -> None:
    with op.batch_alter_table("delivery") as delivery:
        delivery.drop_constraint("uq_delivery_contact", type_="unique")
        delivery.create_unique_constraint(
            op.f("uq_delivery_campaign_id"), ["campaign_id", "contact_id", "channel"]
        )
        delivery.create_index("ix_delivery_contact", ["contact_id"], unique=False)
