"""What is kept when records go: figures of campaigns, the sweeps that were made, and what must not go yet."""

from __future__ import annotations

import sqlalchemy as sa

from campaigns.store.columns import BigId, Instant, Json, one_of, personal, required
from campaigns.store.data_map import PROOF, Record, nobody
from campaigns.store.metadata import metadata

HELD = ("contact", "campaign", "kind")

# Statuses, reasons and times of a campaign as its rows were when they went: the accounts still add up.
campaign_figures = sa.Table(
    "campaign_figures",
    metadata,
    required("campaign_id", BigId, sa.ForeignKey("campaign.id"), primary_key=True, autoincrement=False),
    required("figures", Json),
    required("kept_at", Instant),
    info=nobody("counts of a campaign whose rows are gone", "figures"),
)

# `day` is the one that the scheduler's daily sweep stands for: there is one of it, however many lead.
retention_sweep = sa.Table(
    "retention_sweep",
    metadata,
    required("id", BigId, primary_key=True),
    sa.Column("day", sa.Text, unique=True),
    required("began_at", Instant),
    sa.Column("ended_at", Instant),
    required("swept_by", sa.Text),
    required("windows", Json),
    required("report", Json),
    info=nobody("how many records of each kind went", "day", "swept_by", "windows", "report"),
)

legal_hold = sa.Table(
    "legal_hold",
    metadata,
    required("id", BigId, primary_key=True),
    required("subject", sa.Text),
    sa.Column("contact_id", BigId),
    sa.Column("campaign_id", BigId),
    sa.Column("kind", sa.Text),
    personal("reason"),
    required("placed_at", Instant),
    required("placed_by", sa.Text),
    sa.Column("lifted_at", Instant),
    sa.Column("lifted_by", sa.Text),
    one_of("subject", HELD),
    sa.CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name="lifting_is_attributed"),
    sa.CheckConstraint(
        "(contact_id IS NOT NULL) = (subject = 'contact') AND (campaign_id IS NOT NULL) = (subject = 'campaign') "
        "AND (kind IS NOT NULL) = (subject = 'kind')",
        name="one_subject",
    ),
    info=Record(
        kind="legal hold",
        subject="contact",
        category="requests",
        purposes=PROOF,
        retention="requests",
        reach="contact_id",
        erasure="blank",  # once it has been lifted: until then nothing on the person is erased
        keys=("id", "contact_id", "campaign_id"),
        traces=("subject", "kind", "placed_at", "lifted_at"),
        actors=("placed_by", "lifted_by"),
    ).info,
)
