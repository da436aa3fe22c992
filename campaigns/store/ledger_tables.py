"""Submissions, campaigns and the ledger: what is to be sent, to whom, and what happened.

`delivery` is the ledger: one row per (campaign, contact, channel), numbered within its campaign so that
every key begins with the campaign id and the table can be partitioned by ranges of it. A row that may be
sent holds the fingerprint of its address; the unique key on it makes a second message to one address
unrepresentable (rows withheld from the start hold none). `batch` is a fixed range of numbers: the unit of
work, of leasing and of fencing. Attempts are apart from the status, and news after the hand-over (bounces,
complaints) are events, never statuses.
"""

from __future__ import annotations

import sqlalchemy as sa

from campaigns.store.columns import BigId, Instant, Json, one_of, partial_index, personal, required
from campaigns.store.data_map import SENDS, Record, nobody
from campaigns.store.metadata import metadata
from campaigns.store.register_tables import CHANNELS

SUBMISSION_STATUSES = ("received", "accepted", "refused")
CAMPAIGN_STATUSES = ("scheduled", "expanding", "sending", "completed", "paused", "halted", "cancelled")
#: A person asked, the start was missed, the campaign is being cancelled, a limit was passed, somebody else has to
#: approve it, or its author may submit no more.
HOLD_REASONS = (
    "asked",
    "missed_start",
    "cancelling",
    "hard_bounces",
    "complaints",
    "authentication",
    "approval",
    "author_left",
)
DELIVERY_STATUSES = (
    "pending",
    "sending",
    "accepted",
    "rejected",
    "deferred",
    "uncertain",
    "withheld",
    "expired",
    "cancelled",
)

submission = sa.Table(
    "submission",
    metadata,
    required("id", BigId, primary_key=True),
    required("submission_id", sa.Text),
    required("digest", sa.Text),
    required("status", sa.Text),
    required("submitted_by", sa.Text),
    required("received_at", Instant),
    required("document", Json),
    required("faults", Json),
    sa.Column("campaign_id", BigId),
    sa.Column("recurrence_id", BigId),
    one_of("status", SUBMISSION_STATUSES),
    sa.CheckConstraint(
        "(status = 'accepted') = (campaign_id IS NOT NULL OR recurrence_id IS NOT NULL)",
        name="accepted_has_work",
    ),
    sa.UniqueConstraint("submission_id", "digest"),
    partial_index("uq_submission_accepted", "submission_id", unique=True, where="status = 'accepted'"),
    info=nobody(
        "a campaign as it was submitted; its schema has no room for receivers",
        "submission_id",
        "digest",
        "submitted_by",
        "document",
        "faults",
    ),
)

campaign = sa.Table(
    "campaign",
    metadata,
    required("id", BigId, primary_key=True),
    required("submission_id", sa.Text, unique=True),
    required("key", sa.Text),
    required("edition", sa.Text),
    required("kind", sa.Text),
    required("channel", sa.Text),
    required("purpose", sa.Text),
    required("template", sa.Text),
    required("sender", sa.Text),
    required("smarthost", sa.Text),
    required("fallback_language", sa.Text),
    sa.Column("segment", sa.Text),
    required("status", sa.Text),
    required("created_at", Instant),
    required("created_by", sa.Text),
    sa.Column("send_at", Instant),
    sa.Column("start_by", Instant),
    sa.Column("time_zone", sa.Text),
    sa.Column("local_start", sa.Text),
    sa.Column("deadline_at", Instant),
    sa.Column("hold_reason", sa.Text),
    sa.Column("expanded_at", Instant),
    sa.Column("closed_at", Instant),
    one_of("kind", ("newsletter", "magazine")),
    one_of("channel", (*CHANNELS, "both")),
    one_of("status", CAMPAIGN_STATUSES),
    one_of("hold_reason", HOLD_REASONS),
    sa.CheckConstraint("hold_reason IS NULL OR status IN ('paused', 'halted')", name="reason_when_held"),
    sa.CheckConstraint(
        "(closed_at IS NOT NULL) = (status IN ('completed', 'cancelled'))", name="closed_when_ended"
    ),
    sa.CheckConstraint(
        "status NOT IN ('sending', 'completed') OR expanded_at IS NOT NULL", name="sent_when_expanded"
    ),
    info=nobody(
        "what is sent, not to whom",
        "submission_id",
        "key",
        "edition",
        "purpose",
        "template",
        "sender",
        "smarthost",
        "fallback_language",
        "segment",
        "created_by",
        "time_zone",
        "local_start",
    ),
)

campaign_list = sa.Table(
    "campaign_list",
    metadata,
    required("campaign_id", BigId, sa.ForeignKey("campaign.id"), primary_key=True),
    required("list_id", BigId, sa.ForeignKey("mailing_list.id"), primary_key=True),
    required("rank", sa.Integer),
    sa.UniqueConstraint("campaign_id", "rank"),
    info=nobody("which lists a campaign goes to"),
)

campaign_content = sa.Table(
    "campaign_content",
    metadata,
    required("campaign_id", BigId, sa.ForeignKey("campaign.id"), primary_key=True),
    required("language", sa.Text, primary_key=True),
    required("subject", sa.Text),
    required("html", sa.Text),
    required("text", sa.Text),
    required("digest", sa.Text),
    info=nobody(
        "the same text for every receiver, before anything of a person is filled in",
        "language",
        "subject",
        "html",
        "text",
        "digest",
    ),
)

