"""Who is one person: contacts that were merged, each with its own rows, under the one that was kept.

Promise: whatever one of them is asked about, the whole person can be found, through any number of merges; a contact
that was never merged is a person by itself. Whoever changes who is one person has its turn alone (`alone`), and whoever
records what such a person said shares it (`as_they_are`), so that of the two the later one sees the earlier.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from campaigns.store import bulk, schema
from campaigns.store.locks import share_turn, take_turn

_TURN: Final = "who is one person"
#: Whose turn it is to work out the recipients of a campaign; whoever does shares it.
EXPANSION_TURN: Final = "recipients are worked out"
_SHARED: Final = "utskick_persons_shared"
#: Whose turn it is to take contacts in (`campaigns.register.intake`).
INTAKE_TURN: Final = 0x75747369


@dataclass(frozen=True)
class Member:
    """One contact of a person (`root` is the one that was kept), with the fingerprints of its addresses and the id of
    the key they were made with; once more for each further address that it has."""

    contact: int
    root: int
    key_id: int
    email_key: bytes | None
    postal_key: bytes | None


def alone(connection: sa.Connection) -> None:
    """Be the only transaction that changes who is one person; also no import is under way meanwhile."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(INTAKE_TURN)))
    take_turn(connection, _TURN)


def as_they_are(connection: sa.Connection) -> None:
    """Let nobody change who is one person until this transaction ends."""
    if not connection.get_execution_options().get(_SHARED):
        share_turn(connection, _TURN)
        connection.execution_options(**{_SHARED: True})


def members(connection: sa.Connection, contact_id: int) -> list[Member]:
    """All contacts of a person, the kept one first; none where the contact does not exist."""
    contact = schema.contact
    start = sa.select(contact.c.id, contact.c.merged_into).where(contact.c.id == contact_id)
    return _members(connection, start)


def of_keys(connection: sa.Connection, keys: Collection[bytes]) -> list[Member]:
    """All contacts of the persons who have an address with one of these fingerprints."""
    contact, further, wanted = schema.contact, schema.contact_address, list(keys)
    found = sa.select(contact.c.id, contact.c.merged_into)
    # Three looks into three indexes: asked for one or the other, PostgreSQL reads the whole register.
    start = sa.union(
        found.where(contact.c.email_key.in_(wanted)),
        found.where(contact.c.postal_key.in_(wanted)),
        found.join(further, further.c.contact_id == contact.c.id).where(further.c.email_key.in_(wanted)),
    ).subquery("known")
    return _members(connection, sa.select(start.c.id, start.c.merged_into))


def roots(connection: sa.Connection, contact_ids: Collection[int]) -> dict[int, int]:
    """The kept contact of each of these, where that is another one."""
    table = schema.contact
    statement = sa.select(table.c.id, table.c.merged_into).where(table.c.merged_into.is_not(None))
    rows = bulk.matching(connection, statement, table.c.id, contact_ids)
    above: dict[int, int] = {row.id: row.merged_into for row in rows}
    if not above:
        return {}
    higher = roots(connection, set(above.values()))
    return {contact: higher.get(parent, parent) for contact, parent in above.items()}


def root(connection: sa.Connection, contact_id: int) -> int:
    """The contact that was kept of this person."""
    return roots(connection, [contact_id]).get(contact_id, contact_id)


def _members(connection: sa.Connection, start: sa.Select[Any]) -> list[Member]:
    contact, further, above = schema.contact, schema.contact_address, schema.contact.alias()
    up = start.cte("up", recursive=True)
    higher = sa.select(above.c.merged_into).where(above.c.id == up.c.merged_into).scalar_subquery()
    up = up.union(sa.select(up.c.merged_into, higher).where(up.c.merged_into.is_not(None)))
    kept = sa.select(up.c.id, up.c.id.label("root")).where(up.c.merged_into.is_(None))
    down = kept.cte("down", recursive=True)
    below = schema.contact.alias()
    down = down.union(_for_each(connection, down, [below.c.id], below.c.merged_into))
    own = [contact.c.id, contact.c.key_id, contact.c.email_key, contact.c.postal_key]
    none = sa.cast(sa.null(), sa.LargeBinary).label("postal_key")
    more = [further.c.contact_id, further.c.key_id, further.c.email_key, none]
    rows = sa.union_all(
        _for_each(connection, down, own, contact.c.id),
        _for_each(connection, down, more, further.c.contact_id),
    )
    found = [Member(*row) for row in connection.execute(rows)]
    return sorted(found, key=lambda it: (it.contact != it.root, it.contact))


def _for_each(
    connection: sa.Connection, down: sa.CTE, columns: Sequence[sa.ColumnElement[Any]], key: sa.Column[int]
) -> sa.Select[Any]:
    """Columns of the rows whose key is one of those found, with the root after the first. PostgreSQL takes what a
    recursion finds for a hundred times as many and would read whole tables, so it is left no choice but to look each up
    (OFFSET keeps a subquery apart)."""
    if connection.dialect.name != "postgresql":
        return sa.select(columns[0], down.c.root, *columns[1:]).join(down, key == down.c.id)
    each = sa.select(*columns).where(key == down.c.id).offset(0).lateral()
    found = list(each.c)
    return sa.select(found[0], down.c.root, *found[1:]).join_from(down, each, sa.true())
