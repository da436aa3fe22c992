"""What became of attempts, written in bulk: one statement moves the rows, one notes the attempts.

Promise: a result settles exactly the attempt that it names, also late, and may be written any number of times. The
results of a call travel as one JSON text, so that the cost of a row is that of a line of text and not of a round trip
or of thirteen bound values; both databases read it as a table.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from campaigns.clock import utc_now
from campaigns.delivery.status import OPEN, SETTLED_BY_EVIDENCE
from campaigns.store import schema


class Result(NamedTuple):
    """What became of one attempt: the new status, and what was answered. `reply` may hold an address.

    `at` is the moment of the answer, in seconds since 1970; None stands for the moment of recording.
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


class Carrier(NamedTuple):
    """Through whom attempts go: the smarthost's (or print house's) key and its processor's."""

    smarthost: str
    processor: str


def record_in(connection: sa.Connection, campaign: int, results: Sequence[Result], carrier: Carrier) -> None:
    """Write results and their attempts within the caller's transaction; each settles its own attempt only."""
    if not results:
        return
    statements = _STATEMENTS[connection.dialect.name]
    given = {"results": _as_json(results), "campaign": campaign}
    connection.execute(statements.settle, {**given, "recorded_at": utc_now()})
    if any(result.status != "withheld" for result in results):
        connection.execute(
            statements.note, {**given, "smarthost": carrier.smarthost, "processor": carrier.processor}
        )


def _as_json(results: Sequence[Result]) -> str:
    now = time.time()
    return json.dumps(
        [
            {
                "number": number,
                "attempt": attempt,
                "status": status,
                "reason": reason,
                "due_at": due_at and f"{due_at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}",
                "spent": int(spends_try),
                "code": code,
                "enhanced": enhanced,
                "reply": reply,
                "at": at or now,
            }
            for number, attempt, status, reason, due_at, spends_try, code, enhanced, reply, at in results
        ]
    )


class _Statements(NamedTuple):
    settle: sa.Update
    note: sa.Insert


def _statements(dialect: str) -> _Statements:
    given, at = _given_postgresql() if dialect == "postgresql" else _given_sqlite()
    row, attempt = schema.delivery, schema.attempt
    recorded_at = sa.bindparam("recorded_at", type_=row.c.settled_at.type)
    handed_over = sa.case((given.status.in_(("accepted", "rejected", "uncertain")), at))
    settle = (
        sa.update(row)
        .where(
            row.c.campaign_id == sa.bindparam("campaign"),
            row.c.number == given.number,
            row.c.attempt == given.attempt,
            sa.or_(*(row.c.status == status for status in SETTLED_BY_EVIDENCE)),
        )
        .values(
            status=given.status,
            reason=given.reason,
            due_at=given.due_at,
            tries=row.c.tries + given.spent,
            handed_over_at=sa.func.coalesce(row.c.handed_over_at, handed_over),
            settled_at=sa.case((given.status.not_in(OPEN), recorded_at)),
        )
    )
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    chosen = sa.select(
        sa.bindparam("campaign", type_=sa.BigInteger),
        given.number,
        given.attempt,
        given.status,
        sa.bindparam("smarthost", type_=sa.Text),
        sa.bindparam("processor", type_=sa.Text),
        at,
        given.code,
        given.enhanced,
        given.reply,
    ).where(given.status != "withheld")
    columns = ("campaign_id", "number", "attempt", "outcome", "smarthost", "processor", "ended_at")
    note = (
        insert(attempt).from_select([*columns, "code", "enhanced", "reply"], chosen).on_conflict_do_nothing()
    )
    return _Statements(settle, note)


_COLUMNS: Final[dict[str, Any]] = {
    "number": sa.Integer,
    "attempt": sa.Integer,
    "status": sa.Text,
    "reason": sa.Text,
    "due_at": sa.DateTime(timezone=True),
    "spent": sa.Integer,
    "code": sa.Integer,
    "enhanced": sa.Text,
    "reply": sa.Text,
    "at": sa.Double,
}
_RESULTS: Final = sa.bindparam("results", type_=sa.Text)


def _given_postgresql() -> tuple[Any, sa.ColumnElement[Any]]:
    columns = [sa.column(name, kind) for name, kind in _COLUMNS.items()]
    text = sa.cast(_RESULTS, postgresql.JSON)
    given = (
        sa.func.json_to_recordset(text).table_valued(*columns).render_derived(name="given", with_types=True).c
    )
    return given, sa.func.to_timestamp(given.at)


def _given_sqlite() -> tuple[Any, sa.ColumnElement[Any]]:
    each = sa.func.json_each(_RESULTS).table_valued(sa.column("value", sa.Text)).c.value
    given = sa.select(
        *(sa.func.json_extract(each, f"$.{name}", type_=kind).label(name) for name, kind in _COLUMNS.items())
    )
    columns = given.subquery("given").c
    # As SQLAlchemy writes instants on SQLite: six digits after the point.
    at = sa.func.strftime("%Y-%m-%d %H:%M:%f", columns.at, "unixepoch").concat("000")
    return columns, at


_STATEMENTS: Final = {dialect: _statements(dialect) for dialect in ("postgresql", "sqlite")}
