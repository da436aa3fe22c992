"""What allows writing to a person: the basis per contact and purpose, with its evidence.

Promise: a basis comes from an intake or from the person, and ends by the person's withdrawal; an ended one is begun
again by nothing but the person's own fresh consent (`consent`), whatever is imported. Whoever calls these functions
raises the epoch in the same transaction, since the gate's predicate reads what they write.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.principal import Principal
from campaigns.store import bulk, schema


@dataclass(frozen=True)
class Basis:
    """One basis for one purpose; its evidence is that of the intake, unless it says more."""

    purpose: str
    basis: str
    intake_id: int | None
    evidence: str = ""
    text_version: str | None = None


def having(connection: sa.Connection, contacts: Collection[int], basis: Basis) -> set[int]:
    """Those of the contacts that have, or once had, this basis for this purpose."""
    table = schema.contact_basis
    statement = sa.select(table.c.contact_id).where(
        table.c.purpose == basis.purpose, table.c.basis == basis.basis
    )
    return {row.contact_id for row in bulk.matching(connection, statement, table.c.contact_id, contacts)}


def grant_many(connection: sa.Connection, contacts: Collection[int], basis: Basis) -> None:
    """Give a basis to contacts that never had it."""
    if contacts:
        shared = {
            "purpose": basis.purpose,
            "basis": basis.basis,
            "intake_id": basis.intake_id,
            "evidence": basis.evidence,
            "text_version": basis.text_version,
            "since": utc_now(),
        }
        bulk.insert(schema.contact_basis, connection, ("contact_id",), [(it,) for it in contacts], shared)


def consent(connection: sa.Connection, contact_id: int, given: Basis) -> None:
    """Record the person's own fresh consent; one that was withdrawn before begins anew."""
    table = schema.contact_basis
    mine = (table.c.contact_id == contact_id, table.c.purpose == given.purpose, table.c.basis == given.basis)
    if not having(connection, [contact_id], given):
        grant_many(connection, [contact_id], given)
        return
    connection.execute(
        sa.update(table)
        .where(*mine)
        .values(
            intake_id=given.intake_id,
            evidence=given.evidence,
            text_version=given.text_version,
            since=utc_now(),
            ended_at=None,
            ended_by=None,
        )
    )


def allows(connection: sa.Connection, contact_id: int, purpose: str) -> bool:
    """Whether anything allows writing to the contact for this purpose."""
    table = schema.contact_basis.c
    found = sa.select(table.basis).where(
        table.contact_id == contact_id, table.purpose == purpose, table.ended_at.is_(None)
    )
    return connection.execute(found.limit(1)).one_or_none() is not None


def follow(connection: sa.Connection, kept: int, other: int, principal: Principal) -> list[list[str]]:
    """Give a contact the bases of another one that is the same person; one that either has withdrawn has ended.

    Returns purpose and basis of those that began.
    """
    table = schema.contact_basis
    rows = connection.execute(sa.select(table).where(table.c.contact_id.in_((kept, other)))).mappings().all()
    had = {(row["purpose"], row["basis"]): row for row in rows if row["contact_id"] == kept}
    begun = []
    for row in rows:
        own = had.get((row["purpose"], row["basis"]))
        if row["contact_id"] == kept:
            continue
        if own is None:
            connection.execute(sa.insert(table).values({**row, "contact_id": kept}))
            begun.append([row["purpose"], row["basis"]])
        elif own["ended_at"] is None and row["ended_at"] is not None:
            connection.execute(
                sa.update(table)
                .where(
                    table.c.contact_id == kept,
                    table.c.purpose == row["purpose"],
                    table.c.basis == row["basis"],
                )
                .values(ended_at=row["ended_at"], ended_by=principal.name)
            )
    return begun


def end_of_duty(connection: sa.Connection, contact_id: int) -> list[str]:
    """Take the bases away that rest on the duties at a company that the contact has left, so that the next company's
    need their own; the purposes concerned. One that the person has withdrawn stays withdrawn."""
    table = schema.contact_basis
    gone = connection.execute(
        sa.delete(table)
        .where(table.c.contact_id == contact_id, table.c.basis == "b2b_role", table.c.ended_at.is_(None))
        .returning(table.c.purpose)
    )
    return sorted(gone.scalars())


def forget(connection: sa.Connection, contact_id: int, begun: Collection[Collection[str]]) -> None:
    """Take bases away that were another person's; those that were withdrawn meanwhile stay withdrawn."""
    table = schema.contact_basis
    for purpose, basis in begun:
        connection.execute(
            sa.delete(table).where(
                table.c.contact_id == contact_id,
                table.c.purpose == purpose,
                table.c.basis == basis,
                table.c.ended_at.is_(None),
            )
        )


def withdrawn(connection: sa.Connection, contact_id: int, to: int) -> None:
    """Let what a contact has withdrawn be withdrawn for another one as well, that is split off it."""
    table = schema.contact_basis
    ended = sa.select(table).where(table.c.contact_id == contact_id, table.c.ended_at.is_not(None))
    rows = [{**row, "contact_id": to} for row in connection.execute(ended).mappings()]
    if rows:
        connection.execute(sa.insert(table), rows)
