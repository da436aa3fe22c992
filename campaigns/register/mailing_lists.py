"""The mailing lists: what one may be subscribed to, for one purpose each.

Promise: a list's key never changes (it stands in List-Id for the list's life, RFC 2919 3). Adding a list
that exists with the same kind, name and purpose is a no-op; with others it is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.errors import InputError, NotFound, RefusedOperation
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.store import schema

ListKind = Literal["newsletter", "magazine"]
DEFAULT_PURPOSE = "marketing"
_KEY = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_NAME_CHARACTERS = 100


@dataclass(frozen=True)
class MailingList:
    """One mailing list; `key` is a DNS label, as List-Id needs it."""

    id: int
    key: str
    kind: ListKind
    name: str
    purpose: str


def add(connection: sa.Connection, wanted: MailingList, principal: Principal) -> MailingList:
    """Add a list (its `id` is ignored) and return it as it stands.

    Raises:
        InputError: the key or the name cannot be used.
        RefusedOperation: the key is taken by a list of another kind, name or purpose.
    """
    demand(principal, Operation.LIST_ADD)
    if not _KEY.fullmatch(wanted.key):
        raise InputError(f"list key {wanted.key!r}: use a to z, 0 to 9 and -, at most 40 characters")
    name = wanted.name.strip()
    if not name or len(name) > _NAME_CHARACTERS or not name.isprintable():
        raise InputError(f"list name: 1 to {_NAME_CHARACTERS} printable characters")
    existing = _find(connection, wanted.key)
    if existing is None:
        return _insert(connection, wanted, name, principal)
    if (existing.kind, existing.name, existing.purpose) != (wanted.kind, name, wanted.purpose):
        raise RefusedOperation(
            f"list {wanted.key} exists as {existing.kind} {existing.name!r} for {existing.purpose}; choose another key"
        )
    return existing


def get(connection: sa.Connection, key: str) -> MailingList:
    """The list with that key.

    Raises:
        NotFound: there is none; the message names those that exist.
    """
    found = _find(connection, key)
    if found is None:
        known = ", ".join(item.key for item in all_lists(connection)) or "none yet"
        raise NotFound(
            f"no mailing list {key!r} (there are: {known}); add it with `utskick lists add {key} …`"
        )
    return found


def name_of(connection: sa.Connection, list_id: int) -> str:
    """The name of a list; blank where there is none."""
    table = schema.mailing_list.c
    return connection.execute(sa.select(table.name).where(table.id == list_id)).scalar_one_or_none() or ""


def all_lists(connection: sa.Connection) -> list[MailingList]:
    """All lists, by key."""
    table = schema.mailing_list
    return [_from_row(row) for row in connection.execute(sa.select(table).order_by(table.c.key))]


def _find(connection: sa.Connection, key: str) -> MailingList | None:
    table = schema.mailing_list
    row = connection.execute(sa.select(table).where(table.c.key == key)).one_or_none()
    return None if row is None else _from_row(row)


def _insert(connection: sa.Connection, wanted: MailingList, name: str, principal: Principal) -> MailingList:
    table = schema.mailing_list
    row = connection.execute(
        sa.insert(table)
        .values(
            key=wanted.key,
            kind=wanted.kind,
            name=name,
            purpose=wanted.purpose,
            created_at=utc_now(),
            created_by=principal.name,
        )
        .returning(*table.c)
    ).one()
    entry = audit.Entry(
        principal,
        "register:list:add",
        [f"list:{row.id}"],
        "",
        None,
        {"key": wanted.key, "purpose": wanted.purpose},
    )
    audit.write(connection, entry)
    return _from_row(row)


def _from_row(row: sa.Row[tuple[object, ...]]) -> MailingList:
    return MailingList(row.id, row.key, row.kind, row.name, row.purpose)
