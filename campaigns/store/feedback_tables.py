"""What was heard after hand-over: events, cases for people, mail nobody could place, and data found outdated."""

from __future__ import annotations

import sqlalchemy as sa

from campaigns.store.columns import BigId, Instant, one_of, partial_index, personal, required
from campaigns.store.data_map import FEEDBACK, RELATIONS, Record
from campaigns.store.metadata import metadata

FLAGGED_FIELDS = ("email", "postal")
FLAG_REASONS = ("hard_bounce", "returned_post")
CASE_KINDS = ("stop", "hints", "address")

feedback_event = sa.Table(
    "feedback_event",
    metadata,
    required("id", BigId, primary_key=True),
    required("source", sa.Text),
    required("event_id", sa.Text),
    required("kind", sa.Text),
    sa.Column("campaign_id", BigId),
    sa.Column("number", sa.Integer),
    sa.Column("status_code", sa.Text),
    personal("diagnostic"),
    sa.Column("occurred_at", Instant),
    required("received_at", Instant),
    required("verified", sa.Boolean),
    required("consequence", sa.Text),
    personal("raw"),
    # The fingerprint of the address that a hint names: news without a token of ours is counted by it.
    sa.Column("about_key", sa.LargeBinary),
    sa.UniqueConstraint("source", "event_id"),
    sa.Index("ix_feedback_event_delivery", "campaign_id", "number"),
    partial_index("ix_feedback_event_hint", "received_at", where="consequence = 'hint'"),
    partial_index("ix_feedback_event_about", "about_key", where="about_key IS NOT NULL"),
    info=Record(
        kind="feedback",
        subject="contact",
        category="correspondence",
        purposes=FEEDBACK,
        retention="feedback",
        reach="about",
        erasure="blank",
        keys=("id", "event_id", "campaign_id", "number"),
        fingerprints=("about_key",),
        traces=("source", "kind", "status_code", "occurred_at", "received_at", "verified", "consequence"),
    ).info,
)

# One value of one person that news has shown to be out of date. A corrected value has another key, so the flag is
# about the old one only.
datum_flag = sa.Table(
    "datum_flag",
    metadata,
    required("id", BigId, primary_key=True),
    required("contact_id", BigId),
    required("field", sa.Text),
    required("value_key", sa.LargeBinary),
    required("reason", sa.Text),
    personal("evidence", nullable=False),
    required("flagged_at", Instant),
    required("flagged_by", sa.Text),
    one_of("field", FLAGGED_FIELDS),
    one_of("reason", FLAG_REASONS),
    sa.UniqueConstraint("contact_id", "field", "value_key", "reason"),
    info=Record(
        kind="outdated datum",
        subject="contact",
        category="contact_details",
        purposes=RELATIONS,
        retention="contacts",
        reach="contact_id",
        erasure="delete",
        keys=("id", "contact_id", "value_key"),
        traces=("field", "reason", "flagged_at"),
        actors=("flagged_by",),
    ).info,
)

# What a person has to look at.
feedback_case = sa.Table(
    "feedback_case",
    metadata,
    required("id", BigId, primary_key=True),
    required("kind", sa.Text),
    sa.Column("contact_id", BigId),
    sa.Column("campaign_id", BigId),
    sa.Column("number", sa.Integer),
    required("about", sa.Text),
    personal("evidence", nullable=False),
    required("opened_at", Instant),
    sa.Column("closed_at", Instant),
    sa.Column("closed_by", sa.Text),
    personal("decision"),
    one_of("kind", CASE_KINDS),
    sa.CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="closing_is_attributed"),
    sa.UniqueConstraint("kind", "about"),
    sa.Index("ix_feedback_case_contact", "contact_id"),
    info=Record(
        kind="feedback case",
        subject="contact",
        category="correspondence",
        purposes=FEEDBACK,
        retention="feedback",
        reach="contact_id",
        erasure="blank",
        keys=("id", "contact_id", "campaign_id", "number", "about"),
        traces=("kind", "opened_at", "closed_at"),
        actors=("closed_by",),
    ).info,
)

# Mail that could not be read or placed, and mail for people: kept for a while, then blanked.
parked_mail = sa.Table(
    "parked_mail",
    metadata,
    required("id", BigId, primary_key=True),
    required("digest", sa.Text, unique=True),
    required("kind", sa.Text),
    required("octets", sa.BigInteger),
    required("received_at", Instant),
    personal("recipient"),
    personal("raw", sa.LargeBinary),
    # Whose it is, so that access and erasure find it: the delivery that it answers, or the sender's fingerprint.
    sa.Column("campaign_id", BigId),
    sa.Column("number", sa.Integer),
    sa.Column("about_key", sa.LargeBinary),
    sa.Column("retried_at", Instant),
    sa.Column("settled_at", Instant),
    sa.Column("blanked_at", Instant),
    sa.Index("ix_parked_mail_received", "received_at"),
    partial_index("ix_parked_mail_kept", "received_at", where="blanked_at IS NULL"),
    sa.Index("ix_parked_mail_delivery", "campaign_id", "number"),
    partial_index("ix_parked_mail_about", "about_key", where="about_key IS NOT NULL"),
    sa.CheckConstraint("blanked_at IS NULL OR raw IS NULL", name="blanked_is_blank"),
    info=Record(
        kind="mail",
        subject="contact",
        category="correspondence",
        purposes=FEEDBACK,
        retention="parked_mail",
        reach="about",
        erasure="blank",
        keys=("id", "digest", "campaign_id", "number"),
        fingerprints=("about_key",),
        traces=("kind", "octets", "received_at", "retried_at", "settled_at", "blanked_at"),
    ).info,
)
