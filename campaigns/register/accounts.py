"""Accounts: one for each person and each service, never shared; passwords, lock-out, leaving.

Promise: a password is kept as an argon2id hash only. After `LOCK_AFTER` wrong ones in a row the account is locked, and
each further one locks it twice as long; a guess is counted before it is looked at, so that many at once are no way
around. Whoever is disabled can do nothing from that moment: tokens are refused wherever they are shown. A password that
somebody else chose, or that is too old, opens nothing but the change of it. Fails with `NotAllowed`, the same words
whatever is wrong, and `InputError` for names and passwords that cannot be used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import iso, utc_now
from campaigns.errors import InputError, NotAllowed, NotFound, RefusedOperation
from campaigns.principal import GRANTED, Level, Principal
from campaigns.register import access_tokens, audit
from campaigns.store import schema
from campaigns.store.engine import writing
from campaigns.store.locks import take_turn

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LOCK_AFTER: Final = 5
_FIRST_LOCK: Final = timedelta(minutes=1)
_LONGEST_LOCK: Final = timedelta(hours=24)
PASSWORD_CHARACTERS: Final = 12
#: What the password of an unknown name is held against, under the parameters that `_hasher` has: making one on demand
#: would take a time of its own, by which names could be found out.
NOBODYS_HASH: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$hV0Tz3MAtWqmxQeDMzjhbw$Vu3lyYS3hTpbGyCtPU4cifwpTRG9FpbjvcqHgj22OOM"
)
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9._-]{0,38}[a-z0-9])?")


@dataclass(frozen=True)
class NewAccount:
    """`name` is a person's own, or a service's; people get a first password, services get tokens only."""

    name: str
    level: Level
    password: str | None = None
    kind: str = "account"


def add(connection: sa.Connection, wanted: NewAccount, principal: Principal) -> str:
    """Add an account; returns its principal's name.

    Raises:
        NotAllowed, InputError: not by this principal; name, level or password cannot be used.
        RefusedOperation: the name was given before, perhaps to somebody who left: it stays theirs.
    """
    demand(principal, Operation.ACCOUNT_MANAGE)
    if not _NAME.fullmatch(wanted.name):
        raise InputError(
            f"{wanted.name!r}: a name has small letters, digits, dots, hyphens, at most 40 characters"
        )
    if wanted.level not in GRANTED:
        raise InputError(f"there is no level {wanted.level}; there are {', '.join(GRANTED)}")
    if wanted.password is not None:
        _demand_good(wanted.password, wanted.name)
    if _row(connection, wanted.kind, wanted.name) is not None:
        raise RefusedOperation(f"{wanted.kind}:{wanted.name} is there; accounts are not shared or used again")
    connection.execute(
        sa.insert(schema.account).values(
            name=wanted.name,
            kind=wanted.kind,
            level=wanted.level,
            password_hash=None if wanted.password is None else _hasher().hash(wanted.password),
            password_set_at=None if wanted.password is None else utc_now(),
            password_is_first=True,
            failures=0,
            created_at=utc_now(),
            created_by=principal.name,
        )
    )
    named = f"{wanted.kind}:{wanted.name}"
    audit.write(
        connection,
        audit.Entry(principal, "register:account:add", [named], "", None, {"level": str(wanted.level)}),
    )
    return named


def set_level(connection: sa.Connection, named: str, level: Level, principal: Principal) -> None:
    """Give an account another level, from now on.

    Raises:
        NotAllowed, NotFound, InputError: not by this principal, nobody of that name, no such level.
    """
    demand(principal, Operation.ACCOUNT_MANAGE)
    if level not in GRANTED:
        raise InputError(f"there is no level {level}; there are {', '.join(GRANTED)}")
    row = _present(connection, named)
    _change(connection, row.id, level=level)
    old, new = {"level": row.level}, {"level": str(level)}
    audit.write(connection, audit.Entry(principal, "register:account:level", [named], "", old, new))


def set_first_password(connection: sa.Connection, named: str, password: str, principal: Principal) -> None:
    """Give an account a password that opens nothing but the change of it; ends a lock-out, and all log-ins.

    Raises:
        NotAllowed, NotFound, InputError: not by this principal, nobody of that name, no password.
    """
    demand(principal, Operation.ACCOUNT_MANAGE)
    row = _present(connection, named)
    if row.kind != "account":
        raise InputError(f"{named} is a service: it has tokens and no password")
    _demand_good(password, row.name)
    _put_password(connection, row.id, password, first=True)
    access_tokens.end_log_ins(connection, row.id, principal)
    audit.write(connection, audit.Entry(principal, "register:account:password", [named], "first password"))


def disable(connection: sa.Connection, named: str, principal: Principal) -> bool:
    """End an account for good; False where it was ended. What it has under way: `campaigns.delivery.leavers`.

    Raises:
        NotAllowed, NotFound: not by this principal, nobody of that name.
    """
    demand(principal, Operation.ACCOUNT_MANAGE)
    take_turn(connection, _turn(named))
    row = _row(connection, *_parts(named), lock=True)
    if row is None:
        raise _nobody(named)
    if row.disabled_at is not None:
        return False
    now = utc_now()
    _change(connection, row.id, disabled_at=now, disabled_by=principal.name)
    audit.write(connection, audit.Entry(principal, "register:account:disable", [named], ""))
    return True


def listing(connection: sa.Connection, principal: Principal) -> list[dict[str, Any]]:
    """All accounts with their levels, for a review of who may do what.

    Raises:
        NotAllowed: not to this principal.
    """
    demand(principal, Operation.ACCOUNT_SEE)
    table = schema.account.c
    return [
        {
            "account": f"{row.kind}:{row.name}",
            "level": row.level,
            "created_at": iso(row.created_at),
            "created_by": row.created_by,
            "password_set_at": _iso(row.password_set_at),
            "locked_until": _iso(row.locked_until),
            "disabled_at": _iso(row.disabled_at),
        }
        for row in connection.execute(sa.select(schema.account).order_by(table.kind, table.name))
    ]


def standing(connection: sa.Connection, named: str, *, hold: bool = False) -> Principal | None:
    """The principal of an account as it stands now; None where there is none or it was disabled.

    `hold` keeps it from being disabled until the caller's transaction ends.
    """
    if hold:
        take_turn(connection, _turn(named))  # no lock on the row: who sends may not write there
    row = _known(connection, named)
    return None if row is None or row.disabled_at is not None else Principal(named, Level(row.level))


def is_known(connection: sa.Connection, named: str) -> bool:
    """Whether an account of that name was ever added."""
    return _known(connection, named) is not None


def _known(connection: sa.Connection, named: str) -> Any:
    """What every process may read of an account: nothing of its password."""
    table = schema.account.c
    kind, name = _parts(named)
    statement = sa.select(table.level, table.disabled_at).where(table.kind == kind, table.name == name)
    return connection.execute(statement).one_or_none()


def _turn(named: str) -> str:
    return f"account {':'.join(_parts(named))}"


@dataclass(frozen=True)
class PasswordRules:
    """How old a password may be; None where that does not matter."""

    oldest: timedelta | None = None


def prove(
    engine: sa.Engine, name: str, password: str, rules: PasswordRules, *, new_password: str | None = None
) -> Principal:
    """Prove who one is; with a new password it takes the old one's place, and earlier log-ins end.

    Raises:
        NotAllowed: name or password is wrong, the account is locked or disabled; or the password has to be changed.
        InputError: the new password cannot be used.
        Unreachable: the database is away.
    """
    if new_password is not None:
        _demand_good(new_password, name)
        if new_password == password:
            raise InputError("the new password is the old one")
    with writing(engine) as connection:
        row = _row(connection, "account", name, lock=True)
        known = _may_try(row)
        if known:
            _count_failure(connection, row)
    # Outside the transaction, since it takes long; an unknown name takes as long as a wrong password.
    if not _verifies(row.password_hash if known else None, password):
        raise NotAllowed(_WRONG)
    must_change = row.password_is_first or _too_old(row.password_set_at, rules)
    if must_change and new_password is None:
        with writing(engine) as connection:
            _change(connection, row.id, failures=0, locked_until=None)
        raise NotAllowed("this password has to be changed: log in with --new-password")

    proven = Principal(f"account:{name}", Level(row.level))
    with writing(engine) as connection:
        _change(connection, row.id, failures=0, locked_until=None)
        if new_password is not None:
            _put_password(connection, row.id, new_password, first=False)
            access_tokens.end_log_ins(connection, row.id, proven)
        audit.write(connection, audit.Entry(proven, "register:account:login", [proven.name], "password"))
    return proven


_WRONG: Final = "name or password is wrong, or the account is locked; wait and try again"


def _may_try(row: Any) -> bool:
    return (
        row is not None
        and row.disabled_at is None
        and row.password_hash is not None
        and (row.locked_until is None or row.locked_until <= utc_now())
    )


def _count_failure(connection: sa.Connection, row: Any) -> None:
    """As if the password were wrong; whoever has the right one sets it back."""
    failures = row.failures + 1
    locked = None
    if failures >= LOCK_AFTER:
        locked = utc_now() + min(_FIRST_LOCK * 2 ** min(failures - LOCK_AFTER, 20), _LONGEST_LOCK)
    _change(connection, row.id, failures=failures, locked_until=locked)


def _too_old(set_at: datetime, rules: PasswordRules) -> bool:
    return rules.oldest is not None and set_at + rules.oldest < utc_now()


def _verifies(kept: str | None, password: str) -> bool:
    from argon2.exceptions import VerificationError

    hasher = _hasher()
    try:
        hasher.verify(kept or NOBODYS_HASH, password)
    except VerificationError:
        return False
    return kept is not None


def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # here, since few commands need it

    return PasswordHasher()  # argon2id with the library's present parameters (RFC 9106, low memory)


def _demand_good(password: str, name: str) -> None:
    if len(password) < PASSWORD_CHARACTERS or len(set(password)) < 5:
        raise InputError(f"a password has at least {PASSWORD_CHARACTERS} characters, and not the same few")
    if name in password.lower():
        raise InputError("a password does not hold the name of its owner")


def _put_password(connection: sa.Connection, account_id: int, password: str, *, first: bool) -> None:
    _change(
        connection,
        account_id,
        password_hash=_hasher().hash(password),
        password_set_at=utc_now(),
        password_is_first=first,
        failures=0,
        locked_until=None,
    )


def _change(connection: sa.Connection, account_id: int, **values: Any) -> None:
    table = schema.account
    connection.execute(sa.update(table).where(table.c.id == account_id).values(**values))


def _present(connection: sa.Connection, named: str) -> Any:
    row = _row(connection, *_parts(named), lock=True)
    if row is None or row.disabled_at is not None:
        raise _nobody(named)
    return row


def _row(connection: sa.Connection, kind: str, name: str, *, lock: bool = False) -> Any:
    table = schema.account
    statement = sa.select(table).where(table.c.kind == kind, table.c.name == name)
    return connection.execute(statement.with_for_update() if lock else statement).one_or_none()


def _parts(named: str) -> tuple[str, str]:
    kind, sign, name = named.partition(":")
    return (kind, name) if sign else ("account", kind)


def _nobody(named: str) -> NotFound:
    return NotFound(f"there is no account {named}; `utskick accounts list` shows those that are")


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
