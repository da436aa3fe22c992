"""The sweep: records go when their windows are over, and what went is proven.

Promise: what is due and not held goes, each kind in transactions of its own; a sweep that was cut short is finished by
the next. What went is counted by kind in a row of `retention_sweep` and in one audit entry, by number and never by
content. A dry run counts the same and changes nothing. Fails with `Unreachable` where the database is away; what was
done stays done. One kind that cannot go (a role that may not drop a partition) keeps no other from going: it is told
in the report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

from campaigns.access import Operation, demand
from campaigns.clock import iso, utc_now
from campaigns.errors import RefusedOperation
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.rights import holds, old_contacts, old_ledger
from campaigns.rights.letting_go import STEPS, Due, Statement
from campaigns.rights.windows import Windows
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from campaigns.store.upsert import insert_into


@dataclass
class Report:
    """How many records of each kind went (or would go), which kinds are held, and what could not go."""

    gone: Counter[str] = field(default_factory=Counter)
    held: tuple[str, ...] = ()
    refused: dict[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As it is kept and printed."""
        return {"gone": dict(sorted(self.gone.items())), "held": list(self.held), "refused": self.refused}


@dataclass(frozen=True)
class Sweeper:
    """The register, its keys, and the windows that hold for it."""

    engine: sa.Engine
    ring: KeyRing
    windows: Windows


def sweep(
    sweeper: Sweeper,
    principal: Principal,
    *,
    now: datetime | None = None,
    dry_run: bool = False,
    day: date | None = None,
) -> Report | None:
    """Let go of what is due. With a `day` it is that day's only sweep: None when there was one already.

    Raises:
        Unreachable: the database is away; sweep again.
    """
    demand(principal, Operation.RETENTION_SWEEP)
    engine, due = sweeper.engine, Due(sweeper.windows, now or utc_now())
    number = None if dry_run else _begin(engine, due, principal, day)
    if number is None and not dry_run:
        return None
    with reading(engine) as connection:
        report = Report(held=tuple(sorted(holds.kinds(connection))))
    for kind, statements in STEPS:
        for one in statements(due):
            _told(report, kind, partial(_carried_out, engine, one, dry_run))
    people = (engine, sweeper.ring, due, principal)
    _told(report, "contacts", lambda: old_contacts.let_go(*people, dry_run=dry_run))
    _told(report, "audit", lambda: _redacted(engine, due, principal, dry_run))
    _told(report, "deliveries", lambda: old_ledger.let_go(engine, due, dry_run=dry_run))
    report.gone = +report.gone
    if number is not None:
        _end(engine, number, report, principal)
    return report


def sweeps(connection: sa.Connection, limit: int = 20) -> list[dict[str, Any]]:
    """The last sweeps, the newest first."""
    table = schema.retention_sweep.c
    rows = connection.execute(sa.select(schema.retention_sweep).order_by(table.id.desc()).limit(limit))
    return [
        {
            "id": row["id"],
            "began_at": iso(row["began_at"]),
            "ended_at": iso(row["ended_at"]) if row["ended_at"] else None,
            "swept_by": row["swept_by"],
            **row["report"],
        }
        for row in rows.mappings()
    ]


def _told(report: Report, kind: str, let_go: Callable[[], int]) -> None:
    if kind in report.held:
        return
    try:
        report.gone[kind] += let_go()
    except RefusedOperation as error:
        report.refused[kind] = str(error)
    except ProgrammingError:
        report.refused[kind] = "this database role may not; run `utskick retention sweep` in another"


def _carried_out(engine: sa.Engine, statement: Statement, dry_run: bool) -> int:
    if not dry_run:
        with writing(engine) as connection:
            return connection.execute(statement).rowcount
    counted = sa.select(sa.func.count()).select_from(statement.table)
    if statement.whereclause is not None:
        counted = counted.where(statement.whereclause)
    with reading(engine) as connection:
        return connection.execute(counted).scalar_one()


def _redacted(engine: sa.Engine, due: Due, principal: Principal, dry_run: bool) -> int:
    """Old and new values of the audit log; the entries, which name people by number, stay."""
    before = due.before("audit")
    if not dry_run:
        with writing(engine) as connection:
            return audit.redact_old(connection, before, holds.contacts(), principal)
    value, entry = schema.audit_value.c, schema.audit.c
    counted = (
        sa.select(sa.func.count())
        .join_from(schema.audit_value, schema.audit, entry.id == value.audit_id)
        .where(audit.holding_values(), entry.at < before, value.contact_id.not_in(holds.contacts()))
    )
    with reading(engine) as connection:
        return connection.execute(counted).scalar_one()


def _begin(engine: sa.Engine, due: Due, principal: Principal, day: date | None) -> int | None:
    table = schema.retention_sweep
    with writing(engine) as connection:
        number: int | None = connection.execute(
            insert_into(table, engine)
            .values(
                day=day.isoformat() if day else None,
                began_at=due.now,
                swept_by=principal.name,
                windows={"days": dict(due.windows.days), "fields": dict(due.windows.fields)},
                report={},
            )
            .on_conflict_do_nothing(index_elements=["day"])
            .returning(table.c.id)
        ).scalar_one_or_none()
    return number


def _end(engine: sa.Engine, number: int, report: Report, principal: Principal) -> None:
    table = schema.retention_sweep
    with writing(engine) as connection:
        connection.execute(
            sa.update(table).where(table.c.id == number).values(ended_at=utc_now(), report=report.plain())
        )
        entry = audit.Entry(
            principal, "register:retention:sweep", [f"sweep:{number}"], "", None, report.plain()
        )
        audit.write(connection, entry)
