"""What was wrongly one person becomes two: a new contact is split off one that is there.

Promise: nobody knows which of the two said "no", so what stands against the one stands against both; lists that it left
are left by both, and what it withdrew is withdrawn by both. The new contact gets what is told of it, and neither a list
nor a basis. Call it inside `permit.answering_a_no`. Fails with `InputError` or `RefusedOperation`,
and nothing has changed.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.address import parse_email
from campaigns.errors import InputError
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register import (
    addresses,
    audit,
    bases,
    contacts,
    objections,
    older_keys,
    persons,
    subscriptions,
)
from campaigns.register.corrections import (
    EDITABLE,
    Correction,
    keys_for,
    refuse_doubles,
    told_by,
    wanted_contact,
    wanted_values,
)
from campaigns.register.intake_rows import has_postal_address


def split_off(
    connection: sa.Connection, ring: KeyRing, contact_id: int, correction: Correction, principal: Principal
) -> dict[str, Any]:
    """Make a contact of what was told wrongly of another one; its number.

    A further address of the old contact may go with the new one.

    Raises:
        NotFound: there is no such contact.
        InputError: the values cannot be used, or make nobody who can be reached.
        RefusedOperation: the address is another contact's, or the one that the old one is written to.
    """
    demand(principal, Operation.CONTACT_MERGE)
    persons.alone(connection)
    old = wanted_contact(connection, contact_id)
    values = dict.fromkeys(EDITABLE) | wanted_values(correction.values)
    if not values["email"] and not has_postal_address(values):
        raise InputError("the new contact needs an e-mail address or a whole postal address")
    before = objections.subject_keys(persons.members(connection, old["id"]))
    if values["email"]:
        addresses.remove(connection, ring, old["id"], parse_email(values["email"]))
    keys = keys_for(ring, values)
    refuse_doubles(connection, ring, 0, values["email"])
    older_keys.carry_forward(connection, ring, older_keys.texts_of(values), principal)
    new = _insert(connection, values, keys, principal)
    both = [*before, *objections.subject_keys(persons.members(connection, new))]
    why = f"contact {old['id']}, of which contact {new} was split off: {correction.evidence}"
    noes = objections.spread(connection, both, why, principal)
    left = subscriptions.left_lists(connection, old["id"])
    for list_id in left:
        subscriptions.start_many(connection, list_id, {new: "unsubscribed"}, why, principal)
    bases.withdrawn(connection, old["id"], new)
    names = [name for name, value in values.items() if value]
    told_by(connection, new, "split", correction, names, principal)
    told = {f"contact:{new}": {name: values[name] for name in names}}
    subjects = [f"contact:{old['id']}", f"contact:{new}"]
    entry = audit.Entry(principal, "contact:register:split", subjects, correction.evidence, None, told)
    audit.write(connection, entry)
    return {"contact": old["id"], "new": new, "noes": noes, "left": left}


def _insert(
    connection: sa.Connection, values: dict[str, str | None], keys: dict[str, Any], principal: Principal
) -> int:
    (number,) = contacts.reserve_ids(connection, 1)
    cells = {**values, **keys, "id": number}
    row = [cells[name] for name in contacts.NEW_COLUMNS]
    contacts.insert_many(connection, [row], keys["key_id"], principal)
    return number
