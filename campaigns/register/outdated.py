"""Data that news has shown to be out of date: a dead address, post that came back.

Promise: a flag is about one value of one person, by fingerprint; it is set once per reason, and says nothing of a
corrected value. It is audited like every change of the register.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    demand(principal, Operation.DATUM_FLAG)
    table = schema.datum_flag
    recorded = connection.execute(
        insert_into(table, connection)
        .values(
            contact_id=found.contact_id,
            field=found.field,
            value_key=found.value_key,
            reason=found.reason,
            evidence=found.evidence,
            flagged_at=utc_now(),
            flagged_by=principal.name,
        )
        .on_conflict_do_nothing(index_elements=["contact_id", "field", "value_key", "reason"])
        .returning(table.c.id)
    ).scalar_one_or_none()
    if recorded is None:
        return False
    new = {"field": found.field, "reason": found.reason}
    subjects = [f"contact:{found.contact_id}"]
    audit.write(connection, audit.Entry(principal, "contact:datum:flag", subjects, found.evidence, None, new))
    return True


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
