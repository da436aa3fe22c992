"""The register: who is in it, what is known from where, what they allowed and forbade, who changed what.

The schema refuses what must not be: a second live suppression of the same thing, a subscription without a known status,
an audit entry without a principal. Suppressions hold keyed fingerprints only, so that they outlive the erasure of the
person. Empty text and 0 stand for "any" in the scope columns of a suppression, since NULLs would defeat its unique key.
"""

from __future__ import annotations

import sqlalchemy as sa

from campaigns.store.columns import BigId, Instant, Json, one_of, personal, required
from campaigns.store.metadata import metadata

SUPPRESSION_KINDS = (
    "objection",
    "restricted",
    "complaint",
    "unsubscribed",
    "hard_bounce",
    "soft_bounces",
    "manual",
    "on_pause",
)
SUPPRESSION_SUBJECTS = ("address", "domain", "company", "postal")
SUBSCRIPTION_STATUSES = ("pending", "subscribed", "unsubscribed")
LIST_KINDS = ("newsletter", "magazine")
BASES = ("consent", "b2b_role", "soft_opt_in", "contract", "legal_person")
SOURCE_CLASSES = ("person", "company", "group_company", "partner", "directory", "public_register")
CHANNELS = ("email", "post")

register = sa.Table(
    "register",
    metadata,
    required(
        "id",
        sa.SmallInteger,
        sa.CheckConstraint("id = 1", name="single"),
        primary_key=True,
        autoincrement=False,
    ),
    required("incarnation", sa.Text),
    required("created_at", Instant),
)

register_key = sa.Table(
    "register_key",
    metadata,
    required("purpose", sa.Text, primary_key=True),
    required("key_id", sa.SmallInteger, primary_key=True, autoincrement=False),
    required("check_value", sa.Text),
    required("created_at", Instant),
    one_of("purpose", ("fingerprint", "token")),
)

gate = sa.Table(
    "gate",
    metadata,
    required(
        "id",
        sa.SmallInteger,
        sa.CheckConstraint("id = 1", name="single"),
        primary_key=True,
        autoincrement=False,
    ),
    required("incarnation", sa.Text),
    required("epoch", BigId),
    required("halted", sa.Boolean),
    required("restored", sa.Boolean, server_default=sa.false()),
    sa.Column("halted_reason", sa.Text),
    required("permit_ms", sa.Integer),
    required("answer_ms", sa.Integer),
    sa.CheckConstraint("permit_ms * 2 <= answer_ms", name="answer_outlasts_permit"),
    sa.CheckConstraint("permit_ms > 0", name="permit_is_positive"),
    sa.CheckConstraint("halted OR NOT restored", name="restored_is_halted"),
)

#: Which transactions have yet to raise the epoch at their COMMIT (PostgreSQL; see `campaigns.store.gate_triggers`).
gate_raise = sa.Table("gate_raise", metadata, required("id", BigId, primary_key=True))

claim_count = sa.Table(
    "claim_count",
    metadata,
    required("line", sa.SmallInteger, primary_key=True, autoincrement=False),
    required("claims", BigId),
)

company = sa.Table(
    "company",
    metadata,
    required("id", BigId, primary_key=True),
    required("name", sa.Text),
    sa.Column("business_id", sa.Text),
    required("company_key", sa.LargeBinary),
    sa.Column("country", sa.Text),
    required("created_at", Instant),
    required("created_by", sa.Text),
    sa.UniqueConstraint("company_key"),
)

contact = sa.Table(
    "contact",
    metadata,
    required("id", BigId, primary_key=True),
    personal("first_name"),
    personal("last_name"),
    personal("gender"),
    personal("title"),
    personal("email"),
    sa.Column("email_key", sa.LargeBinary),
    sa.Column("domain_key", sa.LargeBinary),
    personal("phone"),
    personal("language"),
    personal("street"),
    personal("postal_code"),
    personal("city"),
    personal("country"),
    sa.Column("postal_key", sa.LargeBinary),
    required("key_id", sa.SmallInteger),
    required("created_at", Instant),
    required("created_by", sa.Text),
    required("updated_at", Instant),
    required("updated_by", sa.Text),
    sa.Column("erased_at", Instant),
    sa.Index("ix_contact_email_key", "email_key"),
    sa.Index("ix_contact_postal_key", "postal_key"),
    sa.CheckConstraint("(email IS NULL) = (email_key IS NULL)", name="email_has_its_key"),
    sa.CheckConstraint("erased_at IS NULL OR (email IS NULL AND last_name IS NULL)", name="erased_is_blank"),
)

position = sa.Table(
    "position",
    metadata,
    required("id", BigId, primary_key=True),
    required("contact_id", BigId, sa.ForeignKey("contact.id")),
    required("company_id", BigId, sa.ForeignKey("company.id")),
    personal("name"),
    required("started_at", Instant),
    sa.Column("ended_at", Instant),
    required("created_by", sa.Text),
    sa.Index("ix_position_contact", "contact_id"),
    sa.Index("ix_position_company", "company_id"),
    sa.Index(
        "uq_position_current",
        "contact_id",
        "company_id",
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    ),
)

