"""What people ask of us in their own right (GDPR Art. 15-21), whom we gave their data to, and who must be told on.

A request is a case that outlives the data: it names the person by number, or by a keyed fingerprint where nobody was
found, and never by address. A disclosure is one handing out; who stands in it is kept apart, since an export may hold
the whole register. A telling is one recipient that has to hear of a correction, an erasure or a restriction (Art. 19).
"""

from __future__ import annotations

import sqlalchemy as sa

from campaigns.store.columns import BigId, Instant, Json, one_of, partial_index, personal, required
from campaigns.store.data_map import PROOF, Record
from campaigns.store.metadata import metadata

REQUEST_KINDS = ("access", "rectification", "erasure", "restriction", "objection", "portability")
REQUEST_STATUSES = ("received", "identified", "fulfilled", "refused", "withdrawn")
CAME_BY = ("operator", "page", "mail")
IDENTIFIED_HOW = ("mailbox", "document", "in_person")
DOCUMENTS = ("passport", "identity_card", "driving_licence", "residence_permit")
TOLD_OF = ("correction", "erasure", "restriction", "restriction_lifted")

rights_request = sa.Table(
    "rights_request",
    metadata,
    required("id", BigId, primary_key=True),
    required("kind", sa.Text),
    required("status", sa.Text),
    sa.Column("contact_id", BigId),
    sa.Column("subject_key", sa.LargeBinary),
    required("came_by", sa.Text),
    sa.Column("reference", sa.Text),
    sa.Column("language", sa.Text),
    personal("evidence", nullable=False),
    required("received_at", Instant),
    required("due_on", sa.Date),
    required("opened_at", Instant),
    required("opened_by", sa.Text),
    sa.Column("identified_at", Instant),
    sa.Column("identified_by", sa.Text),
    sa.Column("identified_how", sa.Text),
    sa.Column("document", sa.Text),
    sa.Column("extended_at", Instant),
    sa.Column("extended_by", sa.Text),
    sa.Column("extension_reason", sa.Text),
    sa.Column("closed_at", Instant),
    sa.Column("closed_by", sa.Text),
    sa.Column("ground", sa.Text),
    sa.Column("decision", sa.Text),
    one_of("kind", REQUEST_KINDS),
    one_of("status", REQUEST_STATUSES),
    one_of("came_by", CAME_BY),
    one_of("identified_how", IDENTIFIED_HOW),
    one_of("document", DOCUMENTS),
    sa.CheckConstraint("contact_id IS NOT NULL OR subject_key IS NOT NULL", name="somebody_asked"),
    sa.CheckConstraint(
        "(closed_at IS NOT NULL) = (status IN ('fulfilled', 'refused', 'withdrawn'))",
        name="closed_when_ended",
    ),
    sa.CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="closing_is_attributed"),
    sa.CheckConstraint(
        "(identified_at IS NULL) = (identified_by IS NULL) AND (identified_at IS NULL) = (identified_how IS NULL)",
        name="identifying_is_attributed",
    ),
    sa.CheckConstraint(
        "(document IS NOT NULL) = (identified_how IS NOT NULL AND identified_how = 'document')",
        name="document_has_a_kind",
    ),
    sa.CheckConstraint(
        "status <> 'refused' OR (ground IS NOT NULL AND decision IS NOT NULL)", name="refused_on_a_ground"
    ),
    sa.CheckConstraint(
        "(extended_at IS NULL) = (extended_by IS NULL) AND (extended_at IS NULL) = (extension_reason IS NULL)",
        name="extension_has_a_reason",
    ),
    sa.CheckConstraint(
        "status <> 'identified' OR identified_at IS NOT NULL", name="identified_was_identified"
    ),
    sa.CheckConstraint(
        "status <> 'fulfilled' OR kind = 'objection' OR identified_at IS NOT NULL",
        name="nothing_without_identification",
    ),
    sa.UniqueConstraint("came_by", "reference"),
    sa.Index("ix_rights_request_contact", "contact_id"),
    partial_index("ix_rights_request_open", "due_on", where="closed_at IS NULL"),
    info=Record(
        kind="request",
        subject="contact",
        category="requests",
        purposes=PROOF,
        retention="requests",
        reach="contact_id",
        erasure="blank",
        keys=("id", "contact_id", "subject_key", "reference"),
        traces=(
            *("kind", "status", "came_by", "language", "received_at", "due_on", "opened_at", "identified_at"),
            *(
                "identified_how",
                "document",
                "extended_at",
                "extension_reason",
                "closed_at",
                "ground",
                "decision",
            ),
        ),
        actors=("opened_by", "identified_by", "extended_by", "closed_by"),
    ).info,
)

disclosure = sa.Table(
    "disclosure",
    metadata,
    required("id", BigId, primary_key=True),
    required("at", Instant),
    required("recipient", sa.Text),
    required("ground", sa.Text),
    required("what", sa.Text),
    required("given_by", sa.Text),
    info=Record(
        kind="disclosure",
        subject="contact",
        category="audit",
        purposes=PROOF,
        retention="audit",
        reach="disclosure",
        erasure="keep",
        why_kept="it says to whom data went, not whose",
        keys=("id",),
        traces=("at", "recipient", "ground", "what"),
        actors=("given_by",),
    ).info,
)

disclosure_subject = sa.Table(
    "disclosure_subject",
    metadata,
    required("contact_id", BigId, primary_key=True, autoincrement=False),
    required("disclosure_id", BigId, primary_key=True, autoincrement=False),
    info=Record(
        kind="disclosure",
        subject="contact",
        category="audit",
        purposes=PROOF,
        retention="audit",
        reach="contact_id",
        erasure="keep",
        why_kept="who was told must be known to tell them of the erasure; it holds numbers only",
        keys=("contact_id", "disclosure_id"),
    ).info,
)

rights_telling = sa.Table(
    "rights_telling",
    metadata,
    required("id", BigId, primary_key=True),
    required("contact_id", BigId),
    sa.Column("request_id", BigId),
    required("what", sa.Text),
    required("fields", Json),
    required("recipient", sa.Text),
    required("recorded_at", Instant),
    required("recorded_by", sa.Text),
    sa.Column("told_at", Instant),
    sa.Column("told_by", sa.Text),
    sa.Column("told_how", sa.Text),
    one_of("what", TOLD_OF),
    sa.CheckConstraint(
        "(told_at IS NULL) = (told_by IS NULL) AND (told_at IS NULL) = (told_how IS NULL)",
        name="telling_is_attributed",
    ),
    sa.Index("ix_rights_telling_contact", "contact_id"),
    partial_index("ix_rights_telling_open", "id", where="told_at IS NULL"),
    info=Record(
        kind="telling",
        subject="contact",
        category="requests",
        purposes=PROOF,
        retention="requests",
        reach="contact_id",
        erasure="keep",
        why_kept="it proves that others were told of the erasure, and holds numbers and names of fields only",
        keys=("id", "contact_id", "request_id"),
        traces=("what", "fields", "recipient", "recorded_at", "told_at", "told_how"),
        actors=("recorded_by", "told_by"),
    ).info,
)
