"""Accounts and tokens; approvals of campaigns, and the two reasons to hold one that come with them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from campaigns.store.columns import BigId, Instant, JsonOrNull

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

BEFORE = "'asked', 'missed_start', 'cancelling', 'hard_bounces', 'complaints', 'authentication'"
AFTER = f"{BEFORE}, 'approval', 'author_left'"
LEVELS = "'reader', 'editor', 'sender', 'approver', 'privacy_officer', 'administrator', 'reporter'"


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text()),
        sa.Column("password_set_at", Instant),
        sa.Column("password_is_first", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", Instant),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("disabled_at", Instant),
        sa.Column("disabled_by", sa.Text()),
        sa.CheckConstraint("kind IN ('account', 'service')", name=op.f("ck_account_kind_is_known")),
        sa.CheckConstraint(f"level IN ({LEVELS})", name=op.f("ck_account_level_is_known")),
        sa.CheckConstraint(
            "(disabled_at IS NULL) = (disabled_by IS NULL)", name=op.f("ck_account_disabling_is_attributed")
        ),
        sa.CheckConstraint(
            "(password_hash IS NULL) = (password_set_at IS NULL)",
            name=op.f("ck_account_password_has_its_time"),
        ),
        sa.CheckConstraint(
            "password_hash IS NULL OR kind = 'account'", name=op.f("ck_account_services_have_tokens")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("kind", "name", name=op.f("uq_account_kind")),
    )
    op.create_table(
        "access_token",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("scope", JsonOrNull),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("revoked_at", Instant),
        sa.Column("revoked_by", sa.Text()),
        sa.CheckConstraint("purpose IN ('login', 'api')", name=op.f("ck_access_token_purpose_is_known")),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoked_by IS NULL)", name=op.f("ck_access_token_revoking_is_attributed")
        ),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_access_token_expires_later")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_access_token_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_access_token_digest")),
    )
    op.create_index("ix_access_token_account", "access_token", ["account_id"])
    op.create_table(
        "campaign_approval",
        sa.Column("campaign_id", BigId, nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_approval_campaign_id")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "approved_by", name=op.f("pk_campaign_approval")),
    )
    _reasons(AFTER)


def downgrade() -> None:
    for table in ("campaign_approval", "access_token", "account"):
        op.drop_table(table)
    _reasons(BEFORE)


def _reasons(words: str) -> None:
    with op.batch_alter_table("campaign") as batch:
        batch.drop_constraint(op.f("ck_campaign_hold_reason_is_known"), type_="check")
        batch.create_check_constraint(op.f("ck_campaign_hold_reason_is_known"), f"hold_reason IN ({words})")
