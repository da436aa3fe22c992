"""Requests of people as cases (GDPR Art. 12, 15-21): received, identified, then fulfilled or refused.

Promise: a request that was recorded has a last day and is never lost; the same matter heard twice is one case; the case
names the person by number or keyed fingerprint, never by address; nothing but an objection is fulfilled before the
person is identified (the schema holds that too); each step is attributed and audited. Of a document only its kind is
kept, and who looked at it when.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.errors import InputError, NotFound, RefusedOperation
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.rights import deadlines
from campaigns.rights.refusals import Refusal
from campaigns.store import schema
from campaigns.store.engine import writing
from campaigns.store.upsert import insert_into

RequestKind = Literal["access", "rectification", "erasure", "restriction", "objection", "portability"]
CameBy = Literal["operator", "page", "mail"]
How = Literal["mailbox", "document", "in_person"]
Document = Literal["passport", "identity_card", "driving_licence", "residence_permit"]

OPEN: Final = ("received", "identified")
#: Fulfilled by whoever takes it in: it is absolute, and nothing about it is to be decided.
_WISH: Final[frozenset[RequestKind]] = frozenset({"objection"})


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What somebody asks: of which kind, which way it came, who (a contact, else the fingerprint of an address).

    `reference` is a word that is equal for the same matter (None: a matter of its own); `received_at` None means now.
    """

    kind: RequestKind
    came_by: CameBy
    contact_id: int | None = None
    subject_key: bytes | None = None
    evidence: str = ""
    reference: str | None = None
    language: str | None = None
    received_at: datetime | None = None
    time_zone: str = deadlines.HOME


def open_request(connection: sa.Connection, asked: Asked, principal: Principal) -> int:
    """Open a request within the caller's transaction; its number, that of the same matter where it is known already.

    Raises:
        InputError: nobody is named, or it is said to have come in the future.
    """
    demand(principal, Operation.REQUEST_OPEN)
    now = utc_now()
    received = asked.received_at or now
    if asked.contact_id is None and asked.subject_key is None:
        raise InputError("a request is somebody's: name the contact, or an address")
    if received > now:
        raise InputError("a request cannot have come in the future")
    table = schema.rights_request
    opened: int | None = connection.execute(
        insert_into(table, connection)
        .values(
            kind=asked.kind,
            status="received",
            contact_id=asked.contact_id,
            subject_key=asked.subject_key,
            came_by=asked.came_by,
            reference=asked.reference,
            language=asked.language,
            evidence=asked.evidence,
            received_at=received,
            due_on=deadlines.due_on(received, asked.time_zone),
            opened_at=now,
            opened_by=principal.name,
        )
        .on_conflict_do_nothing(index_elements=["came_by", "reference"])
        .returning(table.c.id)
    ).scalar_one_or_none()
    if opened is None:
        same = sa.and_(table.c.came_by == asked.came_by, table.c.reference == asked.reference)
        return int(connection.execute(sa.select(table.c.id).where(same)).scalar_one())
    _audit(connection, opened, asked.contact_id, "open", principal)
    return opened


@dataclass(frozen=True)
class Identification:
    """How the person was recognised; of a document its kind."""

    how: How
    document: Document | None = None


def identify(engine: sa.Engine, request: int, found: Identification, principal: Principal) -> None:
    """Record that the person who asks is who they say.

    Raises:
        InputError: a document is looked at and its kind is not told, or the other way round.
        NotFound: there is no such request.
        RefusedOperation: it is closed, or identified already.
    """
    demand(principal, Operation.REQUEST_DECIDE)
    if (found.how == "document") != (found.document is not None):
        raise InputError("say which kind of document was looked at, and only then")
    with writing(engine) as connection:
        row = open_row(connection, request)
        if row["identified_at"] is not None:
            raise RefusedOperation(f"request {request} has been identified")
        values = {"identified_how": found.how, "document": found.document}
        _change(
            connection,
            request,
            {**values, "status": "identified", "identified_at": utc_now(), "identified_by": principal.name},
        )
        _audit(connection, request, row["contact_id"], "identify", principal, values)


def extend(
    engine: sa.Engine,
    request: int,
    reason: str,
    principal: Principal,
    *,
    months: int = deadlines.EXTENSION_MONTHS,
    time_zone: str = deadlines.HOME,
) -> date:
    """Lengthen the time for an answer, once; returns the new last day. The person has to be told within the first.

    Raises:
        InputError: there is no reason, or too many months.
        NotFound: there is no such request.
        RefusedOperation: it is closed, was extended before, or its first month is over.
    """
    demand(principal, Operation.REQUEST_DECIDE)
    if not reason.strip():
        raise InputError("an extension has a reason, which the person is told")
    if not 1 <= months <= deadlines.EXTENSION_MONTHS:
        raise InputError(f"an extension is of 1 to {deadlines.EXTENSION_MONTHS} months")
    with writing(engine) as connection:
        row = open_row(connection, request)
        if row["extended_at"] is not None:
            raise RefusedOperation(
                f"request {request} has been extended once, which is all that the law allows"
            )
        if deadlines.local_day(utc_now(), time_zone) > row["due_on"]:
            raise RefusedOperation(
                f"request {request} was due on {row['due_on']}; its time can no longer be extended"
            )
        until = deadlines.latest_extension(row["received_at"], months, time_zone)
        told = {"due_on": until, "extension_reason": reason.strip()}
        _change(connection, request, {**told, "extended_at": utc_now(), "extended_by": principal.name})
        _audit(connection, request, row["contact_id"], "extend", principal, {"due_on": until.isoformat()})
    return until