asset = sa.Table(
    "asset",
    metadata,
    required("hash", sa.Text, primary_key=True),
    required("extension", sa.Text),
    required("media_type", sa.Text),
    required("content", sa.LargeBinary),
    required("stored_at", Instant),
    info=nobody("a picture that all see", "hash", "extension", "media_type", "content"),
)

batch = sa.Table(
    "batch",
    metadata,
    required("campaign_id", BigId, sa.ForeignKey("campaign.id"), primary_key=True),
    required("batch_no", sa.Integer, primary_key=True, autoincrement=False),
    required("channel", sa.Text),
    required("first_number", sa.Integer),
    required("last_number", sa.Integer),
    required("fence", sa.Integer, server_default="0"),
    sa.Column("owner", sa.Text),
    sa.Column("lease_until", Instant),
    sa.Column("opened_to", sa.Integer),
    sa.Column("checked_epoch", BigId),
    sa.Column("due_at", Instant),
    sa.Column("closed_at", Instant),
    one_of("channel", CHANNELS),
    sa.CheckConstraint("first_number <= last_number", name="range_is_ordered"),
    sa.CheckConstraint("(owner IS NULL) = (lease_until IS NULL)", name="lease_has_owner"),
    partial_index("ix_batch_open", "campaign_id", "batch_no", where="closed_at IS NULL"),
    info=nobody("a range of the ledger", "owner"),
)

delivery = sa.Table(
    "delivery",
    metadata,
    required("campaign_id", BigId, primary_key=True),
    required("number", sa.Integer, primary_key=True, autoincrement=False),
    required("channel", sa.Text),
    required("contact_id", BigId),
    required("list_id", BigId),
    required("language", sa.Text),
    sa.Column("address_key", sa.LargeBinary),
    required("status", sa.Text),
    sa.Column("reason", sa.Text),
    required("attempt", sa.Integer, server_default="0"),
    required("tries", sa.Integer, server_default="0"),
    sa.Column("due_at", Instant),
    required("expanded_at", Instant),
    sa.Column("handed_over_at", Instant),
    sa.Column("settled_at", Instant),
    one_of("channel", CHANNELS),
    one_of("status", DELIVERY_STATUSES),
    sa.CheckConstraint("(status = 'withheld') = (reason IS NOT NULL)", name="withheld_has_reason"),
    sa.CheckConstraint(
        "(settled_at IS NULL) = (status IN ('pending', 'sending', 'deferred'))", name="settled_when_closed"
    ),
    sa.CheckConstraint("status <> 'accepted' OR handed_over_at IS NOT NULL", name="accepted_was_handed_over"),
    sa.CheckConstraint(
        "status NOT IN ('sending', 'accepted', 'uncertain') OR attempt > 0", name="attempt_was_made"
    ),
    # The contact first: what is asked about one person goes by it too (docs/decisions/0014).
    sa.UniqueConstraint("contact_id", "campaign_id", "channel", name="uq_delivery_contact"),
    sa.UniqueConstraint("campaign_id", "channel", "address_key", name="uq_delivery_address"),
    postgresql_partition_by="RANGE (campaign_id)",
    info=Record(
        kind="delivery",
        subject="contact",
        category="sends",
        purposes=SENDS,
        retention="deliveries",
        reach="contact_id",
        erasure="blank",
        keys=("campaign_id", "number", "contact_id", "list_id"),
        fingerprints=("address_key",),
        traces=(
            "channel",
            "language",
            "status",
            "reason",
            "attempt",
            "tries",
            "due_at",
            "expanded_at",
            "handed_over_at",
            "settled_at",
        ),
    ).info,
)

attempt = sa.Table(
    "attempt",
    metadata,
    required("campaign_id", BigId, primary_key=True),
    required("number", sa.Integer, primary_key=True, autoincrement=False),
    required("attempt", sa.Integer, primary_key=True, autoincrement=False),
    required("outcome", sa.Text),
    required("smarthost", sa.Text),
    required("processor", sa.Text),
    required("ended_at", Instant),
    sa.Column("code", sa.Integer),
    sa.Column("enhanced", sa.Text),
    # Where in the conversation a refusal was said.
    sa.Column("stage", sa.Text),
    personal("reply"),
    postgresql_partition_by="RANGE (campaign_id)",
    info=Record(
        kind="attempt",
        subject="contact",
        category="sends",
        purposes=SENDS,
        retention="deliveries",
        reach="delivery",
        erasure="blank",
        keys=("campaign_id", "number"),
        traces=("attempt", "outcome", "smarthost", "processor", "ended_at", "code", "enhanced", "stage"),
    ).info,
)

print_file = sa.Table(
    "print_file",
    metadata,
    required("campaign_id", BigId, primary_key=True),
    required("name", sa.Text, primary_key=True),
    required("batch_no", sa.Integer),
    required("print_house", sa.Text),
    required("sha256", sa.Text),
    required("rows", sa.Integer),
    required("closed_at", Instant),
    info=nobody("a file that was handed over, not what stands in it", "name", "print_house", "sha256"),
)

print_item = sa.Table(
    "print_item",
    metadata,
    required("campaign_id", BigId, primary_key=True),
    required("number", sa.Integer, primary_key=True, autoincrement=False),
    required("mail_id", sa.Text),
    required("file_name", sa.Text),
    sa.UniqueConstraint("campaign_id", "mail_id"),
    info=Record(
        kind="printed copy",
        subject="contact",
        category="sends",
        purposes=SENDS,
        retention="deliveries",
        reach="delivery",
        erasure="keep",
        why_kept="a code with nobody behind it any more",
        keys=("campaign_id", "number", "mail_id"),
        traces=("file_name",),
    ).info,
)
