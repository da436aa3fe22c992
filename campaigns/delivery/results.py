"""What became of attempts, written in bulk: one statement moves the rows, one notes the attempts.

Promise: a result settles exactly the attempt that it names, also late, and may be written any number of times. A row
that was taken for uncertain meanwhile is settled by an answer alone; that it was put off or withheld only proves that
it was not taken, and may not open it again here (`ledger.give_back_in` may). To
PostgreSQL the results of a call travel as one JSON text that it reads as a table, so that a row costs a line of text
and neither a round trip nor a dozen bound values; SQLite, which is in the process, takes them row by row.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from campaigns.clock import utc_now
from campaigns.delivery.status import OPEN
from campaigns.store import schema


class Result(NamedTuple):
    """What became of one attempt: the new status, and what was answered. `reply` may hold an address.

    `at` is the moment of the answer, in seconds since 1970; None stands for the moment of recording. `stage` is where
    in the conversation a refusal was said.
    """

    number: int
    attempt: int
    status: str
    reason: str | None = None
    due_at: datetime | None = None
    spends_try: bool = False
    code: int | None = None
    enhanced: str | None = None
    reply: str | None = None
    at: float | None = None
    stage: str | None = None


class Carrier(NamedTuple):
    """Through whom attempts go: the smarthost's (or print house's) key and its processor's."""

    smarthost: str
    processor: str


def record_in(connection: sa.Connection, campaign: int, results: Sequence[Result], carrier: Carrier) -> bool:
    """Write results and their attempts within the caller's transaction; each settles its own attempt only.

    Returns whether every result settled its row.
    """
    if not results:
        return True
    if connection.dialect.name == "postgresql":
        return _record_as_json(connection, campaign, results, carrier) == len(results)
    return _record_by_row(connection, campaign, results, carrier) == len(results)


def _record_as_json(
    connection: sa.Connection, campaign: int, results: Sequence[Result], carrier: Carrier
) -> int:
    numbers = [result.number for result in results]
    settled: int = connection.execute(
        _SETTLE_AND_NOTE,
        {
            "results": _as_json(results),
            "campaign": campaign,
            "lowest": min(numbers),
            "highest": max(numbers),
            "recorded_at": utc_now(),
            "smarthost": carrier.smarthost,
            "processor": carrier.processor,
        },
    ).scalar_one()
    return settled


def _record_by_row(
    connection: sa.Connection, campaign: int, results: Sequence[Result], carrier: Carrier
) -> int:
    now = time.time()
    settled_at = _as_text(now)
    settled = connection.exec_driver_sql(
        _SETTLE_ROW,
        [
            (
                *(result.status, result.reason),
                None if result.due_at is None else _as_text(result.due_at.timestamp()),
                int(result.spends_try),
                _as_text(result.at or now) if result.status in _HANDED_OVER else None,
                None if result.status in OPEN else settled_at,
                *(campaign, result.number, result.attempt),
                result.status,
            )
            for result in results
        ],
    ).rowcount
    attempts = [
        (
            *(campaign, result.number, result.attempt, result.status, carrier.smarthost, carrier.processor),
            *(_as_text(result.at or now), result.code, result.enhanced, result.reply, result.stage),
        )
        for result in results
        if result.status != "withheld"
    ]
    if attempts:
        connection.exec_driver_sql(_NOTE_ROW, attempts)
    return settled


def _as_text(moment: float) -> str:
    """An instant as SQLAlchemy writes it on SQLite."""
    return datetime.fromtimestamp(moment, UTC).isoformat(" ", "microseconds").removesuffix("+00:00")


def _as_json(results: Sequence[Result]) -> str:
    """One object per result, by the names of its fields; what it does not have is left out, and read back as NULL."""
    return json.dumps(
        [
            {name: value for name, value in zip(Result._fields, result, strict=True) if value is not None}
            for result in results
        ],
        default=datetime.isoformat,
    )


