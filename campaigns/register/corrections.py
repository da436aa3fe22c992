"""Rectification: what is held on a contact is corrected (GDPR Art. 16), also where a message is queued already.

Promise: the fingerprints change together with the values; what the person forbade under the old address or postal
address is forbidden under the new one as well; the origin of each corrected field is kept. Call it inside
`permit.answering_a_no`: once the caller may answer, nothing goes to the old address any more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.address import parse_email
from campaigns.errors import InputError, NotFound, RefusedOperation
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register import addresses, audit, contacts, objections, older_keys, persons, provenance
from campaigns.register.intake_rows import RowRefused, has_postal_address, read_values
from campaigns.store import schema

_SUBJECTS: Final[Mapping[objections.Subject, str]] = {"address": "email_key", "postal": "postal_key"}
EDITABLE: Final = ("email", *contacts.PERSON_COLUMNS)
#: What fingerprints are made of.
_KEYED: Final = frozenset({"email", "first_name", "last_name", "street", "postal_code", "city", "country"})


@dataclass(frozen=True)
class Correction:
    """What is to stand from now on ("" empties a field), where that is known from, and what proves it."""

    values: Mapping[str, str]
    source: str
    source_class: str
    evidence: str


def edit(
    connection: sa.Connection, ring: KeyRing, contact_id: int, correction: Correction, principal: Principal
) -> dict[str, Any]:
    """Correct a contact (of merged ones the one that was kept); returns the fields that changed, with their new values.

    Raises:
        NotFound: there is no such contact, or it was erased.
        InputError: a field or a value cannot be used.
        RefusedOperation: the address belongs to another contact.
    """
    demand(principal, Operation.CONTACT_EDIT)
    if not _KEYED.isdisjoint(correction.values):
        persons.alone(connection)
    row = wanted_contact(connection, contact_id)
    contact_id = row["id"]
    wanted = wanted_values(correction.values)
    new = {name: wanted.get(name, row[name]) for name in EDITABLE}
    changed = {name: new[name] for name in EDITABLE if new[name] != row[name]}
    if not changed:
        return {}
    if not new["email"] and not has_postal_address(new):
        raise InputError("a contact needs an e-mail address or a whole postal address")
    keys = _present_keys(row) if _KEYED.isdisjoint(changed) else keys_for(ring, new)
    refuse_doubles(connection, ring, contact_id, new["email"])
    if new["email"] and addresses.remove(connection, ring, contact_id, parse_email(new["email"])):
        _keep_as_further(connection, ring, row, principal)
    contacts.correct(connection, contact_id, {**new, **keys}, principal)
    if not _KEYED.isdisjoint(changed):
        older_keys.carry_forward(connection, ring, older_keys.texts_of(new), principal)
        carry_over(connection, row, keys, principal)
    told_by(connection, contact_id, "edit", correction, changed, principal)
    old = {name: row[name] for name in changed}
    entry = audit.Entry(
        principal, "contact:register:edit", [f"contact:{contact_id}"], correction.evidence, old, changed
    )
    audit.write(connection, entry)
    return changed


def add_address(
    connection: sa.Connection, ring: KeyRing, contact_id: int, correction: Correction, principal: Principal
) -> bool:
    """Give a contact a further address (`correction.values["email"]`), which is known and not written to; False where
    it stood already. What stands against it or the person stands against both.

    Raises:
        NotFound, InputError, RefusedOperation: as `edit`.
    """
    demand(principal, Operation.CONTACT_EDIT)
    persons.alone(connection)
    row = wanted_contact(connection, contact_id)
    contact_id = row["id"]
    address = parse_email(wanted_values(correction.values)["email"] or "")
    refuse_doubles(connection, ring, contact_id, address.wire)
    if contacts.by_keys(connection, "email_key", _all_keys(ring, address.wire)):
        return False
    older_keys.carry_forward(connection, ring, older_keys.address_texts(address), principal)
    addresses.add(connection, ring, row["id"], address, principal)
    known = objections.subject_keys(persons.members(connection, contact_id))
    objections.spread(connection, known, "a further address of the same person", principal)
    told_by(connection, contact_id, "edit", correction, ["further_address"], principal)
    new = {"further_address": address.wire}
    entry = audit.Entry(
        principal, "contact:address:add", [f"contact:{contact_id}"], correction.evidence, None, new
    )
    audit.write(connection, entry)
    return True


def remove_address(
    connection: sa.Connection, ring: KeyRing, contact_id: int, address: str, said: tuple[str, Principal]
) -> bool:
    """Take a further address from a contact, on that evidence; what was said under it stays said."""
    evidence, principal = said
    contact_id = persons.root(connection, contact_id)
    gone = parse_email(address)
    if not addresses.remove(connection, ring, contact_id, gone):
        return False
    old = {"further_address": gone.wire}
    audit.write(
        connection, audit.Entry(principal, "contact:address:remove", [f"contact:{contact_id}"], evidence, old)
    )
    return True


def _keep_as_further(
    connection: sa.Connection, ring: KeyRing, before: sa.RowMapping, principal: Principal
) -> None:
    """The address that was written to until now stays known."""
    if before["email"]:
        addresses.add(connection, ring, before["id"], parse_email(before["email"]), principal)


def told_by(
    connection: sa.Connection,
    contact_id: int,
    kind: str,
    correction: Correction,
    names: Collection[str],
    principal: Principal,
) -> None:
    """Record where fields of a contact come from by now."""
    intake = provenance.Intake(
        kind, correction.source, correction.source_class, None, correction.evidence, ""
    )
    intake_id = provenance.begin(connection, intake, principal)
    provenance.record_many(connection, intake_id, {contact_id: provenance.Origin(0, frozenset(names))})


def wanted_contact(connection: sa.Connection, contact_id: int) -> sa.RowMapping:
    """The contact that a number means, of merged ones the one that was kept.

    Raises:
        NotFound: there is none, or it was erased.
    """
    table = schema.contact
    contact_id = persons.root(connection, contact_id)
    row = connection.execute(sa.select(table).where(table.c.id == contact_id)).mappings().one_or_none()
    if row is None or row["erased_at"] is not None:
        raise NotFound(f"there is no contact {contact_id}")
    return row


def wanted_values(values: Mapping[str, str]) -> dict[str, str | None]:
    """Values of fields as the register takes them; None for one that is emptied.

    Raises:
        InputError: a field or a value cannot be used.
    """
    unknown = sorted(set(values) - set(EDITABLE))
    if unknown:
        raise InputError(f"{unknown[0]}: is no field of a contact; there are {', '.join(EDITABLE)}")
    try:
        read, left_out = read_values(values)
    except RowRefused as refused:
        raise InputError(str(refused)) from None
    if left_out:
        raise InputError(f"{left_out[0]}: is no {left_out[0]} that is known")
    return {name: read.get(name) for name in values}


def keys_for(ring: KeyRing, new: Mapping[str, str | None]) -> dict[str, Any]:
    """The fingerprints that belong to a contact's values, under the present key."""
    address = parse_email(new["email"]) if new["email"] else None
    return {
        **contacts.email_keys(ring, address),
        "postal_key": ring.fingerprint("postal", contacts.postal_text(new))
        if has_postal_address(new)
        else None,
        "key_id": ring.current_id("fingerprint"),
    }


