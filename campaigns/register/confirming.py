"""What a confirmed wish does to the register. Call this inside `permit.answering_a_no`.

Promise: the confirmation is the person's own fresh word, so it lifts what that person said before (an objection, a
pause, leaving that list) and nothing else; no mail that could be confirmed goes where a complaint stands. Who had
objected to everything and joins one list gets that list, and no other with it. Doing it again changes nothing.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from campaigns.address import parse_email
from campaigns.errors import NotFound, RefusedOperation
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register import (
    audit,
    bases,
    contacts,
    corrections,
    objections,
    opt_ins,
    own_words,
    provenance,
    subscriptions,
)
from campaigns.register.opt_ins import OPT_IN, OptIn
from campaigns.store import schema

ORIGIN: Final = "double opt-in"
#: What the person said themselves; the rest was recorded by others.
_OWN_WORDS: Final = ("objection", "on_pause")


def confirm(connection: sa.Connection, ring: KeyRing, found: OptIn) -> str | None:
    """Do what was asked, in the name of the contact whose mailbox it is; says why where it cannot be done as it stands,
    so that a person has to look.

    Raises:
        NotFound: the contact who asked is not known any more.
    """
    evidence = opt_ins.mark_confirmed(connection, found)
    if evidence is None:
        return None
    contact_id = found.contact_id or _contact(connection, ring, found, (evidence, OPT_IN))
    said = evidence, Principal(f"contact:{contact_id}")
    if found.kind == "move":
        return _move(connection, ring, found, said)
    lifted = _lift_own_words(connection, contact_id, *said)
    if found.list_id is not None:
        _join(connection, contact_id, found, said)
        if "objection" in lifted:
            _leave_the_others(connection, contact_id, found.list_id, said)
    return None


def _move(connection: sa.Connection, ring: KeyRing, found: OptIn, said: tuple[str, Principal]) -> str | None:
    evidence, principal = said
    correction = corrections.Correction({"email": found.email}, ORIGIN, "person", evidence)
    try:
        corrections.edit(connection, ring, found.contact_id or 0, correction, principal)
    except NotFound:
        raise
    except RefusedOperation as refused:  # the address is another contact's, whom this names by number
        return f"{evidence}; {refused}"
    return None


def _contact(connection: sa.Connection, ring: KeyRing, found: OptIn, said: tuple[str, Principal]) -> int:
    """The contact with this mailbox, made where there is none."""
    evidence, principal = said
    address = parse_email(found.email)
    keys = list(ring.fingerprints("address", address.comparison_text).values())
    known = contacts.by_keys(connection, "email_key", keys)
    if known:
        return int(min(row["id"] for row in known.values()))
    (new,) = contacts.reserve_ids(connection, 1)
    values = {"id": new, **contacts.email_keys(ring, address), "language": found.language}
    row = tuple(values.get(name) for name in contacts.NEW_COLUMNS)
    contacts.insert_many(connection, [row], ring.current_id("fingerprint"), principal)
    intake = provenance.Intake("opt_in", ORIGIN, "person", "consent", evidence, "", found.list_id)
    origin = provenance.Origin(0, frozenset({"email", "language"}))
    provenance.record_many(connection, provenance.begin(connection, intake, principal), {new: origin})
    audit.write(connection, audit.Entry(principal, "contact:register:add", [f"contact:{new}"], evidence))
    return new


def _lift_own_words(
    connection: sa.Connection, contact_id: int, evidence: str, principal: Principal
) -> set[str]:
    """Lift what this person said against all marketing or against e-mail; the kinds that were lifted."""
    own = own_words.takeable(connection, subscriptions.keys_of(connection, contact_id))
    no = schema.suppression.c
    rows = connection.execute(
        sa.select(no.id, no.kind).where(
            no.id.in_(own),
            no.kind.in_(_OWN_WORDS),
            no.lifted_at.is_(None),
            no.list_id == 0,
            no.channel.in_(("", "email")),
        )
    ).all()
    return {row.kind for row in rows if objections.lift(connection, row.id, evidence, principal)}


def _join(connection: sa.Connection, contact_id: int, found: OptIn, said: tuple[str, Principal]) -> None:
    evidence, principal = said
    list_id = found.list_id or 0
    subscriptions.join(connection, contact_id, list_id, evidence, principal)
    table = schema.mailing_list.c
    purpose = connection.execute(sa.select(table.purpose).where(table.id == list_id)).scalar_one()
    given = bases.Basis(purpose, "consent", None, evidence, found.text_version)
    bases.consent(connection, contact_id, given)


def _leave_the_others(
    connection: sa.Connection, contact_id: int, list_id: int, said: tuple[str, Principal]
) -> None:
    evidence, principal = said
    table = schema.subscription.c
    others = connection.execute(
        sa.select(table.list_id).where(
            table.contact_id == contact_id, table.list_id != list_id, table.status == "subscribed"
        )
    ).scalars()
    for other in others.all():
        wish = subscriptions.Unsubscription(contact_id, other, ORIGIN, evidence)
        subscriptions.unsubscribe(connection, wish, principal)
