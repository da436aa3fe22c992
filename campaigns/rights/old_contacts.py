"""People whose time in the register is over: on no list, and nothing new of them for as long as the window says.

Promise: only whole persons go, with everything on them (`campaigns.rights.erasure`), a transaction each; whoever is on
a list or waits to be, has an open request, was written to or had something recorded within the window, or is under a
hold, stays. Fails with `Unreachable` where the database is away; who is gone stays gone, the next sweep goes on.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from campaigns.errors import RefusedOperation
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.rights import erasure, holds
from campaigns.rights.letting_go import Due
from campaigns.store import remnants, schema
from campaigns.store.engine import reading

#: So many people go in one sweep at most; more go in the next.
AT_MOST: Final = 5_000


def let_go(engine: sa.Engine, ring: KeyRing, due: Due, principal: Principal, *, dry_run: bool) -> int:
    """How many people went, or would go.

    Raises:
        RefusedOperation: those that are left are under a hold of another kind.
        Unreachable: the database is away.
    """
    with reading(engine) as connection:
        found: list[int] = list(connection.execute(_due_people(due).limit(AT_MOST)).scalars())
    if dry_run or not found:
        return len(found)
    refused: list[RefusedOperation] = []
    for contact in found:
        try:
            erasure.let_go(engine, ring, contact, principal)
        except RefusedOperation as error:
            refused.append(error)
    remnants.clear(engine)
    if len(refused) == len(found):
        raise refused[0]
    return len(found) - len(refused)


def _due_people(due: Due) -> sa.Select[Any]:
    contact, limit = schema.contact, due.before("contacts")
    merged = contact.alias()

    def has(column: sa.Column[int], sign: sa.ColumnElement[bool]) -> list[sa.ColumnElement[bool]]:
        # Two questions, not one with an "or" in it: for that PostgreSQL would read the whole table for each person.
        return [
            sa.exists().where(column == contact.c.id, sign),
            sa.exists().where(merged.c.merged_into == contact.c.id, column == merged.c.id, sign),
        ]

    on_list, event = schema.subscription.c, schema.event.c
    request, delivery = schema.rights_request.c, schema.delivery.c
    wanted = sa.or_(on_list.status.in_(("subscribed", "pending")), on_list.since >= limit)
    signs = (
        *has(on_list.contact_id, wanted),
        *has(event.contact_id, event.recorded_at >= limit),
        *has(request.contact_id, request.closed_at.is_(None)),
        *has(delivery.contact_id, delivery.expanded_at >= limit),
        sa.exists().where(merged.c.merged_into == contact.c.id, merged.c.updated_at >= limit),
    )
    return (
        sa.select(contact.c.id)
        .where(
            contact.c.erased_at.is_(None),
            contact.c.merged_into.is_(None),
            contact.c.updated_at < limit,
            contact.c.id.not_in(holds.contacts()),
            *(~sign for sign in signs),
        )
        .order_by(contact.c.id)
    )
