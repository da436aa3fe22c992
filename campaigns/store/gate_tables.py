"""The register as a whole: its row, the marks of its keys, and the gate that every sender asks."""

from __future__ import annotations

import sqlalchemy as sa

from campaigns.store.columns import BigId, Instant, one_of, required
from campaigns.store.data_map import nobody
from campaigns.store.metadata import metadata

register = sa.Table(
    "register",
    metadata,
    required(
        "id",
        sa.SmallInteger,
        sa.CheckConstraint("id = 1", name="single"),
        primary_key=True,
        autoincrement=False,
    ),
    required("incarnation", sa.Text),
    required("created_at", Instant),
    info=nobody("the register itself", "incarnation"),
)

register_key = sa.Table(
    "register_key",
    metadata,
    required("purpose", sa.Text, primary_key=True),
    required("key_id", sa.SmallInteger, primary_key=True, autoincrement=False),
    required("check_value", sa.Text),
    required("created_at", Instant),
    one_of("purpose", ("fingerprint", "token")),
    info=nobody("marks of keys", "check_value"),
)

gate = sa.Table(
    "gate",
    metadata,
    required(
        "id",
        sa.SmallInteger,
        sa.CheckConstraint("id = 1", name="single"),
        primary_key=True,
        autoincrement=False,
    ),
    required("incarnation", sa.Text),
    required("epoch", BigId),
    required("halted", sa.Boolean),
    required("restored", sa.Boolean, server_default=sa.false()),
    sa.Column("halted_reason", sa.Text),
    required("permit_ms", sa.Integer),
    required("answer_ms", sa.Integer),
    sa.CheckConstraint("permit_ms * 2 <= answer_ms", name="answer_outlasts_permit"),
    sa.CheckConstraint("permit_ms > 0", name="permit_is_positive"),
    sa.CheckConstraint("halted OR NOT restored", name="restored_is_halted"),
    info=nobody("one row of the gate", "incarnation", "halted_reason"),
)

#: Which transactions have yet to raise the epoch at their COMMIT (PostgreSQL; see `campaigns.store.gate_triggers`).
gate_raise = sa.Table(
    "gate_raise", metadata, required("id", BigId, primary_key=True), info=nobody("numbers of transactions")
)

claim_count = sa.Table(
    "claim_count",
    metadata,
    required("line", sa.SmallInteger, primary_key=True, autoincrement=False),
    required("claims", BigId),
    info=nobody("a count"),
)