mailing_list = sa.Table(
    "mailing_list",
    metadata,
    required("id", BigId, primary_key=True),
    required("key", sa.Text, unique=True),
    required("kind", sa.Text),
    required("name", sa.Text),
    required("purpose", sa.Text),
    required("created_at", Instant),
    required("created_by", sa.Text),
    one_of("kind", LIST_KINDS),
)

subscription = sa.Table(
    "subscription",
    metadata,
    required("list_id", BigId, sa.ForeignKey("mailing_list.id"), primary_key=True),
    required("contact_id", BigId, sa.ForeignKey("contact.id"), primary_key=True),
    required("status", sa.Text),
    required("since", Instant),
    required("changed_by", sa.Text),
    one_of("status", SUBSCRIPTION_STATUSES),
    sa.Index("ix_subscription_contact", "contact_id"),
)

subscription_history = sa.Table(
    "subscription_history",
    metadata,
    required("id", BigId, primary_key=True),
    required("list_id", BigId),
    required("contact_id", BigId),
    required("status", sa.Text),
    required("at", Instant),
    required("changed_by", sa.Text),
    required("evidence", sa.Text),
    one_of("status", SUBSCRIPTION_STATUSES),
    sa.Index("ix_subscription_history_contact", "contact_id", "list_id"),
)

suppression = sa.Table(
    "suppression",
    metadata,
    required("id", BigId, primary_key=True),
    required("kind", sa.Text),
    required("subject", sa.Text),
    required("subject_key", sa.LargeBinary),
    required("key_id", sa.SmallInteger),
    required("list_id", BigId, server_default="0"),
    required("purpose", sa.Text, server_default=""),
    required("channel", sa.Text, server_default=""),
    required("origin", sa.Text),
    required("evidence", sa.Text),
    sa.Column("until", Instant),
    required("recorded_at", Instant),
    required("recorded_by", sa.Text),
    sa.Column("lifted_at", Instant),
    sa.Column("lifted_by", sa.Text),
    sa.Column("lift_evidence", sa.Text),
    one_of("kind", SUPPRESSION_KINDS),
    one_of("subject", SUPPRESSION_SUBJECTS),
    one_of("channel", ("", *CHANNELS)),
    sa.CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name="lifting_is_attributed"),
    sa.CheckConstraint("until IS NULL OR kind = 'on_pause'", name="only_a_pause_ends_by_itself"),
    sa.Index(
        "uq_suppression_live",
        "subject_key",
        "kind",
        "subject",
        "list_id",
        "purpose",
        "channel",
        unique=True,
        sqlite_where=sa.text("lifted_at IS NULL"),
        postgresql_where=sa.text("lifted_at IS NULL"),
    ),
)

intake = sa.Table(
    "intake",
    metadata,
    required("id", BigId, primary_key=True),
    required("kind", sa.Text),
    required("source", sa.Text),
    required("source_class", sa.Text),
    sa.Column("basis", sa.Text),
    required("evidence", sa.Text),
    sa.Column("list_id", BigId, sa.ForeignKey("mailing_list.id")),
    required("digest", sa.Text),
    required("at", Instant),
    required("taken_by", sa.Text),
    one_of("basis", BASES),
    one_of("source_class", SOURCE_CLASSES),
)

# Provenance and bases name contacts and intakes that their own transaction has written: a foreign key would ask once
# more for every row of an import.
contact_basis = sa.Table(
    "contact_basis",
    metadata,
    required("contact_id", BigId, primary_key=True, autoincrement=False),
    required("purpose", sa.Text, primary_key=True),
    required("basis", sa.Text, primary_key=True),
    sa.Column("intake_id", BigId),
    required("evidence", sa.Text),
    sa.Column("text_version", sa.Text),
    required("since", Instant),
    sa.Column("ended_at", Instant),
    sa.Column("ended_by", sa.Text),
    one_of("basis", BASES),
    sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ending_is_attributed"),
)

provenance = sa.Table(
    "provenance",
    metadata,
    required("contact_id", BigId, primary_key=True, autoincrement=False),
    required("intake_id", BigId, primary_key=True, autoincrement=False),
    required("row", sa.Integer),
    required("fields", Json),
    required("at", Instant),
)

audit = sa.Table(
    "audit",
    metadata,
    required("id", BigId, primary_key=True),
    required("at", Instant),
    required("principal", sa.Text),
    required("tag", sa.Text),
    required("subjects", Json),
    required("evidence", sa.Text),
    required("salt", sa.LargeBinary),
    sa.Column("old_hash", sa.LargeBinary),
    sa.Column("new_hash", sa.LargeBinary),
    sa.Column("seal_position", BigId, unique=True),
    sa.Column("seal", sa.LargeBinary),
    sa.CheckConstraint("(seal IS NULL) = (seal_position IS NULL)", name="sealed_whole"),
)

audit_value = sa.Table(
    "audit_value",
    metadata,
    required("audit_id", BigId, sa.ForeignKey("audit.id"), primary_key=True),
    personal("old", Json),
    personal("new", Json),
    sa.Column("redacted_at", Instant),
)
