"""Which "no" a person's own word may take back: what they said themselves, and nothing that stands there for another.

Promise: what stands under a mailbox that the person alone has is theirs to take back. A postal address proves nothing,
since anybody can type one: what stands under it counts as theirs only where they recorded it themselves, or where it
was said in one act with, or carried over from, what stands (or stood) under a mailbox of theirs. So who types the
address of somebody whom the register has forgotten lifts nothing; the office does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from campaigns.register import persons
from campaigns.register.objections import SubjectKey
from campaigns.store import schema

#: How the evidence of a "no" begins that was made from another one (`objections.spread`, `older_keys`, `corrections`).
_MADE_FROM: Final = re.compile(r"suppression ([0-9]+)\b")
#: What is said in one act is recorded in one transaction.
_ONE_ACT: Final = timedelta(minutes=1)
_AT_MOST: Final = 10

Row = sa.Row[Any]


def takeable(connection: sa.Connection, keys: Sequence[SubjectKey]) -> set[int]:
    """The numbers of those that stand against a person with these keys and that the person may take back."""
    alone = [key for key in keys if _is_one_persons(connection, key)]
    rows = _under(connection, [key.key for key in alone])
    by_mail = [row for row in rows if row.subject == "address"]
    found = {row.id for row in by_mail if row.lifted_at is None}
    in_question = [row for row in rows if row.subject == "postal" and row.lifted_at is None]
    if not in_question:
        return found
    themselves = {
        f"contact:{member.contact}" for member in persons.of_keys(connection, [it.key for it in alone])
    }
    roots = _roots(connection, [*by_mail, *in_question])
    known = {root.id for root in (roots[row.id] for row in by_mail)}
    acts = [roots[row.id] for row in by_mail]
    for row in in_question:
        root = roots[row.id]
        if root.id in known or root.recorded_by in themselves or any(_in_one_act(root, act) for act in acts):
            found.add(row.id)
    return found


def _is_one_persons(connection: sa.Connection, key: SubjectKey) -> bool:
    """Under a key that others have too, a "no" may be somebody else's."""
    return len({member.root for member in persons.of_keys(connection, [key.key])}) <= 1


def _under(connection: sa.Connection, keys: Collection[bytes]) -> list[Row]:
    table = schema.suppression
    return list(connection.execute(sa.select(table).where(table.c.subject_key.in_(list(keys)))))


def _roots(connection: sa.Connection, rows: Iterable[Row]) -> dict[int, Row]:
    """For each row the first one that it was made from, as far as that is still there."""
    roots = {row.id: row for row in rows}
    table = schema.suppression
    for _ in range(_AT_MOST):
        above = {id_: int(made[1]) for id_, row in roots.items() if (made := _MADE_FROM.match(row.evidence))}
        if not above:
            break
        there = {
            row.id: row
            for row in connection.execute(sa.select(table).where(table.c.id.in_(set(above.values()))))
        }
        moved = {id_: there[number] for id_, number in above.items() if number in there}
        if not moved:
            break
        roots |= moved
    return roots


def _in_one_act(one: Row, other: Row) -> bool:
    same = ("kind", "list_id", "purpose", "channel", "origin", "evidence", "recorded_by")
    return abs(one.recorded_at - other.recorded_at) < _ONE_ACT and all(
        getattr(one, name) == getattr(other, name) for name in same
    )
