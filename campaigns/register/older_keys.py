"""Fingerprints under older keys: a "no" that was written under one counts as if it had been written today.

Promise: once `carry_forward` has been called for what a contact is known by, every live "no" of it, of whatever kind
and scope, stands under the present key too, which is the one that the gate compares. A register with one key asks
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from campaigns.address import EmailAddress, parse_email
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register import contacts, objections
from campaigns.register.intake_rows import has_postal_address
from campaigns.store import bulk, schema

Text = tuple[objections.Subject, str]


def texts_of(values: Mapping[str, str | None]) -> list[Text]:
    """What a contact's values are known by."""
    texts: list[Text] = []
    if values["email"]:
        texts += address_texts(parse_email(values["email"]))
    if has_postal_address(values):
        texts.append(("postal", contacts.postal_text(values)))
    return texts


def address_texts(address: EmailAddress) -> list[Text]:
    """What an e-mail address is known by."""
    return [("address", address.comparison_text), ("domain", address.domain)]


def carry_forward(
    connection: sa.Connection, ring: KeyRing, texts: Collection[Text], principal: Principal
) -> None:
    """Write every live "no" that stands under an older key of these again under the present one. Call it inside
    `permit.answering_a_no`."""
    current = ring.current_id("fingerprint")
    if len(ring.keys["fingerprint"]) == 1:
        return
    present: dict[bytes, bytes] = {}
    for subject, text in texts:
        keys = ring.fingerprints(subject, text)
        present |= {key: keys[current] for key_id, key in keys.items() if key_id != current}
    table = schema.suppression.c
    statement = sa.select(table.id, table.subject, table.subject_key).where(table.lifted_at.is_(None))
    for no in bulk.matching(connection, statement, table.subject_key, present):
        key = objections.SubjectKey(no.subject, current, present[bytes(no.subject_key)])
        carry_one_forward(connection, no.id, key, principal)


def carry_one_forward(
    connection: sa.Connection, suppression: int, key: objections.SubjectKey, principal: Principal
) -> None:
    """Write one "no" again under another key; of two pauses the longer one stands under both."""
    table = schema.suppression
    no = connection.execute(sa.select(table).where(table.c.id == suppression)).one()
    evidence = f"suppression {no.id} under an older key"
    if no.until is not None:
        older = objections.SubjectKey(no.subject, no.key_id, bytes(no.subject_key))
        objections.spread(connection, [older, key], evidence, principal)
        return
    scope = objections.Scope(no.list_id, no.purpose, no.channel)
    objections.suppress(connection, objections.No(no.kind, key, scope, no.origin, evidence), principal)
