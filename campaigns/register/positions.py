"""Where a contact works, from when to when: a person at several companies over time.

Promise: a contact has one present position at a company; what a company forbade holds for as long as the contact works
there. A basis that rests on the duties at a company ends with the position: the next company's lists begin only with a
basis of their own. Call it inside `permit.answering_a_no`. Fails with `InputError`, and nothing has changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import iso, utc_now
from campaigns.errors import InputError
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register import audit, bases, companies, older_keys, persons
from campaigns.register.business_id import business_id
from campaigns.register.corrections import Correction, told_by, wanted_contact


@dataclass(frozen=True)
class Held:
    """A position: at which company (by name or business id, or both), what it is called, from when to when."""

    company: str
    business_id: str = ""
    name: str = ""
    since: datetime | None = None
    until: datetime | None = None


def hold(
    connection: sa.Connection,
    ring: KeyRing,
    contact_id: int,
    held: Held,
    said: tuple[Correction, Principal],
) -> dict[str, Any]:
    """Say that a contact holds a position, renames it, or held it until then; what changed.

    Raises:
        NotFound: there is no such contact.
        InputError: no company is named, or the span cannot be.
    """
    correction, principal = said
    demand(principal, Operation.CONTACT_EDIT)
    persons.alone(connection)
    contact = wanted_contact(connection, contact_id)["id"]
    _check(held)
    company = _company(connection, ring, held, principal)
    before = companies.positions_of(connection, [contact]).get((contact, company))
    if before is None:
        companies.start_positions(connection, {(contact, company): held.name}, principal)
    elif held.name and held.name != before:
        companies.rename_positions(connection, {(contact, company): held.name})
    since = held.since or (held.until if before is None else None)
    companies.set_span(connection, (contact, company), since, held.until)
    left = held.until is not None and before is not None
    ended = bases.end_of_duty(connection, contact) if left else []
    told_by(connection, contact, "edit", correction, ["position"], principal)
    new = {
        "position": held.name or before,
        "since": iso(held.since) if held.since else None,
        "until": iso(held.until) if held.until else None,
        "bases_ended": ended,
    }
    subjects = [f"contact:{contact}", f"company:{company}"]
    old = {"position": before} if before is not None else None
    entry = audit.Entry(principal, "contact:position:edit", subjects, correction.evidence, old, new)
    audit.write(connection, entry)
    return {"contact": contact, "company": company, "bases_ended": ended}


def _check(held: Held) -> None:
    if not held.company.strip() and not held.business_id.strip():
        raise InputError("a position names its company, by name or by business id")
    now = utc_now()
    if held.until is not None and held.until > now:
        raise InputError("--to: a position ends when it has ended; say it then")
    if held.since is not None and held.since > (held.until or now):
        raise InputError("--from: is later than its end")


def _company(connection: sa.Connection, ring: KeyRing, held: Held, principal: Principal) -> int:
    number = business_id(held.business_id) if held.business_id.strip() else ""
    text = companies.company_text(held.company, number)
    older_keys.carry_forward(connection, ring, [("company", text)], principal)
    key = ring.fingerprint("company", text)
    name = " ".join(held.company.split())
    return companies.companies_by_key(connection, ring, {key: (name, number)}, principal)[key]
