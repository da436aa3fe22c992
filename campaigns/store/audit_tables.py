"""The audit log: entries in a sealed chain, the values beside them, and where the log was cut when its time was over.

An entry keeps hashes only. The values stand in rows of their own, one for each person whom they concern, each with its
own salt: redaction blanks the row and throws the salt away, and what is left of it tells nothing and still fits the
entry. `contact_id` 0 is nobody's.
"""

from __future__ import annotations

import sqlalchemy as sa

from campaigns.store.columns import BigId, Instant, Json, JsonOrNull, partial_index, personal, required
from campaigns.store.data_map import PROOF, Record, nobody
from campaigns.store.metadata import metadata

audit = sa.Table(
    "audit",
    metadata,
    required("id", BigId, primary_key=True),
    required("at", Instant),
    required("principal", sa.Text),
    required("tag", sa.Text),
    required("subjects", Json),
    required("evidence", sa.Text),
    sa.Column("old_hash", sa.LargeBinary),
    sa.Column("new_hash", sa.LargeBinary),
    sa.Column("seal_position", BigId, unique=True),
    sa.Column("seal", sa.LargeBinary),
    sa.CheckConstraint("(seal IS NULL) = (seal_position IS NULL)", name="sealed_whole"),
    partial_index("ix_audit_unsealed", "id", where="seal IS NULL"),
    info=Record(
        kind="audit",
        subject="contact",
        category="audit",
        purposes=PROOF,
        retention="audit",
        reach="audit",
        erasure="keep",
        why_kept="it proves what was done, names people by number only, and is sealed",
        keys=("id", "old_hash", "new_hash", "seal_position", "seal"),
        traces=("at", "tag", "subjects", "evidence"),
        actors=("principal",),
    ).info,
)

audit_value = sa.Table(
    "audit_value",
    metadata,
    required("audit_id", BigId, sa.ForeignKey("audit.id"), primary_key=True),
    required("contact_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("salt", sa.LargeBinary),
    sa.Column("old_hash", sa.LargeBinary),
    sa.Column("new_hash", sa.LargeBinary),
    personal("old", JsonOrNull),
    personal("new", JsonOrNull),
    sa.Column("redacted_at", Instant),
    sa.CheckConstraint("(redacted_at IS NULL) = (salt IS NOT NULL)", name="redacted_without_salt"),
    sa.Index("ix_audit_value_contact", "contact_id"),
    info=Record(
        kind="audit",
        subject="contact",
        category="audit",
        purposes=PROOF,
        retention="audit",
        reach="contact_id",
        erasure="blank",
        keys=("audit_id", "contact_id"),
        fingerprints=("salt", "old_hash", "new_hash"),
        traces=("redacted_at",),
    ).info,
)

audit_cut = sa.Table(
    "audit_cut",
    metadata,
    required("position", BigId, primary_key=True, autoincrement=False),
    required("seal", sa.LargeBinary),
    required("at", Instant),
    required("cut_by", sa.Text),
    required("proof", sa.LargeBinary),
    info=nobody("where the log was cut", "seal", "cut_by", "proof"),
)
