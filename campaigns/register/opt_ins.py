"""Double opt-in: what somebody asks for is done when the owner of the mailbox confirms it, and not before.

Promise: what is asked changes nothing of the register but the row that waits; whoever asks learns nothing of who is in
it. At most one mail a day goes to a mailbox for one kind of wish, however often and from wherever it is asked, and a
source or a crowd that asks too much is no longer heard. Only who holds the lease of a wish can note that its mail was
begun, and only once: what was not begun is sent by somebody else when the lease has run out, what was begun never
again. A confirmation is the person's own fresh word: it alone lifts an objection, and it is kept with the words that
were agreed to and both times. What is not confirmed within `KEPT` is forgotten. Confirming again changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Literal

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.address import EmailAddress
from campaigns.clock import iso, utc_now
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from campaigns.store.upsert import insert_into
from campaigns.tokens import TokenClaims

Kind = Literal["join", "restore", "move"]
#: Who acts until it is known whose mailbox it is.
OPT_IN: Final = Principal("process:opt-in")
#: How long a confirmation is waited for.
KEPT: Final = timedelta(days=7)
#: How often one source may ask within an hour, and all together.
PER_SOURCE: Final = 20
PER_HOUR: Final = 1000
#: No campaign has this number: what the mails of wishes are known by belongs to no ledger row.
NO_CAMPAIGN: Final = 0
#: How long a sender may take up to the moment from which its mail may arrive.
LEASE: Final = timedelta(minutes=5)
#: A mail that was begun and not settled for so long had its sender die: nobody knows, and it is not sent again.
DOUBTED_AFTER: Final = timedelta(minutes=15)
#: Of these, nobody has a link that could confirm them.
_ENDED: Final = ("withheld", "failed")
_AT_A_TIME: Final = 100
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Wanted:
    """What somebody asks: a list to join, or a known contact who wants marketing again or has another address.
    `source` is whatever tells one asker from another; only a keyed fingerprint of it is kept."""

    kind: Kind
    address: EmailAddress
    language: str
    agreed_to: str
    source: str = ""
    list_id: int | None = None
    contact_id: int | None = None


@dataclass(frozen=True)
class OptIn:
    """One wish that waits for its confirmation, or has had it."""

    id: int
    kind: Kind
    email: str
    address_key: bytes
    key_id: int
    language: str
    agreed_to: str
    requested_at: datetime
    list_id: int | None
    contact_id: int | None
    confirmed: bool
    #: Until when its sender may begin it; what tells this sender from a later one.
    leased_until: datetime

    @property
    def claims(self) -> TokenClaims:
        """What its tokens say."""
        return TokenClaims(NO_CAMPAIGN, self.id, self.list_id or 0, self.contact_id or 0)

    @property
    def text_version(self) -> str:
        """What tells the words that were agreed to from any others."""
        return sha256(self.agreed_to.encode()).hexdigest()[:16]


def ask(connection: sa.Connection, ring: KeyRing, wanted: Wanted) -> bool:
    """Have a wish wait for its confirmation; False where a limit is reached, of which the asker must not learn."""
    table, now = schema.opt_in, utc_now()
    source = ring.fingerprint("source", wanted.source) if wanted.source else None
    lately = sa.select(sa.func.count()).where(table.c.requested_at > now - _HOUR)
    of_source = connection.execute(lately.where(table.c.source_key == source)).scalar_one() if source else 0
    if of_source >= PER_SOURCE or connection.execute(lately).scalar_one() >= PER_HOUR:
        return False
    asked: int | None = connection.execute(
        insert_into(table, connection)
        .values(
            kind=wanted.kind,
            list_id=wanted.list_id,
            contact_id=wanted.contact_id,
            email=wanted.address.wire,
            address_key=ring.fingerprint("address", wanted.address.comparison_text),
            key_id=ring.current_id("fingerprint"),
            language=wanted.language,
            agreed_to=wanted.agreed_to,
            source_key=source,
            day=now.date().isoformat(),
            requested_at=now,
            status="waiting",
            due_at=now,
        )
        .on_conflict_do_nothing()
        .returning(table.c.id)
    ).scalar_one_or_none()
    return asked is not None


def find(connection: sa.Connection, claims: TokenClaims) -> OptIn | None:
    """A wish that can be confirmed, or was; None for one that is forgotten or ended."""
    row = _row(connection, claims)
    if row is None:
        return None
    if row.confirmed_at is None and (row.status in _ENDED or row.requested_at < utc_now() - KEPT):
        return None
    return _from_row(row)


def asked(connection: sa.Connection, claims: TokenClaims) -> OptIn | None:
    """The wish that a token stands for, whatever became of it."""
    row = _row(connection, claims)
    return None if row is None else _from_row(row)


def end(connection: sa.Connection, found: OptIn, evidence: str, principal: Principal) -> bool:
    """The mailbox does not work, or its owner does not want this: nothing is sent for this wish any more and nobody can
    confirm it; its address is forgotten, and is not written to again today. False where it had been confirmed, or had
    ended."""
    demand(principal, Operation.SUPPRESSION_ADD)
    table = schema.opt_in
    ended = connection.execute(
        sa.update(table)
        .where(table.c.id == found.id, table.c.confirmed_at.is_(None), table.c.status.not_in(_ENDED))
        .values(status="failed", email=None)
    ).rowcount
    if ended:
        audit.write(
            connection, audit.Entry(principal, "contact:opt_in:end", [f"opt_in:{found.id}"], evidence)
        )
    return bool(ended)


def mark_confirmed(connection: sa.Connection, found: OptIn) -> str | None:
    """Note the confirmation, once, and forget the address, which is the contact's from now on; the evidence, or None
    where it was confirmed before."""
    table, now = schema.opt_in, utc_now()
    marked = connection.execute(
        sa.update(table)
        .where(table.c.id == found.id, table.c.confirmed_at.is_(None))
        .values(confirmed_at=now, email=None, source_key=None)
    ).rowcount
    if not marked:
        return None
    evidence = (
        f"double opt-in {found.id}: asked {iso(found.requested_at)}, confirmed {iso(now)}, "
        f"text {found.text_version}"
    )
    audit.write(
        connection,
        audit.Entry(OPT_IN, "contact:opt_in:confirm", [f"opt_in:{found.id}"], evidence),
    )
    return evidence


def due(engine: sa.Engine) -> list[int]:
    """The wishes whose mail is due, the oldest first."""
    table = schema.opt_in.c
    statement = sa.select(table.id).where(table.status == "waiting", table.due_at <= utc_now())
    with reading(engine) as connection:
        return list(connection.execute(statement.order_by(table.id).limit(_AT_A_TIME)).scalars())


def claim(engine: sa.Engine, opt_in: int) -> OptIn | None:
    """Take a wish to send its mail; None where there is nothing to send (any more)."""
    table, now = schema.opt_in, utc_now()
    with writing(engine) as connection:
        row = connection.execute(
            sa.update(table)
            .where(
                table.c.id == opt_in,
                table.c.status == "waiting",
                table.c.due_at <= now,
                table.c.confirmed_at.is_(None),
                table.c.requested_at > now - KEPT,
            )
            .values(status="sending", begun_at=None, due_at=now + LEASE)
            .returning(*table.c)
        ).one_or_none()
    return None if row is None else _from_row(row)


def begin(engine: sa.Engine, found: OptIn) -> bool:
    """Note that the mail may arrive from now on; False where somebody else has taken the wish over meanwhile, or it has
    ended.

    Raises:
        Unreachable: nobody knows; the mail must not be completed.
    """
    table = schema.opt_in
    with writing(engine) as connection:
        begun = connection.execute(
            sa.update(table).where(_held(found), table.c.begun_at.is_(None)).values(begun_at=utc_now())
        )
    return begun.rowcount == 1


def settle(engine: sa.Engine, found: OptIn, status: str, due_at: datetime | None = None) -> None:
    """Note what became of the mail; `due_at` is when a waiting one is tried again."""
    values: dict[str, Any] = {"status": status, **({"due_at": due_at} if due_at else {})}
    with writing(engine) as connection:
        connection.execute(sa.update(schema.opt_in).where(_held(found)).values(values))


def _held(found: OptIn) -> sa.ColumnElement[bool]:
    """Whether a wish is still in the hands of whoever took it so."""
    table = schema.opt_in.c
    return sa.and_(
        table.id == found.id,
        table.status.in_(("sending", "uncertain")),
        table.due_at == found.leased_until,
    )


def tidy(engine: sa.Engine) -> None:
    """Have somebody else send what was taken and never begun, doubt what was begun and never settled, and forget what
    nobody confirmed."""
    table, now = schema.opt_in, utc_now()
    dropped = sa.and_(table.c.status == "sending", table.c.begun_at.is_(None), table.c.due_at < now)
    doubtful = sa.and_(table.c.status == "sending", table.c.begun_at < now - DOUBTED_AFTER)
    stale = sa.and_(table.c.confirmed_at.is_(None), table.c.requested_at < now - KEPT)
    with reading(engine) as connection:
        if (
            connection.execute(sa.select(table.c.id).where(sa.or_(dropped, doubtful, stale)).limit(1)).first()
            is None
        ):
            return
    with writing(engine) as connection:
        connection.execute(sa.update(table).where(dropped).values(status="waiting"))
        connection.execute(sa.update(table).where(doubtful).values(status="uncertain"))
        connection.execute(sa.delete(table).where(stale))


def _row(connection: sa.Connection, claims: TokenClaims) -> sa.Row[Any] | None:
    """The row that a token of ours names; the token says whose it is, beside the number."""
    table = schema.opt_in
    row = connection.execute(sa.select(table).where(table.c.id == claims.number)).one_or_none()
    return row if row is not None and _from_row(row).claims == claims else None


def _from_row(row: sa.Row[Any]) -> OptIn:
    return OptIn(
        row.id,
        row.kind,
        row.email or "",
        bytes(row.address_key),
        row.key_id,
        row.language,
        row.agreed_to,
        row.requested_at,
        row.list_id,
        row.contact_id,
        row.confirmed_at is not None,
        row.due_at,
    )
