"""Membership of mailing lists, with its whole history.

Promise: `unsubscribe` ends a subscription and records the "no" that outlives it (keyed by address and list), in the
caller's transaction and with one audit entry; doing it again changes nothing. Only `join`, on the person's own word,
turns the "no" to one list into a "yes"; no other "no" is touched here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

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


def join(
    connection: sa.Connection, contact_id: int, list_id: int, evidence: str, principal: Principal
) -> bool:
    """Join a list, or come back to it, on the person's own word (never on anybody else's); True when anything changed.

    An objection, a complaint or any other "no" that is not about this list stands as it stood.
    """
    keys = [key.key for key in keys_of(connection, contact_id)]
    no = schema.suppression.c
    left = connection.execute(
        sa.select(no.id).where(
            no.kind == "unsubscribed", no.list_id == list_id, no.lifted_at.is_(None), no.subject_key.in_(keys)
        )
    ).scalars()
    lifted = [objections.lift(connection, it, evidence, principal) for it in left.all()]
    return _begin_subscription(connection, contact_id, list_id, evidence, principal) or any(lifted)


def _begin_subscription(
    connection: sa.Connection, contact_id: int, list_id: int, evidence: str, principal: Principal
) -> bool:
    before = statuses(connection, list_id, [contact_id]).get(contact_id)
    if before == "subscribed":
        return False
    if before is None:
        start_many(connection, list_id, {contact_id: "subscribed"}, evidence, principal)
    else:
        wish = Unsubscription(contact_id, list_id, "", evidence)
        note(connection, replace(_logged(wish, principal), word="lift"))
        _set_status(connection, wish, "subscribed", principal)
    entry = audit.Entry(
        principal,
        "contact:subscription:join",
        [f"contact:{contact_id}", f"list:{list_id}"],
        evidence,
        None if before is None else {"status": before},
        {"status": "subscribed"},
    )
    audit.write(connection, entry)
    return True


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
    if not _set_status(connection, wish, "unsubscribed", principal):
        return False
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


def _set_status(connection: sa.Connection, wish: Unsubscription, status: str, principal: Principal) -> bool:
    table, now = schema.subscription, utc_now()
    changed = connection.execute(
        sa.update(table)
        .where(
            table.c.contact_id == wish.contact_id,
            table.c.list_id == wish.list_id,
            table.c.status != status,
        )
        .values(status=status, since=now, changed_by=principal.name)
    ).rowcount
    if not changed:
        return False
    connection.execute(
        sa.insert(schema.subscription_history).values(
            list_id=wish.list_id,
            contact_id=wish.contact_id,
            status=status,
            at=now,
            changed_by=principal.name,
            evidence=wish.evidence,
        )
    )
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