def _present_keys(row: sa.RowMapping) -> dict[str, Any]:
    """The fingerprints that a contact has, under whichever key they were made."""
    return {name: row[name] for name in ("email_key", "domain_key", "postal_key", "key_id")}


def _all_keys(ring: KeyRing, address: str) -> list[bytes]:
    return list(ring.fingerprints("address", parse_email(address).comparison_text).values())


def refuse_doubles(connection: sa.Connection, ring: KeyRing, contact_id: int, address: str | None) -> None:
    """Refuse an address that is another contact's, under whichever key that was written."""
    others = contacts.by_keys(connection, "email_key", _all_keys(ring, address) if address else [])
    taken = next((row["id"] for row in others.values() if row["id"] != contact_id), None)
    if taken is not None:
        raise RefusedOperation(f"the address belongs to contact {taken}")


def carry_over(
    connection: sa.Connection, before: sa.RowMapping, keys: Mapping[str, Any], principal: Principal
) -> None:
    """What the person said stands against the person, wherever the person is reached; what is known of an address stays
    with it under a new key."""
    table = schema.suppression
    own = [key for key in (before["email_key"], before["postal_key"]) if key is not None]
    standing = connection.execute(
        sa.select(table).where(table.c.subject_key.in_(own), table.c.lifted_at.is_(None))
    ).all()
    same_address = keys["email"] is not None and before["email"] == keys["email"]
    for no in standing:
        for subject, name in _SUBJECTS.items():
            about_it = same_address and subject == "address" and no.subject_key == before[name]
            if no.kind not in objections.FOLLOWING and not about_it:
                continue
            if keys[name] is not None and keys[name] != before[name]:
                key = objections.SubjectKey(subject, keys["key_id"], keys[name])
                scope = objections.Scope(no.list_id, no.purpose, no.channel)
                evidence = f"suppression {no.id} of the same person"
                again = objections.No(no.kind, key, scope, no.origin, evidence, no.until)
                objections.suppress(connection, again, principal)
