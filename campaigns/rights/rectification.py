"""Rectification and restriction (GDPR Art. 16 and 18): done at once, held by the gate, and told on (Art. 19).

Promise: once the caller may answer, nothing goes to an address of before, queued or in a worker's hands, and nothing at
all to whom is restricted; everybody who got the data has a row of what they must be told. A restriction is lifted only
after the person has been told so (Art. 18(3)). Call what takes a connection inside `permit.answering_a_no`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.errors import InputError, RefusedOperation
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register import corrections, objections
from campaigns.register.corrections import Correction
from campaigns.register.permit import answering_a_no
from campaigns.rights import reach, requests, telling, wishes
from campaigns.rights.deadlines import local_day
from campaigns.rights.requests import RequestKind
from campaigns.rights.telling import News
from campaigns.store import schema

_RECTIFICATION: Final[frozenset[RequestKind]] = frozenset({"rectification"})
_RESTRICTION: Final[frozenset[RequestKind]] = frozenset({"restriction"})


def correct(
    connection: sa.Connection, ring: KeyRing, contact_id: int, correction: Correction, principal: Principal
) -> dict[str, Any]:
    """Correct a contact on whoever's initiative, and note whom to tell; the fields that changed.

    Raises:
        NotFound, InputError, RefusedOperation: as `corrections.edit`.
    """
    return _correct(connection, ring, contact_id, correction, principal, None)


def rectify(
    engine: sa.Engine, ring: KeyRing, request: int, values: Mapping[str, str], principal: Principal
) -> dict[str, Any]:
    """Do what an identified request for rectification asks; the fields that changed, and how many are to be told.

    Raises:
        NotFound: there is no such request, or no such contact.
        InputError: a field or a value cannot be used.
        RefusedOperation: the request may not be acted on, or the address belongs to another contact.
        Unreachable: the database is away, or the outcome is unknown; do it again.
    """
    demand(principal, Operation.REQUEST_DECIDE)
    with answering_a_no(engine) as connection:
        contact = _whose(connection, request, _RECTIFICATION)
        said = Correction(values, "the person", "person", f"request {request}")
        changed = _correct(connection, ring, contact, said, principal, request)
        requests.fulfil(connection, request, _RECTIFICATION, principal)
    return changed


def restrict(engine: sa.Engine, ring: KeyRing, request: int, principal: Principal) -> int:
    """Do what an identified request for restriction asks; how many are to be told.

    Raises:
        NotFound: there is no such request, or no such contact.
        RefusedOperation: the request may not be acted on.
        Unreachable: the database is away, or the outcome is unknown; do it again.
    """
    demand(principal, Operation.REQUEST_DECIDE)
    with answering_a_no(engine) as connection:
        contact = _whose(connection, request, _RESTRICTION)
        keys = wishes.keys_of(connection, contact)
        wishes.say_no(connection, "restricted", keys, f"request {request}", principal)
        whose = reach.person(connection, ring, contact)
        told = telling.note(connection, whose, News("restriction", (), request), principal)
        requests.fulfil(connection, request, _RESTRICTION, principal)
    return told


def lift_restriction(
    connection: sa.Connection, ring: KeyRing, contact_id: int, informed_on: date, principal: Principal
) -> int:
    """End the restriction of a contact who has been told before; how many restrictions ended.

    Raises:
        InputError: the day on which they were told has not come.
        NotFound: there is no such contact.
        RefusedOperation: no restriction stands.
    """
    demand(principal, Operation.REQUEST_DECIDE)
    if informed_on > local_day(utc_now()):
        raise InputError("a person is told before a restriction is lifted (GDPR Art. 18(3)), not after")
    whose = reach.person(connection, ring, contact_id)
    keys = reach.present_keys(connection, ring, whose.contacts)
    no = schema.suppression.c
    standing = connection.execute(
        sa.select(no.id).where(no.kind == "restricted", no.lifted_at.is_(None), no.subject_key.in_(keys))
    ).scalars()
    evidence = f"the person was told on {informed_on.isoformat()}"
    lifted = [objections.lift(connection, it, evidence, principal) for it in standing.all()]
    if not any(lifted):
        raise RefusedOperation(f"no restriction of contact {contact_id} stands")
    telling.note(connection, whose, News("restriction_lifted"), principal)
    return sum(lifted)


def _whose(connection: sa.Connection, request: int, kinds: frozenset[RequestKind]) -> int:
    row = requests.identified_row(connection, request, kinds)
    contact: int | None = row["contact_id"]
    if contact is None:
        raise RefusedOperation(f"request {request} is nobody's in the register; name the contact first")
    return contact


def _correct(
    connection: sa.Connection,
    ring: KeyRing,
    contact_id: int,
    correction: Correction,
    principal: Principal,
    request: int | None,
) -> dict[str, Any]:
    changed = corrections.edit(connection, ring, contact_id, correction, principal)
    if changed:
        whose = reach.person(connection, ring, contact_id)
        telling.note(connection, whose, News("correction", tuple(changed), request), principal)
    return changed
