"""Cases: what a person has to look at, since no rule may decide it.

Promise: one case per matter, however often it is heard of; opening and closing are audited. Closing a case changes
nothing else: what it withheld is lifted by whoever decides so (`utskick suppressions lift`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.errors import NotFound
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from campaigns.store.upsert import insert_into
from campaigns.tokens import TokenClaims

CaseKind = Literal["stop", "hints", "address"]


@dataclass(frozen=True)
class Matter:
    """What a case is about: its kind, a word that is equal for the same matter, the delivery, the evidence."""

    kind: CaseKind
    about: str
    evidence: str
    claims: TokenClaims | None = None
    contact_id: int | None = None


def open_case(connection: sa.Connection, matter: Matter, principal: Principal) -> int | None:
    """Open a case within the caller's transaction; its number, or None where the matter is known already."""
    demand(principal, Operation.CASE_OPEN)
    table, claims = schema.feedback_case, matter.claims
    opened: int | None = connection.execute(
        insert_into(table, connection)
        .values(
            kind=matter.kind,
            about=matter.about,
            evidence=matter.evidence,
            contact_id=claims.contact if claims else matter.contact_id,
            campaign_id=claims.campaign if claims else None,
            number=claims.number if claims else None,
            opened_at=utc_now(),
        )
        .on_conflict_do_nothing(index_elements=["kind", "about"])
        .returning(table.c.id)
    ).scalar_one_or_none()
    if opened is not None:
        _audit(connection, opened, "open", matter.evidence, principal)
    return opened


def close_case(engine: sa.Engine, case: int, decision: str, principal: Principal) -> None:
    """Close a case with what was decided.

    Raises:
        NotFound: there is no such open case.
        Unreachable: the database is away.
    """
    demand(principal, Operation.CASE_CLOSE)
    table = schema.feedback_case
    with writing(engine) as connection:
        closed = connection.execute(
            sa.update(table)
            .where(table.c.id == case, table.c.closed_at.is_(None))
            .values(closed_at=utc_now(), closed_by=principal.name, decision=decision)
        ).rowcount
        if not closed:
            raise NotFound(f"there is no open case {case}")
        _audit(connection, case, "close", "the decision of a person", principal)


def cases(
    engine: sa.Engine, principal: Principal, *, closed: bool = False, limit: int = 100
) -> list[sa.RowMapping]:
    """The open cases (or the closed ones), oldest first.

    Raises:
        NotAllowed: not to this principal.
    """
    demand(principal, Operation.CASE_SEE)
    table = schema.feedback_case
    wanted = table.c.closed_at.is_not(None) if closed else table.c.closed_at.is_(None)
    with reading(engine) as connection:
        return list(
            connection.execute(sa.select(table).where(wanted).order_by(table.c.id).limit(limit)).mappings()
        )


def _audit(connection: sa.Connection, case: int, action: str, evidence: str, principal: Principal) -> None:
    subjects = [f"case:{case}"]
    audit.write(connection, audit.Entry(principal, f"feedback:case:{action}", subjects, evidence))
