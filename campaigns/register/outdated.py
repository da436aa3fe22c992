"""Data that news has shown to be out of date: a dead address, post that came back.

Promise: a flag is about one value of one person, by fingerprint; it is set once per reason, and says nothing of a
corrected value. It is audited like every change of the register.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.store import schema
from campaigns.store.upsert import insert_into

Field = Literal["email", "postal"]
Reason = Literal["hard_bounce", "returned_post"]


@dataclass(frozen=True)
class Outdated:
    """A value of a contact that is out of date, and why."""

    contact_id: int
    field: Field
    value_key: bytes
    reason: Reason
    evidence: str


def flag(connection: sa.Connection, found: Outdated, principal: Principal) -> bool:
    """Flag a value within the caller's transaction; True when it was not flagged for this reason before."""
    return flag_many(connection, [found], principal) == 1


def flag_many(connection: sa.Connection, found: Sequence[Outdated], principal: Principal) -> int:
    """As `flag`, for many in few statements; how many were not flagged before."""
    demand(principal, Operation.DATUM_FLAG)
    if not found:
        return 0
    table, now = schema.datum_flag, utc_now()
    unique = ["contact_id", "field", "value_key", "reason"]
    by_value = {(it.contact_id, it.field, it.value_key, it.reason): it for it in reversed(found)}
    rows = [
        {**asdict(by_value[value]), "flagged_at": now, "flagged_by": principal.name}
        for value in sorted(by_value)
    ]
    recorded = connection.execute(
        insert_into(table, connection)
        .on_conflict_do_nothing(index_elements=unique)
        .returning(*(table.c[name] for name in unique)),
        rows,
    ).all()
    new = [by_value[row.contact_id, row.field, bytes(row.value_key), row.reason] for row in recorded]
    audit.write_many(connection, [_told(it, principal) for it in new])
    return len(new)


def _told(found: Outdated, principal: Principal) -> audit.Entry:
    new = {"field": found.field, "reason": found.reason}
    subjects = [f"contact:{found.contact_id}"]
    return audit.Entry(principal, "contact:datum:flag", subjects, found.evidence, None, new)


def flags_of(connection: sa.Connection, contact_id: int) -> list[sa.RowMapping]:
    """The flags of a contact that are about its present values: field, reason, when."""
    flagged, contact = schema.datum_flag.c, schema.contact.c
    present = sa.case((flagged.field == "email", contact.email_key), else_=contact.postal_key)
    statement = (
        sa.select(flagged.field, flagged.reason, flagged.flagged_at)
        .join_from(schema.datum_flag, schema.contact, contact.id == flagged.contact_id)
        .where(flagged.contact_id == contact_id, flagged.value_key == present)
        .order_by(flagged.id)
    )
    return list(connection.execute(statement).mappings())
