"""Contacts that are probably one person, for somebody to look at. Changes nothing.

Promise: pairs are found by telephone number (however it is written), by name at the same company, and by address in
another spelling (dots, hyphens, a tag after a plus sign); each is told once, with every reason. What the database can
group it groups, so that only the pairs themselves are read. Erased and merged contacts are left out; so is a group that
is larger than `LARGEST`, which is a switchboard or a shared mailbox and no person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Final

import sqlalchemy as sa

from campaigns.store import schema

LARGEST: Final = 5
#: So many digits from the end tell a telephone number, with and without the country's code.
_DIGITS: Final = 8
_PRESENT: Final = (schema.contact.c.erased_at.is_(None), schema.contact.c.merged_into.is_(None))


@dataclass
class Likely:
    """Two contacts, the older one first, and why they may be one person."""

    contacts: tuple[int, int]
    reasons: list[str] = field(default_factory=list)


def likely(connection: sa.Connection, limit: int) -> list[Likely]:
    """At most so many pairs; those with most reasons first."""
    found: dict[tuple[int, int], Likely] = {}
    for reason, grouped in (
        ("same telephone number", _by_phone()),
        ("same name at the same company", _by_name()),
        ("same address in another spelling", _by_address(connection.dialect.name)),
    ):
        for group in _groups(connection, grouped, limit):
            for pair in combinations(group, 2):
                found.setdefault(pair, Likely(pair)).reasons.append(reason)
    ordered = sorted(found.values(), key=lambda it: (-len(it.reasons), it.contacts))
    return ordered[:limit]


def _groups(connection: sa.Connection, grouped: sa.Select[Any], limit: int) -> Iterable[list[int]]:
    """The ids in each of the first groups; `grouped` selects contact and the value that they share."""
    rows = grouped.subquery()
    shared = (
        sa.select(rows.c.value)
        .group_by(rows.c.value)
        .having(sa.func.count().between(2, LARGEST))
        .limit(limit)
        .subquery()
    )
    statement = (
        sa.select(rows.c.value, rows.c.contact).join(shared, shared.c.value == rows.c.value).distinct()
    )
    groups: dict[str, list[int]] = {}
    for row in connection.execute(statement.order_by(rows.c.contact)):
        groups.setdefault(row.value, []).append(row.contact)
    return groups.values()


def _by_phone() -> sa.Select[Any]:
    contact = schema.contact.c
    digits: Any = contact.phone
    for mark in " -()/.+\u00a0":
        digits = sa.func.replace(digits, mark, "")
    length = sa.func.length(digits)
    ends = sa.func.substr(digits, length - (_DIGITS - 1), _DIGITS)
    return sa.select(contact.id.label("contact"), ends.label("value")).where(
        *_PRESENT, contact.phone.is_not(None), length >= _DIGITS
    )


def _by_name() -> sa.Select[Any]:
    contact, position = schema.contact.c, schema.position.c
    name = sa.func.lower(contact.first_name.concat(" ").concat(contact.last_name))
    value = sa.cast(position.company_id, sa.Text).concat(" ").concat(name)
    return (
        sa.select(contact.id.label("contact"), value.label("value"))
        .join_from(schema.contact, schema.position, position.contact_id == contact.id)
        .where(*_PRESENT, position.ended_at.is_(None), name.is_not(None))
    )


def _by_address(dialect: str) -> sa.Select[Any]:
    """The local part without its marks and its tag, at the domain."""
    contact = schema.contact.c
    place = sa.func.strpos if dialect == "postgresql" else sa.func.instr
    whole: Any = sa.func.lower(contact.email)
    at = place(whole, "@")
    local: Any = sa.func.substr(whole, 1, at - 1)
    plus = place(local, "+")
    local = sa.case((plus > 1, sa.func.substr(local, 1, plus - 1)), else_=local)
    for mark in "._-":
        local = sa.func.replace(local, mark, "")
    value = sa.cast(local, sa.Text).concat(sa.func.substr(whole, at))
    return sa.select(contact.id.label("contact"), value.label("value")).where(
        *_PRESENT, contact.email.is_not(None)
    )
