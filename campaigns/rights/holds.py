"""Legal holds: what must not go yet, although its time is over, because a law or a claim demands it.

Promise: while a hold stands, no sweep touches what it holds: everything on one contact, everything of one campaign, or
all records of one kind. Placing and lifting are attributed and audited. Fails with `InputError` for a hold that says
not what it holds or why, with `NotFound` where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.errors import InputError, NotFound
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.store import schema


@dataclass(frozen=True)
class Held:
    """What a hold is about: one of the three."""

    contact: int | None = None
    campaign: int | None = None
    kind: str | None = None

    @property
    def subject(self) -> str:
        """Which of them.

        Raises:
            InputError: none, or several.
        """
        given = {"contact": self.contact, "campaign": self.campaign, "kind": self.kind}
        named = [name for name, value in given.items() if value is not None]
        if len(named) != 1:
            raise InputError("a hold is about a contact, a campaign or a kind of record: one of them")
        return named[0]


def place(connection: sa.Connection, held: Held, reason: str, principal: Principal) -> int:
    """Place a hold within the caller's transaction; its number.

    Raises:
        InputError: it does not say what it holds, or why.
    """
    demand(principal, Operation.HOLD_CHANGE)
    if not reason.strip():
        raise InputError("a hold says why: name the law, the claim or the authority")
    table = schema.legal_hold
    hold: int = connection.execute(
        sa.insert(table)
        .values(
            subject=held.subject,
            contact_id=held.contact,
            campaign_id=held.campaign,
            kind=held.kind,
            reason=reason.strip(),
            placed_at=utc_now(),
            placed_by=principal.name,
        )
        .returning(table.c.id)
    ).scalar_one()
    concerned = f"{held.subject}:{held.contact or held.campaign or held.kind}"
    audit.write(connection, audit.Entry(principal, "register:hold:place", [f"hold:{hold}", concerned], ""))
    return hold


def lift(connection: sa.Connection, hold: int, principal: Principal) -> None:
    """Lift a hold within the caller's transaction: the next sweep lets go of what it held.

    Raises:
        NotFound: no such hold stands.
    """
    demand(principal, Operation.HOLD_CHANGE)
    table = schema.legal_hold
    lifted = connection.execute(
        sa.update(table)
        .where(table.c.id == hold, table.c.lifted_at.is_(None))
        .values(lifted_at=utc_now(), lifted_by=principal.name)
    ).rowcount
    if not lifted:
        raise NotFound(f"no hold {hold} stands; `utskick retention hold list` shows those that do")
    audit.write(connection, audit.Entry(principal, "register:hold:lift", [f"hold:{hold}"], ""))


def standing(connection: sa.Connection) -> list[dict[str, Any]]:
    """The holds that stand, the oldest first."""
    table = schema.legal_hold
    rows = connection.execute(sa.select(table).where(table.c.lifted_at.is_(None)).order_by(table.c.id))
    names = ("id", "subject", "contact_id", "campaign_id", "kind", "reason", "placed_at", "placed_by")
    return [{name: row[name] for name in names} for row in rows.mappings()]


def contacts() -> sa.Select[Any]:
    """The contacts that are held, for a condition."""
    table = schema.legal_hold.c
    return sa.select(table.contact_id).where(table.subject == "contact", table.lifted_at.is_(None))


def campaigns() -> sa.Select[Any]:
    """The campaigns that are held, for a condition."""
    table = schema.legal_hold.c
    return sa.select(table.campaign_id).where(table.subject == "campaign", table.lifted_at.is_(None))


def kinds(connection: sa.Connection) -> frozenset[str]:
    """The kinds of record that are held."""
    table = schema.legal_hold.c
    found = sa.select(table.kind).where(table.subject == "kind", table.lifted_at.is_(None))
    return frozenset(connection.execute(found).scalars())
