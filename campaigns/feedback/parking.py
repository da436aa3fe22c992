"""Mail that only a person can deal with: what could not be read or placed, and what people wrote.

Promise: such a message is kept before it is answered, once, and shown; it is blanked after a while, and a flood of it
fills no disk: beyond KEPT messages only the fact is kept. Reading it again (`retry`), after the reader has learned, has
the same consequences as if it came now, and none twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.errors import NotFound, RefusedOperation
from campaigns.feedback.event import FeedbackEvent, Kind
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from campaigns.store.upsert import insert_into

#: Kinds of messages that are parked.
FOR_PEOPLE: Final[frozenset[Kind]] = frozenset({"unreadable", "unknown", "reply", "stop", "challenge"})
#: So much of a message, and so many messages, are kept.
OCTETS: Final = 256 * 1024
KEPT: Final = 10_000
#: After so long a message is blanked; its row stays.
RETENTION: Final = timedelta(days=30)


def park(
    engine: sa.Engine, raw: bytes, kind: Kind, recipient: str | None, event: FeedbackEvent | None = None
) -> None:
    """Keep a message, with whose it is as far as its event tells; again changes nothing. Blanks what is due on the way.

    Raises:
        Unreachable: the database is away; hand the message in again.
    """
    table = schema.parked_mail
    claims = event.claims if event is not None else None
    with writing(engine) as connection:
        blank(connection)
        full = _kept(connection) >= KEPT
        connection.execute(
            insert_into(table, engine)
            .values(
                digest=hashlib.sha256(raw).hexdigest(),
                kind=kind,
                octets=len(raw),
                received_at=utc_now(),
                recipient=None if full else recipient,
                raw=None if full else raw[:OCTETS],
                campaign_id=claims.campaign if claims else None,
                number=claims.number if claims else None,
                about_key=event.about if event is not None else None,
                blanked_at=utc_now() if full else None,
            )
            .on_conflict_do_nothing(index_elements=["digest"])
        )


def blank(connection: sa.Connection) -> int:
    """Blank what has been kept long enough, within the caller's transaction; how many."""
    table, now = schema.parked_mail, utc_now()
    due = sa.and_(table.c.received_at < now - RETENTION, table.c.blanked_at.is_(None))
    statement = sa.update(table).where(due).values(raw=None, recipient=None, blanked_at=now)
    return connection.execute(statement).rowcount


def parked(
    engine: sa.Engine, principal: Principal, *, settled: bool = False, limit: int = 100
) -> list[sa.RowMapping]:
    """The messages that wait for somebody (or those that were settled), oldest first, without their content.

    Raises:
        NotAllowed: not to this principal.
    """
    demand(principal, Operation.MAIL_SEE)
    table = schema.parked_mail.c
    wanted = table.settled_at.is_not(None) if settled else table.settled_at.is_(None)
    statement = sa.select(table.id, table.kind, table.octets, table.received_at, table.blanked_at)
    with reading(engine) as connection:
        return list(connection.execute(statement.where(wanted).order_by(table.id).limit(limit)).mappings())


def content(engine: sa.Engine, message: int, principal: Principal) -> tuple[bytes, str | None]:
    """A parked message and the address it was sent to; that it was read is told in the audit log.

    Raises:
        NotAllowed, NotFound: not to this principal; there is no such message.
        RefusedOperation: it has been blanked.
    """
    demand(principal, Operation.MAIL_SEE)
    table = schema.parked_mail.c
    with writing(engine) as connection:
        audit.read(connection, "mail", [f"parked:{message}"], principal)
        row = connection.execute(
            sa.select(table.raw, table.recipient).where(table.id == message)
        ).one_or_none()
    if row is None:
        raise NotFound(f"there is no parked message {message}")
    if row.raw is None:
        raise RefusedOperation(f"message {message} has been blanked; only the fact that it came is kept")
    return row.raw, row.recipient


def retry(
    engine: sa.Engine,
    message: int,
    principal: Principal,
    apply: Callable[[bytes, str | None], list[str]],
) -> list[str]:
    """Read a parked message again and `apply` it; it is settled when it had a consequence other than to be kept.

    Raises:
        NotAllowed, NotFound, RefusedOperation: as `content`.
        Unreachable: the database is away.
    """
    demand(principal, Operation.MAIL_SETTLE)
    consequences = apply(*content(engine, message, principal))
    table, now = schema.parked_mail, utc_now()
    done = not set(consequences) <= {"recorded", "repeated", "hint"}
    with writing(engine) as connection:
        connection.execute(
            sa.update(table)
            .where(table.c.id == message)
            .values(retried_at=now, settled_at=now if done else table.c.settled_at)
        )
    return consequences


def settle(engine: sa.Engine, message: int, principal: Principal) -> None:
    """Say that somebody has dealt with a message.

    Raises:
        NotAllowed, NotFound: not by this principal; there is no such message that waits.
    """
    demand(principal, Operation.MAIL_SETTLE)
    table = schema.parked_mail
    with writing(engine) as connection:
        done = connection.execute(
            sa.update(table)
            .where(table.c.id == message, table.c.settled_at.is_(None))
            .values(settled_at=utc_now())
        ).rowcount
        if done:
            entry = audit.Entry(principal, "feedback:mail:settle", [f"parked:{message}"], "a person's word")
            audit.write(connection, entry)
    if not done:
        raise NotFound(f"no parked message {message} waits for anybody")


def _kept(connection: sa.Connection) -> int:
    table = schema.parked_mail
    statement = sa.select(sa.func.count()).select_from(table).where(table.c.blanked_at.is_(None))
    return connection.execute(statement).scalar_one()
