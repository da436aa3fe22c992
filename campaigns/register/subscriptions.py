"""Membership of mailing lists, with its whole history.

Promise: `unsubscribe` ends a subscription and records the "no" that outlives it (keyed by address and list), in the
caller's transaction and with one audit entry; doing it again changes nothing. Nothing here turns a "no" into a "yes".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.principal import Principal
from campaigns.register import audit, objections
from campaigns.register.opt_out_log import LoggedWord, note
from campaigns.store import bulk, schema


@dataclass(frozen=True)
class Unsubscription:
    """A person leaves one list: who, which list, where the wish came in, on what evidence."""

    contact_id: int
    list_id: int
    origin: str
    evidence: str


def unsubscribe(connection: sa.Connection, wish: Unsubscription, principal: Principal) -> bool:
    """Leave one list for good, in all channels; True when anything changed.

    Call it inside `permit.answering_a_no`. A contact that was erased in between is already beyond reach:
    nothing changes.
    """
    changed = _end_subscription(connection, wish, principal)
    keys = keys_of(connection, wish.contact_id)
    note(connection, _logged(wish, principal))
    for key in keys:
        no = objections.No(
            "unsubscribed", key, objections.Scope(list_id=wish.list_id), wish.origin, wish.evidence
        )
        changed = objections.suppress(connection, no, principal) or changed
    return changed


def object_to_marketing(
    connection: sa.Connection, contact_id: int, origin: str, evidence: str, principal: Principal
) -> bool:
    """No direct marketing at all, in any channel (GDPR Art. 21(2)-(3)); True when it is new."""
    changed = False
    for key in keys_of(connection, contact_id):
        no = objections.No("objection", key, objections.Scope(), origin, evidence)
        changed = objections.suppress(connection, no, principal) or changed
    return changed


def _logged(wish: Unsubscription, principal: Principal) -> LoggedWord:
    return LoggedWord(
        word="leave",
        kind="unsubscribed",
        list_id=wish.list_id,
        contact=wish.contact_id,
        origin=wish.origin,
        by=principal.name,
    )


def _end_subscription(connection: sa.Connection, wish: Unsubscription, principal: Principal) -> bool:
    table, now = schema.subscription, utc_now()
    ended = connection.execute(
        sa.update(table)
        .where(
            table.c.contact_id == wish.contact_id,
            table.c.list_id == wish.list_id,
            table.c.status != "unsubscribed",
        )
        .values(status="unsubscribed", since=now, changed_by=principal.name)
    ).rowcount
    if not ended:
        return False
    connection.execute(
        sa.insert(schema.subscription_history).values(
            list_id=wish.list_id,
            contact_id=wish.contact_id,
            status="unsubscribed",
            at=now,
            changed_by=principal.name,
            evidence=wish.evidence,
        )
    )
    subjects = [f"contact:{wish.contact_id}", f"list:{wish.list_id}"]
    entry = audit.Entry(
        principal,
        "contact:subscription:unsubscribe",
        subjects,
        wish.evidence,
        {"status": "subscribed"},
        {"status": "unsubscribed"},
    )
    audit.write(connection, entry)
    return True


def keys_of(connection: sa.Connection, contact_id: int) -> list[objections.SubjectKey]:
    """What a "no" of a contact is recorded against: the mailbox and the postal address, as far as they are known."""
    contact = schema.contact
    row = connection.execute(
        sa.select(contact.c.email_key, contact.c.postal_key, contact.c.key_id).where(
            contact.c.id == contact_id
        )
    ).one_or_none()
    if row is None:
        return []
    keys = []
    if row.email_key is not None:
        keys.append(objections.SubjectKey("address", row.key_id, row.email_key))
    if row.postal_key is not None:  # who comes back without the address is still the person
        keys.append(objections.SubjectKey("postal", row.key_id, row.postal_key))
    return keys


def statuses(connection: sa.Connection, list_id: int, contacts: Collection[int]) -> dict[int, str]:
    """The status of each of these contacts that has a subscription to the list."""
    table = schema.subscription
    statement = sa.select(table.c.contact_id, table.c.status).where(table.c.list_id == list_id)
    return {
        row.contact_id: row.status
        for row in bulk.matching(connection, statement, table.c.contact_id, contacts)
    }


def start_many(
    connection: sa.Connection, list_id: int, wanted: Mapping[int, str], evidence: str, principal: Principal
) -> None:
    """Make the first subscription of contacts to a list (contact -> status), with its history."""
    if not wanted:
        return
    now = utc_now()
    shared = {"list_id": list_id, "changed_by": principal.name}
    names = ("contact_id", "status")
    bulk.insert(schema.subscription, connection, names, wanted.items(), {**shared, "since": now})
    kept = {**shared, "at": now, "evidence": evidence}
    bulk.insert(schema.subscription_history, connection, names, wanted.items(), kept)
