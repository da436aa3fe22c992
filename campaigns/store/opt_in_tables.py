"""What people asked for and have yet to confirm from their mailbox: a list, marketing again, another address."""

from __future__ import annotations

import sqlalchemy as sa

from campaigns.store.columns import BigId, Instant, one_of, partial_index, personal, required
from campaigns.store.data_map import WISHES, Record
from campaigns.store.metadata import metadata

OPT_IN_KINDS = ("join", "restore", "move")
OPT_IN_STATUSES = ("waiting", "sending", "sent", "uncertain", "withheld", "failed")

# The unique key is the limit: one mail a day to a mailbox, whoever asks and however often.
opt_in = sa.Table(
    "opt_in",
    metadata,
    required("id", BigId, primary_key=True),
    required("kind", sa.Text),
    sa.Column("list_id", BigId),
    sa.Column("contact_id", BigId),
    personal("email"),
    required("address_key", sa.LargeBinary),
    required("key_id", sa.SmallInteger),
    required("language", sa.Text),
    # The words that the person agreed to, as they stood on the page.
    required("agreed_to", sa.Text),
    sa.Column("source_key", sa.LargeBinary),
    required("day", sa.Text),
    required("requested_at", Instant),
    required("status", sa.Text),
    required("due_at", Instant),
    sa.Column("begun_at", Instant),
    sa.Column("confirmed_at", Instant),
    one_of("kind", OPT_IN_KINDS),
    one_of("status", OPT_IN_STATUSES),
    sa.UniqueConstraint("address_key", "kind", "day"),
    sa.CheckConstraint("(kind = 'join') = (list_id IS NOT NULL)", name="a_list_is_joined"),
    sa.CheckConstraint("(kind = 'join') = (contact_id IS NULL)", name="else_somebody_known_asks"),
    sa.Index("ix_opt_in_status", "status", "due_at"),
    sa.Index("ix_opt_in_requested", "requested_at"),
    partial_index("ix_opt_in_contact", "contact_id", where="contact_id IS NOT NULL"),
    partial_index("ix_opt_in_unconfirmed", "requested_at", where="confirmed_at IS NULL"),
    info=Record(
        kind="opt_in",
        subject="contact",
        category="wishes",
        purposes=WISHES,
        retention="requests",
        reach="fingerprint",
        erasure="delete",
        keys=("id", "list_id", "contact_id", "key_id"),
        fingerprints=("address_key",),
        traces=(
            "kind",
            "language",
            "agreed_to",
            "source_key",
            "day",
            "requested_at",
            "status",
            "due_at",
            "begun_at",
            "confirmed_at",
        ),
    ).info,
)
