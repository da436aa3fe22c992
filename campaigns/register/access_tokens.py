"""Tokens that stand for an account: of a log-in for some hours, or of a program for longer.

Promise: the token is shown once and kept as a hash; it expires, can be narrowed to some operations, and is worth
nothing once it is revoked or its account is disabled, from the next time it is shown. Its level is the account's at
that moment.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import iso, utc_now
from campaigns.errors import InputError, NotAllowed, NotFound
from campaigns.principal import Level, Principal
from campaigns.register import audit
from campaigns.store import schema

PREFIX: Final = "utk_"
_OCTETS: Final = 32
LONGEST_API: Final = timedelta(days=730)


@dataclass(frozen=True)
class NewToken:
    """For which account (`account:anna`, `service:shop`), for how long, and to which operations it is narrowed."""

    account: str
    lasts: timedelta
    scope: Collection[str] | None = None


def issue(connection: sa.Connection, wanted: NewToken, principal: Principal) -> str:
    """Make a token for a program and return it, this once.

    Raises:
        NotAllowed, NotFound: not by this principal, whose own token is narrower, or for somebody else's account; no
            such account, or it was disabled.
        InputError: it would last too long, or the scope has an unknown word.
    """
    demand(principal, Operation.TOKEN_MANAGE)
    _demand_no_more_than_their_own(wanted, principal)
    if not timedelta(0) < wanted.lasts <= LONGEST_API:
        raise InputError(f"a token lasts at most {LONGEST_API.days} days")
    known = {operation.name.lower() for operation in Operation}
    unknown = sorted(set(wanted.scope or ()) - known)
    if unknown:
        raise InputError(f"no such operation: {', '.join(unknown)}; docs/reference/access.md has them all")
    token, number = _make(connection, wanted, "api", principal)
    what = {"lasts_days": wanted.lasts.days, "scope": sorted(wanted.scope) if wanted.scope else None}
    subjects = [wanted.account, f"token:{number}"]
    audit.write(connection, audit.Entry(principal, "register:token:add", subjects, "", None, what))
    return token


def _demand_no_more_than_their_own(wanted: NewToken, principal: Principal) -> None:
    """Whoever came with a token makes none that can do more than it, nor one that stands for another person."""
    if principal.kind == "os":
        return
    if wanted.account.startswith("account:") and wanted.account != principal.name:
        raise NotAllowed(f"{principal.name} may not make a token that stands for {wanted.account}")
    if principal.scope is not None and not (wanted.scope and principal.scope.issuperset(wanted.scope)):
        own = ", ".join(sorted(principal.scope))
        raise NotAllowed(f"the token of {principal.name} makes none that is wider than itself ({own})")


def log_in(connection: sa.Connection, proven: Principal, lasts: timedelta) -> str:
    """A short-lived token for somebody who has just proven who they are."""
    return _make(connection, NewToken(proven.name, lasts), "login", proven)[0]


def bearer(connection: sa.Connection, token: str) -> Principal | None:
    """Whom a token stands for; None for whatever is wrong with it."""
    table, account = schema.access_token.c, schema.account.c
    digest = _digest(token)
    row = connection.execute(
        sa.select(account.kind, account.name, account.level, table.scope)
        .join_from(schema.access_token, schema.account, account.id == table.account_id)
        .where(
            table.digest == digest,
            table.revoked_at.is_(None),
            table.expires_at > utc_now(),
            account.disabled_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        return None
    scope = None if row.scope is None else frozenset(row.scope)
    return Principal(f"{row.kind}:{row.name}", Level(row.level), scope)


def revoke(connection: sa.Connection, number: int, principal: Principal) -> bool:
    """Make a token worthless at once; False where it was.

    Raises:
        NotAllowed, NotFound: not by this principal; there is no such token.
    """
    demand(principal, Operation.TOKEN_MANAGE)
    table = schema.access_token
    if connection.execute(sa.select(table.c.id).where(table.c.id == number)).first() is None:
        raise NotFound(f"there is no token {number}; `utskick tokens list` shows those that are")
    revoked = connection.execute(
        sa.update(table)
        .where(table.c.id == number, table.c.revoked_at.is_(None))
        .values(revoked_at=utc_now(), revoked_by=principal.name)
    ).rowcount
    if revoked:
        audit.write(connection, audit.Entry(principal, "register:token:revoke", [f"token:{number}"], ""))
    return bool(revoked)


def end_log_ins(connection: sa.Connection, account_id: int, principal: Principal) -> None:
    """Make the tokens of log-ins of an account worthless: the password that they were given for is no more."""
    table = schema.access_token
    connection.execute(
        sa.update(table)
        .where(table.c.account_id == account_id, table.c.purpose == "login", table.c.revoked_at.is_(None))
        .values(revoked_at=utc_now(), revoked_by=principal.name)
    )


def listing(connection: sa.Connection, principal: Principal) -> list[dict[str, Any]]:
    """All tokens that are worth something, without what would open anything.

    Raises:
        NotAllowed: not to this principal.
    """
    demand(principal, Operation.ACCOUNT_SEE)
    table, account = schema.access_token.c, schema.account.c
    rows = connection.execute(
        sa.select(schema.access_token, account.kind, account.name)
        .join_from(schema.access_token, schema.account, account.id == table.account_id)
        .where(table.revoked_at.is_(None), table.expires_at > utc_now(), account.disabled_at.is_(None))
        .order_by(table.id)
    )
    return [
        {
            "token": row.id,
            "account": f"{row.kind}:{row.name}",
            "for": row.purpose,
            "scope": row.scope,
            "created_at": iso(row.created_at),
            "created_by": row.created_by,
            "expires_at": iso(row.expires_at),
        }
        for row in rows
    ]


def _make(connection: sa.Connection, wanted: NewToken, purpose: str, principal: Principal) -> tuple[str, int]:
    account, table = schema.account.c, schema.access_token
    kind, _, name = wanted.account.partition(":")
    found = connection.execute(
        sa.select(account.id).where(account.kind == kind, account.name == name, account.disabled_at.is_(None))
    ).scalar_one_or_none()
    if found is None:
        raise NotFound(f"there is no account {wanted.account}; `utskick accounts list` shows those that are")
    token, now = PREFIX + secrets.token_urlsafe(_OCTETS), utc_now()
    number: int = connection.execute(
        sa.insert(table)
        .values(
            account_id=found,
            digest=_digest(token),
            purpose=purpose,
            scope=sorted(wanted.scope) if wanted.scope else None,
            created_at=now,
            created_by=principal.name,
            expires_at=now + wanted.lasts,
        )
        .returning(table.c.id)
    ).scalar_one()
    return token, number


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