_HANDED_OVER: Final = ("accepted", "rejected", "uncertain")
_ANSWERS: Final = ", ".join(f"'{status}'" for status in _HANDED_OVER)
_SETTLE_ROW: Final = f"""
UPDATE delivery SET status = ?, reason = ?, due_at = ?, tries = tries + ?,
    handed_over_at = coalesce(handed_over_at, ?), settled_at = ?
WHERE campaign_id = ? AND number = ? AND attempt = ?
    AND (status = 'sending' OR (status = 'uncertain' AND ? IN ({_ANSWERS})))
"""  # noqa: S608 (our own words)
_NOTE_ROW: Final = """
INSERT OR IGNORE INTO attempt
    (campaign_id, number, attempt, outcome, smarthost, processor, ended_at, code, enhanced, reply, stage)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_given: Final = (
    sa.select(
        sa.func.json_to_recordset(sa.cast(sa.bindparam("results", type_=sa.Text), postgresql.JSON))
        .table_valued(
            sa.column("number", sa.Integer),
            sa.column("attempt", sa.Integer),
            sa.column("status", sa.Text),
            sa.column("reason", sa.Text),
            sa.column("due_at", sa.DateTime(timezone=True)),
            sa.column("spends_try", sa.Boolean),
            sa.column("code", sa.Integer),
            sa.column("enhanced", sa.Text),
            sa.column("reply", sa.Text),
            sa.column("at", sa.Double),
            sa.column("stage", sa.Text),
        )
        .render_derived(name="item", with_types=True)
    )
    .cte("given")
    .c
)
_row: Final = schema.delivery.c
# As words of the statement: bound ones would be laid out anew for each call.
_answered: Final = _given.status.in_([sa.literal_column(f"'{status}'") for status in _HANDED_OVER])
_waits_again: Final = _given.status.in_([sa.literal_column(f"'{status}'") for status in sorted(OPEN)])
_recorded_at: Final = sa.bindparam("recorded_at", type_=_row.settled_at.type)
_at: Final = sa.func.coalesce(sa.func.to_timestamp(_given.at), _recorded_at)
# The span is said as well as the numbers: without it the planner, which knows nothing of the JSON text, reads the
# whole campaign for each handful of results.
_settled: Final = (
    sa.update(schema.delivery)
    .where(
        _row.campaign_id == sa.bindparam("campaign"),
        _row.number.between(sa.bindparam("lowest"), sa.bindparam("highest")),
        _row.number == _given.number,
        _row.attempt == _given.attempt,
        sa.or_(
            _row.status == "sending",
            sa.and_(_row.status == "uncertain", _answered),
        ),
    )
    .values(
        status=_given.status,
        reason=_given.reason,
        due_at=_given.due_at,
        tries=_row.tries + sa.cast(_given.spends_try, sa.Integer),
        handed_over_at=sa.func.coalesce(_row.handed_over_at, sa.case((_answered, _at))),
        settled_at=sa.case((~_waits_again, _recorded_at)),
    )
    .returning(_row.number)
    .cte("settled")
)
_attempted: Final[sa.Select[Any]] = sa.select(
    sa.bindparam("campaign", type_=sa.BigInteger),
    *(_given.number, _given.attempt, _given.status),
    sa.bindparam("smarthost", type_=sa.Text),
    sa.bindparam("processor", type_=sa.Text),
    *(_at, _given.code, _given.enhanced, _given.reply, _given.stage),
).where(_given.status != "withheld")
_noted: Final = (
    postgresql.insert(schema.attempt)
    .from_select(
        [
            *("campaign_id", "number", "attempt", "outcome", "smarthost", "processor"),
            *("ended_at", "code", "enhanced", "reply", "stage"),
        ],
        _attempted,
    )
    .on_conflict_do_nothing()
    .cte("noted")
)
_SETTLE_AND_NOTE: Final = sa.select(sa.func.count()).select_from(_settled).add_cte(_noted)
