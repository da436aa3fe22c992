"""Which contacts turned out to be one person, and what came of it: enough to take it back."""

from __future__ import annotations

import sqlalchemy as sa

from campaigns.store.columns import BigId, Instant, Json, partial_index, personal, required
from campaigns.store.data_map import WISHES, Record
from campaigns.store.metadata import metadata

# `moved` names what the kept contact got of the other one: fields by name, rows by id, never a value.
contact_merge = sa.Table(
    "contact_merge",
    metadata,
    required("id", BigId, primary_key=True),
    required("kept_id", BigId),
    required("contact_id", BigId),
    required("moved", Json),
    personal("evidence", nullable=False),
    required("merged_at", Instant),
    required("merged_by", sa.Text),
    sa.Column("undone_at", Instant),
    sa.Column("undone_by", sa.Text),
    sa.CheckConstraint("(undone_at IS NULL) = (undone_by IS NULL)", name="undoing_is_attributed"),
    sa.CheckConstraint("kept_id <> contact_id", name="two_contacts"),
    sa.Index("ix_contact_merge_kept", "kept_id"),
    sa.Index("ix_contact_merge_contact", "contact_id"),
    partial_index("uq_contact_merge_live", "contact_id", unique=True, where="undone_at IS NULL"),
    info=Record(
        kind="merge",
        subject="contact",
        category="identity",
        purposes=WISHES,
        retention="contacts",
        reach="contact_id",
        erasure="delete",
        keys=("id", "kept_id", "contact_id"),
        traces=("moved", "merged_at", "undone_at"),
        actors=("merged_by", "undone_by"),
    ).info,
)
