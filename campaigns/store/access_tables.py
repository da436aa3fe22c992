"""Accounts of people and services, and the tokens that stand for them. Secrets are kept as hashes only."""

from __future__ import annotations

import sqlalchemy as sa

from campaigns.store.columns import BigId, Instant, JsonOrNull, one_of, personal, required
from campaigns.store.data_map import PROOF, Record, nobody
from campaigns.store.metadata import metadata

LEVELS = ("reader", "editor", "sender", "approver", "privacy_officer", "administrator", "reporter")

account = sa.Table(
    "account",
    metadata,
    required("id", BigId, primary_key=True),
    personal("name", nullable=False),
    required("kind", sa.Text),
    sa.Column("level", sa.Text),
    sa.Column("password_hash", sa.Text),
    sa.Column("password_set_at", Instant),
    required("password_is_first", sa.Boolean),
    required("failures", sa.Integer),
    sa.Column("locked_until", Instant),
    required("created_at", Instant),
    required("created_by", sa.Text),
    sa.Column("disabled_at", Instant),
    sa.Column("disabled_by", sa.Text),
    sa.UniqueConstraint("kind", "name", name="uq_account_kind"),
    one_of("kind", ("account", "service")),
    one_of("level", LEVELS),
    sa.CheckConstraint("(disabled_at IS NULL) = (disabled_by IS NULL)", name="disabling_is_attributed"),
    sa.CheckConstraint("(password_hash IS NULL) = (password_set_at IS NULL)", name="password_has_its_time"),
    sa.CheckConstraint("level IS NOT NULL OR disabled_at IS NOT NULL", name="present_ones_have_a_level"),
    sa.CheckConstraint("password_hash IS NULL OR kind = 'account'", name="services_have_tokens"),
    info=Record(
        kind="account",
        subject="operator",
        category="access",
        purposes=PROOF,
        retention="accounts",
        reach="",
        erasure="keep",
        why_kept="the audit log names the account",
        keys=("id",),
        fingerprints=("password_hash",),
        traces=(
            "kind",
            "level",
            "password_set_at",
            "password_is_first",
            "failures",
            "locked_until",
            "created_at",
            "disabled_at",
        ),
        actors=("created_by", "disabled_by"),
    ).info,
)

access_token = sa.Table(
    "access_token",
    metadata,
    required("id", BigId, primary_key=True),
    required("account_id", BigId, sa.ForeignKey("account.id")),
    required("digest", sa.LargeBinary, unique=True),
    required("purpose", sa.Text),
    sa.Column("scope", JsonOrNull),
    required("created_at", Instant),
    required("created_by", sa.Text),
    required("expires_at", Instant),
    sa.Column("revoked_at", Instant),
    sa.Column("revoked_by", sa.Text),
    one_of("purpose", ("login", "api")),
    sa.CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoking_is_attributed"),
    sa.CheckConstraint("expires_at > created_at", name="expires_later"),
    sa.Index("ix_access_token_account", "account_id"),
    info=nobody("hashes of tokens", "digest", "scope", "created_by", "revoked_by"),
)

campaign_approval = sa.Table(
    "campaign_approval",
    metadata,
    required("campaign_id", BigId, sa.ForeignKey("campaign.id"), primary_key=True),
    required("approved_by", sa.Text, primary_key=True),
    required("at", Instant),
    info=nobody("who approved what is sent", "approved_by"),
)
