"""The register: who is in it, what is known from where, what they allowed and forbade, who changed what.

The schema refuses what must not be: a second live suppression of the same thing, a subscription without a known status,
an audit entry without a principal. Suppressions hold keyed fingerprints only, so that they outlive the erasure of the
person. Empty text and 0 stand for "any" in the scope columns of a suppression, since NULLs would defeat its unique key.
"""

from __future__ import annotations

import sqlalchemy as sa

from campaigns.store.columns import BigId, Instant, Json, one_of, partial_index, personal, required
from campaigns.store.data_map import PROOF, RELATIONS, WISHES, Record, nobody
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

company = sa.Table(
    "company",
    metadata,
    required("id", BigId, primary_key=True),
    personal("name", nullable=False),
    personal("business_id"),
    required("company_key", sa.LargeBinary),
    personal("country"),
    required("created_at", Instant),
    required("created_by", sa.Text),
    sa.UniqueConstraint("company_key"),
    info=Record(
        kind="company",
        subject="company",
        category="work",
        purposes=RELATIONS,
        retention="contacts",
        reach="",
        erasure="keep",
        why_kept="it is the company's, and others work there",
        keys=("id", "company_key"),
        traces=("created_at",),
        actors=("created_by",),
    ).info,
)

contact = sa.Table(
    "contact",
    metadata,
    required("id", BigId, primary_key=True),
    personal("first_name", about="identity", given=True),
    personal("last_name", about="identity", given=True),
    personal("gender", about="identity", given=True),
    personal("title", about="work", given=True),
    personal("email", given=True),
    sa.Column("email_key", sa.LargeBinary),
    sa.Column("domain_key", sa.LargeBinary),
    personal("phone", given=True),
    personal("language", given=True),
    personal("street", given=True),
    personal("postal_code", given=True),
    personal("city", given=True),
    personal("country", given=True),
    sa.Column("postal_key", sa.LargeBinary),
    required("key_id", sa.SmallInteger),
    required("created_at", Instant),
    required("created_by", sa.Text),
    required("updated_at", Instant),
    required("updated_by", sa.Text),
    sa.Column("erased_at", Instant),
    # The contact that is the same person and was kept; this one keeps its own rows.
    sa.Column("merged_into", BigId),
    partial_index("ix_contact_merged_into", "merged_into", where="merged_into IS NOT NULL"),
    sa.Index("ix_contact_email_key", "email_key"),
    sa.Index("ix_contact_postal_key", "postal_key"),
    sa.CheckConstraint("(email IS NULL) = (email_key IS NULL)", name="email_has_its_key"),
    sa.CheckConstraint("erased_at IS NULL OR (email IS NULL AND last_name IS NULL)", name="erased_is_blank"),
    info=Record(
        kind="contact",
        subject="contact",
        category="contact_details",
        purposes=RELATIONS,
        retention="contacts",
        reach="id",
        erasure="blank",
        keys=("id", "merged_into", "key_id"),
        fingerprints=("email_key", "domain_key", "postal_key"),
        traces=("created_at", "updated_at", "erased_at"),
        actors=("created_by", "updated_by"),
    ).info,
)

