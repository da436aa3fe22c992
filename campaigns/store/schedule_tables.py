"""Recurring schedules: each firing is a campaign of its own, whose identity follows from the instant."""

from __future__ import annotations

import sqlalchemy as sa

from campaigns.store.columns import BigId, Instant, Json, one_of, required
from campaigns.store.data_map import nobody
from campaigns.store.metadata import metadata

RECURRENCE_STATUSES = ("active", "ended", "stopped")

recurrence = sa.Table(
    "recurrence",
    metadata,
    required("id", BigId, primary_key=True),
    required("submission_id", sa.Text, unique=True),
    required("document", Json),
    required("cron", sa.Text),
    required("time_zone", sa.Text),
    required("status", sa.Text),
    required("created_at", Instant),
    required("created_by", sa.Text),
    sa.Column("until", Instant),
    sa.Column("next_at", Instant),
    one_of("status", RECURRENCE_STATUSES),
    sa.CheckConstraint("(next_at IS NOT NULL) = (status = 'active')", name="active_has_next"),
    info=nobody("a schedule", "submission_id", "document", "cron", "time_zone", "created_by"),
)