def refuse(engine: sa.Engine, request: int, refusal: Refusal, principal: Principal) -> str:
    """Refuse a request on a ground of the law; returns the answer to the person, which names the remedies.

    Raises:
        InputError: the ground does not fit, or no reason is given.
        NotFound: there is no such request.
        RefusedOperation: it is closed.
    """
    demand(principal, Operation.REQUEST_DECIDE)
    with writing(engine) as connection:
        row = open_row(connection, request)
        letter = refusal.letter(row["kind"], row["language"])
        _close(connection, row, "refused", principal, {"ground": refusal.ground, "decision": letter})
    return letter


def withdraw(engine: sa.Engine, request: int, principal: Principal) -> None:
    """Close a request that the person took back.

    Raises:
        NotFound: there is no such request.
        RefusedOperation: it is closed.
    """
    demand(principal, Operation.REQUEST_DECIDE)
    with writing(engine) as connection:
        _close(connection, open_row(connection, request), "withdrawn", principal)


def fulfil(
    connection: sa.Connection, request: int, kinds: frozenset[RequestKind], principal: Principal
) -> None:
    """Close a request as fulfilled, within the transaction that does what it asks; `kinds` are those that this fulfils.

    Raises:
        NotFound: there is no such request.
        RefusedOperation: it is closed, of another kind, or not identified.
    """
    if kinds != _WISH:
        demand(principal, Operation.REQUEST_DECIDE)
    row = identified_row(connection, request, kinds)
    _close(connection, row, "fulfilled", principal)


def identified_row(connection: sa.Connection, request: int, kinds: frozenset[RequestKind]) -> sa.RowMapping:
    """The row of a request that may be acted on now.

    Raises:
        NotFound: there is no such request.
        RefusedOperation: it is closed, of another kind, or not identified.
    """
    row = open_row(connection, request)
    if row["kind"] not in kinds:
        raise RefusedOperation(
            f"request {request} is one of {row['kind']}, not of {' or '.join(sorted(kinds))}"
        )
    if row["identified_at"] is None and row["kind"] != "objection":
        raise RefusedOperation(
            f"request {request}: nobody has identified the person; `utskick rights identify` records how"
        )
    return row


def open_row(connection: sa.Connection, request: int) -> sa.RowMapping:
    """The row of an open request, locked until the transaction ends.

    Raises:
        NotFound: there is no such request.
        RefusedOperation: it is closed.
    """
    table = schema.rights_request
    found = connection.execute(sa.select(table).where(table.c.id == request).with_for_update())
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no request {request}")
    if row["status"] not in OPEN:
        raise RefusedOperation(f"request {request} is closed: it was {row['status']}")
    return row


def name_contact(connection: sa.Connection, request: int, contact_id: int, principal: Principal) -> None:
    """Say whose an open request is, which came without a contact.

    Raises:
        NotFound: there is no such request.
        RefusedOperation: it is closed, or somebody else's.
    """
    demand(principal, Operation.REQUEST_DECIDE)
    row = open_row(connection, request)
    if row["contact_id"] not in (None, contact_id):
        raise RefusedOperation(f"request {request} is that of contact {row['contact_id']}")
    _change(connection, request, {"contact_id": contact_id})
    _audit(connection, request, contact_id, "name", principal)


def _close(
    connection: sa.Connection,
    row: sa.RowMapping,
    status: str,
    principal: Principal,
    more: dict[str, Any] | None = None,
) -> None:
    closed = {"status": status, "closed_at": utc_now(), "closed_by": principal.name, **(more or {})}
    _change(connection, row["id"], closed)
    told = {"status": status, **({"ground": more["ground"]} if more else {})}
    _audit(connection, row["id"], row["contact_id"], "close", principal, told)


def _change(connection: sa.Connection, request: int, values: dict[str, Any]) -> None:
    table = schema.rights_request
    connection.execute(sa.update(table).where(table.c.id == request).values(values))


def _audit(
    connection: sa.Connection,
    request: int,
    contact_id: int | None,
    action: str,
    principal: Principal,
    new: dict[str, Any] | None = None,
) -> None:
    subjects = [f"request:{request}", *([f"contact:{contact_id}"] if contact_id is not None else [])]
    audit.write(connection, audit.Entry(principal, f"rights:request:{action}", subjects, "", None, new))
