"""Membership of mailing lists, with its whole history.

Promise: `unsubscribe` ends a subscription and records the "no" that outlives it (keyed by address and list), in the
caller's transaction and with one audit entry; doing it again changes nothing. Only `join`, on the person's own word,
turns the "no" to one list into a "yes"; no other "no" is touched here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.principal import Principal
from campaigns.register import audit, objections, own_words, persons
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
    """Leave one list for good, in all channels and as every contact of the same person; True when anything changed.

    Call it inside `permit.answering_a_no`. A contact that was erased in between is already beyond reach:
    nothing changes.
    """
    demand(principal, Operation.SUPPRESSION_ADD)
    persons.as_they_are(connection)
    members = persons.members(connection, wish.contact_id)
    changed = False
    for contact in sorted({member.contact for member in members}):
        theirs = replace(wish, contact_id=contact)
        changed = _end_subscription(connection, theirs, principal) or changed
    note(connection, _logged(wish, principal))
    for key in objections.subject_keys(members):
        no = objections.No(
            "unsubscribed", key, objections.Scope(list_id=wish.list_id), wish.origin, wish.evidence
        )
        changed = objections.record(connection, no, principal) or changed
    return changed


def object_to_marketing(
    connection: sa.Connection, contact_id: int, origin: str, evidence: str, principal: Principal
) -> bool:
    """No direct marketing at all, in any channel (GDPR Art. 21(2)-(3)); True when it is new."""
    demand(principal, Operation.SUPPRESSION_ADD)
    changed = False
    persons.as_they_are(connection)
    for key in keys_of(connection, contact_id):
        no = objections.No("objection", key, objections.Scope(), origin, evidence)
        changed = objections.record(connection, no, principal) or changed
    return changed


def join(
    connection: sa.Connection, contact_id: int, list_id: int, evidence: str, principal: Principal
) -> bool:
    """Join a list, or come back to it, on the person's own word (never on anybody else's); True when anything changed.

    An objection, a complaint or any other "no" that is not about this list stands as it stood.
    """
    demand(principal, Operation.SUPPRESSION_LIFT)
    own = own_words.takeable(connection, keys_of(connection, contact_id))
    no = schema.suppression.c
    left = connection.execute(
        sa.select(no.id).where(
            no.kind == "unsubscribed", no.list_id == list_id, no.lifted_at.is_(None), no.id.in_(own)
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
    """What a "no" of a contact is recorded against: every mailbox and postal address of the person, as far as they are
    known."""
    return objections.subject_keys(persons.members(connection, contact_id))


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


def left_lists(connection: sa.Connection, contact_id: int) -> list[int]:
    """The lists that a contact has left."""
    table = schema.subscription.c
    statement = sa.select(table.list_id).where(table.contact_id == contact_id, table.status == "unsubscribed")
    return sorted(connection.execute(statement).scalars())


def follow(
    connection: sa.Connection, kept: int, other: int, evidence: str, principal: Principal
) -> dict[int, str]:
    """Give a contact the subscriptions of another one that is the same person; the strictest word stands for each list.

    Whoever left a list as either of them has left it; one that only the other one has goes on. What waits for a
    confirmation stays where it is. Returns what changed: list -> status.
    """
    table = schema.subscription
    rows = connection.execute(
        sa.select(table.c.contact_id, table.c.list_id, table.c.status).where(
            table.c.contact_id.in_((kept, other))
        )
    ).all()
    had = {row.list_id: row.status for row in rows if row.contact_id == kept}
    theirs = {row.list_id: row.status for row in rows if row.contact_id == other}
    changed = {}
    for list_id, status in sorted(theirs.items()):
        if list_id not in had and status != "pending":
            start_many(connection, list_id, {kept: status}, evidence, principal)
            changed[list_id] = status
        elif status == "unsubscribed" and had.get(list_id) not in (None, "unsubscribed"):
            wish = Unsubscription(kept, list_id, "merge", evidence)
            _end_subscription(connection, wish, principal)
            changed[list_id] = status
    return changed


def forget(
    connection: sa.Connection, contact_id: int, lists: Collection[int], evidence: str, principal: Principal
) -> list[int]:
    """Take live subscriptions away that were another person's; which. The history keeps both ends."""
    table, now = schema.subscription, utc_now()
    gone = connection.execute(
        sa.delete(table)
        .where(
            table.c.contact_id == contact_id, table.c.list_id.in_(list(lists)), table.c.status == "subscribed"
        )
        .returning(table.c.list_id)
    )
    found = sorted(gone.scalars())
    shared = {"contact_id": contact_id, "changed_by": principal.name, "at": now, "evidence": evidence}
    rows = [(list_id, "unsubscribed") for list_id in found]
    bulk.insert(schema.subscription_history, connection, ("list_id", "status"), rows, shared)
    return found
