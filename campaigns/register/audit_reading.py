"""Look things up in the audit log. What is shown of people's values is told by an entry of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from campaigns.access import Operation, demand
from campaigns.clock import iso
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.store import schema


@dataclass(frozen=True)
class Wanted:
    """Which entries: by whom, with a tag that begins so, about a subject ("contact:17"), from and until when."""

    principal: str | None = None
    tag: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100


def entries(connection: sa.Connection, wanted: Wanted, principal: Principal) -> list[dict[str, Any]]:
    """The newest entries first, without values.

    Raises:
        NotAllowed: not to this principal.
    """
    demand(principal, Operation.AUDIT_SEE)
    table = schema.audit.c
    statement = sa.select(schema.audit).order_by(table.id.desc()).limit(wanted.limit)
    if wanted.principal:
        statement = statement.where(table.principal == wanted.principal)
    if wanted.tag:
        statement = statement.where(table.tag.startswith(wanted.tag, autoescape=True))
    if wanted.subject:
        statement = statement.where(_names(connection, wanted.subject))
    if wanted.since:
        statement = statement.where(table.at >= wanted.since)
    if wanted.until:
        statement = statement.where(table.at < wanted.until)
    found = connection.execute(statement).all()
    beside = _evidence_beside(connection, [row.id for row in found if not row.evidence])
    return [
        {
            "id": row.id,
            "at": iso(row.at),
            "principal": row.principal,
            "tag": row.tag,
            "subjects": row.subjects,
            "evidence": row.evidence or beside.get(row.id, ""),
            "place": row.seal_position,
        }
        for row in found
    ]


def _evidence_beside(connection: sa.Connection, numbers: Collection[int]) -> dict[int, str]:
    """What somebody wrote as evidence, where it has not been redacted."""
    table = schema.audit_value.c
    rows = connection.execute(sa.select(table.audit_id, table.new).where(table.audit_id.in_(numbers)))
    words = ((row.audit_id, row.new[audit.EVIDENCE]) for row in rows if _says_why(row.new))
    return dict(words)


def _says_why(values: object) -> bool:
    return isinstance(values, dict) and audit.EVIDENCE in values


def with_values(
    connection: sa.Connection, found: Iterable[dict[str, Any]], principal: Principal
) -> list[dict[str, Any]]:
    """The same entries with old and new values by person; that they were shown is told in the log."""
    demand(principal, Operation.AUDIT_SEE)
    table, shown = schema.audit_value.c, [{**entry, "values": []} for entry in found]
    by_id = {entry["id"]: entry for entry in shown}
    people: set[int] = set()
    for row in connection.execute(
        sa.select(schema.audit_value).where(table.audit_id.in_(by_id)).order_by(table.contact_id)
    ):
        new = row.new
        if _says_why(new):
            new = {name: it for name, it in new.items() if name != audit.EVIDENCE} or None
        value = {"old": row.old, "new": new, "redacted": row.redacted_at is not None}
        by_id[row.audit_id]["values"].append({"contact": row.contact_id or None, **value})
        people |= {row.contact_id} - {audit.NOBODY}
    if people:
        audit.read(connection, "audit", [f"contact:{number}" for number in sorted(people)], principal)
    return shown


def _names(connection: sa.Connection, subject: str) -> sa.ColumnElement[bool]:
    subjects = schema.audit.c.subjects
    if connection.dialect.name == "postgresql":
        return sa.cast(subjects, postgresql.JSONB).contains([subject])
    listed = sa.func.json_each(subjects).table_valued("value")
    return sa.exists(sa.select(1).select_from(listed).where(listed.c.value == subject))
