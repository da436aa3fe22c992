"""What is known of people beyond the common columns: declared extra fields, what happened with them, saved segments."""

from __future__ import annotations

import sqlalchemy as sa

from campaigns.store.columns import BigId, Instant, one_of, personal, required
from campaigns.store.data_map import HISTORY, RELATIONS, Record, nobody
from campaigns.store.metadata import metadata

EVENT_KINDS = ("offer", "purchase", "use_of_service", "meeting", "feedback", "call_recording")

contact_field = sa.Table(
    "contact_field",
    metadata,
    required("contact_id", BigId, primary_key=True, autoincrement=False),
    required("name", sa.Text, primary_key=True),
    personal("text", given=True),
    personal("number", sa.Float, given=True),
    required("changed_at", Instant),
    sa.Index("ix_contact_field_name", "name", "text"),
    info=Record(
        kind="extra field",
        subject="contact",
        category="history",
        purposes=RELATIONS,
        retention="contacts",
        reach="contact_id",
        erasure="delete",
        keys=("contact_id",),
        traces=("name", "changed_at"),
    ).info,
)

# Addresses that a contact has beside the one that is written to: whoever comes by one of them is known.
contact_address = sa.Table(
    "contact_address",
    metadata,
    required("id", BigId, primary_key=True),
    required("contact_id", BigId),
    personal("email", about="contact_details", given=True, nullable=False),
    required("email_key", sa.LargeBinary),
    required("key_id", sa.SmallInteger),
    required("added_at", Instant),
    required("added_by", sa.Text),
    sa.UniqueConstraint("email_key"),
    sa.Index("ix_contact_address_contact", "contact_id"),
    info=Record(
        kind="further address",
        subject="contact",
        category="contact_details",
        purposes=RELATIONS,
        retention="contacts",
        reach="contact_id",
        erasure="delete",
        keys=("id", "contact_id", "key_id"),
        fingerprints=("email_key",),
        traces=("added_at",),
        actors=("added_by",),
    ).info,
)

event = sa.Table(
    "event",
    metadata,
    required("id", BigId, primary_key=True),
    sa.Column("contact_id", BigId),
    sa.Column("company_id", BigId),
    required("kind", sa.Text),
    required("at", Instant),
    required("source", sa.Text),
    required("event_id", sa.Text),
    personal("about"),
    personal("amount", sa.Float),
    personal("reference"),
    personal("reason"),
    personal("place"),
    sa.Column("until", Instant),
    required("recorded_at", Instant),
    required("recorded_by", sa.Text),
    one_of("kind", EVENT_KINDS),
    sa.CheckConstraint("contact_id IS NOT NULL OR company_id IS NOT NULL", name="somebody_concerned"),
    sa.CheckConstraint(
        "kind <> 'call_recording' OR (reference IS NOT NULL AND reason IS NOT NULL AND until IS NOT NULL)",
        name="recording_is_told",
    ),
    sa.UniqueConstraint("source", "event_id"),
    sa.Index("ix_event_contact", "contact_id", "kind", "at"),
    sa.Index("ix_event_company", "company_id", "kind", "at"),
    sa.Index("ix_event_kind", "kind", "at"),
    info=Record(
        kind="event",
        subject="contact",
        category="history",
        purposes=HISTORY,
        retention="events",
        reach="contact_id",
        erasure="delete",
        keys=("id", "contact_id", "company_id", "event_id"),
        traces=("kind", "at", "source", "until", "recorded_at"),
        actors=("recorded_by",),
    ).info,
)

segment = sa.Table(
    "segment",
    metadata,
    required("id", BigId, primary_key=True),
    required("key", sa.Text, unique=True),
    required("name", sa.Text),
    required("expression", sa.Text),
    required("changed_at", Instant),
    required("changed_by", sa.Text),
    info=nobody("a rule for choosing people, not whom it chooses", "key", "name", "expression", "changed_by"),
)