position = sa.Table(
    "position",
    metadata,
    required("id", BigId, primary_key=True),
    required("contact_id", BigId, sa.ForeignKey("contact.id")),
    required("company_id", BigId, sa.ForeignKey("company.id")),
    personal("name", given=True),
    required("started_at", Instant),
    sa.Column("ended_at", Instant),
    required("created_by", sa.Text),
    sa.Index("ix_position_contact", "contact_id"),
    sa.Index("ix_position_company", "company_id"),
    partial_index("uq_position_current", "contact_id", "company_id", unique=True, where="ended_at IS NULL"),
    info=Record(
        kind="position",
        subject="contact",
        category="work",
        purposes=RELATIONS,
        retention="contacts",
        reach="contact_id",
        erasure="delete",
        keys=("id", "contact_id", "company_id"),
        traces=("started_at", "ended_at"),
        actors=("created_by",),
    ).info,
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
    info=nobody("a list, not who is on it", "key", "name", "purpose", "created_by"),
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
    info=Record(
        kind="subscription",
        subject="contact",
        category="wishes",
        purposes=WISHES,
        retention="contacts",
        reach="contact_id",
        erasure="delete",
        keys=("list_id", "contact_id"),
        traces=("status", "since"),
        actors=("changed_by",),
    ).info,
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
    personal("evidence", nullable=False),
    one_of("status", SUBSCRIPTION_STATUSES),
    sa.Index("ix_subscription_history_contact", "contact_id", "list_id"),
    info=Record(
        kind="subscription",
        subject="contact",
        category="wishes",
        purposes=WISHES,
        retention="contacts",
        reach="contact_id",
        erasure="delete",
        keys=("id", "list_id", "contact_id"),
        traces=("status", "at"),
        actors=("changed_by",),
    ).info,
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
    personal("evidence", nullable=False),
    sa.Column("until", Instant),
    required("recorded_at", Instant),
    required("recorded_by", sa.Text),
    sa.Column("lifted_at", Instant),
    sa.Column("lifted_by", sa.Text),
    personal("lift_evidence"),
    one_of("kind", SUPPRESSION_KINDS),
    one_of("subject", SUPPRESSION_SUBJECTS),
    one_of("channel", ("", *CHANNELS)),
    sa.CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name="lifting_is_attributed"),
    sa.CheckConstraint("until IS NULL OR kind = 'on_pause'", name="only_a_pause_ends_by_itself"),
    # Also what was lifted is the person's, and shown to them.
    sa.Index("ix_suppression_subject", "subject_key"),
    partial_index(
        "uq_suppression_live",
        "subject_key",
        "kind",
        "subject",
        "list_id",
        "purpose",
        "channel",
        unique=True,
        where="lifted_at IS NULL",
    ),
    info=Record(
        kind="suppression",
        subject="contact",
        category="wishes",
        purposes=WISHES,
        retention="suppressions",
        reach="fingerprint",
        erasure="blank",
        keys=("id", "subject_key", "key_id", "list_id"),
        traces=("kind", "subject", "purpose", "channel", "origin", "until", "recorded_at", "lifted_at"),
        actors=("recorded_by", "lifted_by"),
    ).info,
)

intake = sa.Table(
    "intake",
    metadata,
    required("id", BigId, primary_key=True),
    required("kind", sa.Text),
    personal("source", nullable=False),
    required("source_class", sa.Text),
    sa.Column("basis", sa.Text),
    personal("evidence", nullable=False),
    sa.Column("list_id", BigId, sa.ForeignKey("mailing_list.id")),
    required("digest", sa.Text),
    required("at", Instant),
    required("taken_by", sa.Text),
    one_of("basis", BASES),
    one_of("source_class", SOURCE_CLASSES),
    info=Record(
        kind="source",
        subject="contact",
        category="basis_and_source",
        purposes=PROOF,
        retention="contacts",
        reach="intake",
        erasure="blank",
        keys=("id", "list_id"),
        traces=("kind", "source_class", "basis", "digest", "at"),
        actors=("taken_by",),
    ).info,
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
    personal("evidence", nullable=False),
    sa.Column("text_version", sa.Text),
    required("since", Instant),
    sa.Column("ended_at", Instant),
    sa.Column("ended_by", sa.Text),
    one_of("basis", BASES),
    sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ending_is_attributed"),
    info=Record(
        kind="basis",
        subject="contact",
        category="basis_and_source",
        purposes=PROOF,
        retention="contacts",
        reach="contact_id",
        erasure="delete",
        keys=("contact_id", "intake_id"),
        traces=("purpose", "basis", "text_version", "since", "ended_at"),
        actors=("ended_by",),
    ).info,
)

provenance = sa.Table(
    "provenance",
    metadata,
    required("contact_id", BigId, primary_key=True, autoincrement=False),
    required("intake_id", BigId, primary_key=True, autoincrement=False),
    required("row", sa.Integer),
    required("fields", Json),
    required("at", Instant),
    info=Record(
        kind="source",
        subject="contact",
        category="basis_and_source",
        purposes=PROOF,
        retention="contacts",
        reach="contact_id",
        erasure="delete",
        keys=("contact_id", "intake_id"),
        traces=("row", "fields", "at"),
    ).info,
)
