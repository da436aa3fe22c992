"""Contacts that are one person are merged, and parted again where that was wrong.

Promise: nothing revives a "no". What stands against either stands against both from then on, also after they have been
parted: only the person's own word lifts it. The merged contact keeps its own rows (deliveries, history, origins), and
what is asked about it is answered for the person. The kept one gets what it lacks: fields, present positions,
subscriptions, bases, extra fields; the events become its own. `part` takes back what came of a merge and has not been
changed since. Call both inside `permit.answering_a_no`. Fails with `RefusedOperation`, and nothing has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.errors import NotFound, RefusedOperation
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register import (
    audit,
    bases,
    companies,
    contacts,
    events,
    fields,
    objections,
    older_keys,
    persons,
    provenance,
    subscriptions,
)
from campaigns.register.corrections import EDITABLE, carry_over, keys_for
from campaigns.register.intake_rows import has_postal_address
from campaigns.store import schema

#: An address is taken over as a whole or not at all.
_POSTAL: Final = ("street", "postal_code", "city", "country")


@dataclass(frozen=True)
class Pair:
    """The contact that is kept, and the other one that is the same person."""

    kept: int
    other: int

    @property
    def subjects(self) -> list[str]:
        """Both, for the audit log."""
        return [f"contact:{self.kept}", f"contact:{self.other}"]


def merge(
    connection: sa.Connection, ring: KeyRing, pair: Pair, evidence: str, principal: Principal
) -> dict[str, Any]:
    """Merge two contacts; returns what the kept one got, by kind, and how many suppressions were carried over.

    Raises:
        NotFound: one of them does not exist, or was erased.
        RefusedOperation: one of them was merged already, or both are the same contact.
    """
    demand(principal, Operation.CONTACT_MERGE)
    persons.alone(connection)
    kept, other = _both(connection, pair)
    noes = _spread(connection, pair, evidence, principal)
    filled = _filled(kept, other)
    if filled:
        new = {name: kept[name] for name in EDITABLE} | filled
        keys = keys_for(ring, new)
        older_keys.carry_forward(connection, ring, older_keys.texts_of(new), principal)
        contacts.correct(connection, pair.kept, {**new, **keys}, principal)
        carry_over(connection, kept, keys, principal)
    contacts.set_merged(connection, pair.other, pair.kept, principal)
    noes += _spread(connection, pair, evidence, principal)
    why = f"merge of contact {pair.other}: {evidence}"
    changed = subscriptions.follow(connection, pair.kept, pair.other, why, principal)
    begun = [number for number, status in changed.items() if status == "subscribed"]
    moved = {"subscriptions": begun, **_moved(connection, pair, filled, principal)}
    _open(connection, pair, moved, evidence, principal)
    old = {f"contact:{row['id']}": {name: row[name] for name in EDITABLE} for row in (kept, other)}
    # The values stand under the one whose they are: after a parting the kept one must not tell of them.
    done = {"filled": sorted(filled), "subscriptions": changed, "noes": noes, "moved": moved}
    new = {f"contact:{pair.kept}": done}
    audit.write(
        connection, audit.Entry(principal, "contact:register:merge", pair.subjects, evidence, old, new)
    )
    left = sorted(number for number, status in changed.items() if status == "unsubscribed")
    return {**moved, "left": left, "noes": noes}


def part(
    connection: sa.Connection, ring: KeyRing, contact_id: int, evidence: str, principal: Principal
) -> dict[str, Any]:
    """Part a merged contact from the one that was kept; returns what that one lost again, by kind.

    Raises:
        NotFound: there is no such contact.
        RefusedOperation: it was not merged, or the kept one was itself merged since.
    """
    demand(principal, Operation.CONTACT_MERGE)
    persons.alone(connection)
    row = _row(connection, contact_id)
    merged = _standing(connection, contact_id)
    if row["merged_into"] is None or merged is None:
        raise RefusedOperation(f"contact {contact_id} was not merged into another one")
    pair = Pair(merged.kept_id, contact_id)
    kept = _row(connection, pair.kept)
    if kept["merged_into"] is not None:
        raise RefusedOperation(
            f"contact {pair.kept} was merged into contact {kept['merged_into']} since; part those two first"
        )
    noes = _spread(connection, pair, evidence, principal)
    emptied = _emptied(connection, ring, pair, merged.moved, principal)
    lost = {"fields": emptied, **_take_back(connection, pair, merged.moved, evidence, principal)}
    old = {name: kept[name] for name in lost["fields"]}
    contacts.set_merged(connection, contact_id, None, principal)
    _close(connection, merged.id, principal)
    entry = audit.Entry(
        principal,
        "contact:register:part",
        pair.subjects,
        evidence,
        {f"contact:{pair.other}": old},
        {f"contact:{pair.kept}": {"lost": lost, "noes": noes}},
    )
    audit.write(connection, entry)
    return {"kept": pair.kept, **lost}


def _moved(
    connection: sa.Connection, pair: Pair, filled: Mapping[str, Any], principal: Principal
) -> dict[str, Any]:
    """What else the kept contact gets, as `contact_merge` remembers it."""
    origins = provenance.follow(connection, pair.kept, pair.other, filled)
    return {
        "fields": sorted(filled),
        "bases": bases.follow(connection, pair.kept, pair.other, principal),
        "positions": companies.follow(connection, pair.kept, pair.other),
        "extra": fields.follow(connection, pair.kept, pair.other),
        "events": events.move(connection, pair.other, pair.kept),
        "origins": {str(intake): names for intake, names in origins.items()},
    }


def _both(connection: sa.Connection, pair: Pair) -> tuple[sa.RowMapping, sa.RowMapping]:
    if pair.kept == pair.other:
        raise RefusedOperation("a contact cannot be merged with itself")
    rows = _row(connection, pair.kept), _row(connection, pair.other)
    for row in rows:
        if row["merged_into"] is not None:
            raise RefusedOperation(
                f"contact {row['id']} was merged into contact {row['merged_into']} already"
            )
    return rows


def _row(connection: sa.Connection, contact_id: int) -> sa.RowMapping:
    table = schema.contact
    statement = sa.select(table).where(table.c.id == contact_id).with_for_update()
    row = connection.execute(statement).mappings().one_or_none()
    if row is None or row["erased_at"] is not None:
        raise NotFound(f"there is no contact {contact_id}")
    return row


def _spread(connection: sa.Connection, pair: Pair, evidence: str, principal: Principal) -> int:
    """Let the noes of everybody concerned stand against all of their addresses."""
    both = [it for contact in (pair.kept, pair.other) for it in persons.members(connection, contact)]
    why = f"the same person, merged: {evidence}"
    return objections.spread(connection, objections.subject_keys(both), why, principal)


def _filled(kept: sa.RowMapping, other: sa.RowMapping) -> dict[str, Any]:
    """What the kept contact lacks and the other one has."""
    alone = [name for name in EDITABLE if name not in _POSTAL]
    filled = {name: other[name] for name in alone if other[name] and not kept[name]}
    if not any(kept[name] for name in _POSTAL[:3]):
        filled |= {name: other[name] for name in _POSTAL if other[name]}
    return filled


def _take_back(
    connection: sa.Connection, pair: Pair, moved: Mapping[str, Any], evidence: str, principal: Principal
) -> dict[str, Any]:
    why = f"parted from contact {pair.other}: {evidence}"
    lists = subscriptions.forget(connection, pair.kept, moved["subscriptions"], why, principal)
    bases.forget(connection, pair.kept, moved["bases"])
    companies.forget(connection, moved["positions"])
    fields.forget(connection, pair.kept, pair.other, moved["extra"])
    given_back = events.move(connection, pair.kept, pair.other, moved["events"])
    return {"subscriptions": lists, "events": given_back}


def _emptied(
    connection: sa.Connection, ring: KeyRing, pair: Pair, moved: Mapping[str, Any], principal: Principal
) -> list[str]:
    """Empty the fields that were the other one's and still are as they were, if an address is left."""
    kept, other = _row(connection, pair.kept), _row(connection, pair.other)
    emptied = [name for name in moved["fields"] if kept[name] == other[name]]
    new = {name: None if name in emptied else kept[name] for name in EDITABLE}
    if not emptied or not (new["email"] or has_postal_address(new)):
        return []
    keys = keys_for(ring, new)
    older_keys.carry_forward(connection, ring, older_keys.texts_of(new), principal)
    contacts.correct(connection, pair.kept, {**new, **keys}, principal)
    carry_over(connection, kept, keys, principal)
    gone = set(emptied)
    origins = {int(intake): gone.intersection(names) for intake, names in moved["origins"].items()}
    provenance.forget(connection, pair.kept, origins)
    return emptied


def _open(
    connection: sa.Connection, pair: Pair, moved: Mapping[str, Any], evidence: str, principal: Principal
) -> None:
    connection.execute(
        sa.insert(schema.contact_merge).values(
            kept_id=pair.kept,
            contact_id=pair.other,
            moved=moved,
            evidence=evidence,
            merged_at=utc_now(),
            merged_by=principal.name,
        )
    )


def _standing(connection: sa.Connection, other: int) -> Any:
    table = schema.contact_merge
    statement = sa.select(table).where(table.c.contact_id == other, table.c.undone_at.is_(None))
    return connection.execute(statement).one_or_none()


def _close(connection: sa.Connection, merge_id: int, principal: Principal) -> None:
    table = schema.contact_merge
    connection.execute(
        sa.update(table).where(table.c.id == merge_id).values(undone_at=utc_now(), undone_by=principal.name)
    )
