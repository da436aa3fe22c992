"""Erasure (GDPR Art. 17): everything on one person goes, in every table at once; what must stay names nobody.

Promise: the personal-data map decides: rows are deleted, or blanked where accounts, proofs and cases need the row; what
the audit log kept of values is redacted and its chain stays valid. The "no" of the person stands under the fingerprints
of everything they were reached by, and in the opt-out log, so that neither an import nor a restored backup writes to
them again. Once `erase` has returned, no message begins. Fails as a whole: with `RefusedOperation` while a legal hold
stands, and nothing has changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.errors import RefusedOperation
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register import audit, objections, persons
from campaigns.register.permit import answering_a_no
from campaigns.rights import holds, letters, reach, requests, telling
from campaigns.rights.reach import Condition, Person
from campaigns.rights.requests import RequestKind
from campaigns.store import data_map, remnants, schema
from campaigns.store.data_map import Record
from campaigns.store.engine import writing

_KINDS: Final[frozenset[RequestKind]] = frozenset({"erasure"})
_SUBJECTS: Final[dict[str, objections.Subject]] = {"email": "address", "post": "postal"}


@dataclass(frozen=True)
class Erased:
    """What went: rows by table, the deliveries whose files are to go too, words by which the person is found in files,
    whether others must be told, and whether the database keeps no remnant in freed space."""

    contacts: tuple[int, ...]
    rows: dict[str, int]
    deliveries: tuple[tuple[int, int], ...]
    words: frozenset[str]
    to_be_told: int
    without_remnants: bool


def erase(engine: sa.Engine, ring: KeyRing, request: int, principal: Principal) -> Erased:
    """Erase the person of an identified request; the request is fulfilled.

    Raises:
        NotFound: there is no such request.
        RefusedOperation: the request is closed, of another kind, not identified or nobody's; or a legal hold stands.
        Unreachable: the database is away, or the outcome is unknown; do it again.
    """
    demand(principal, Operation.REQUEST_DECIDE)
    with answering_a_no(engine) as connection:
        row = requests.identified_row(connection, request, _KINDS)
        if row["contact_id"] is None:
            raise RefusedOperation(f"request {request} is nobody's in the register; name the contact first")
        whose = reach.person(connection, ring, row["contact_id"])
        _heed_holds(connection, whose)
        words = letters.words_of(connection, whose)
        told = telling.note(connection, whose, telling.News("erasure", (), request), principal)
        keys = _keys(connection, whose)
        counts = _sweep(connection, whose, words)
        for key in keys:
            objections.outlive(connection, key, f"request {request}", principal)
        subjects = [f"request:{request}", *(f"contact:{number}" for number in whose.contacts)]
        audit.write(
            connection, audit.Entry(principal, "contact:register:erase", subjects, f"request {request}")
        )
        requests.fulfil(connection, request, _KINDS, principal)
        for number in whose.contacts:
            counts["audit_value"] = counts.get("audit_value", 0) + audit.redact(
                connection, number, f"request {request}", principal
            )
    clean = remnants.clear(engine)
    rows = {name: count for name, count in counts.items() if count}
    return Erased(whose.contacts, rows, whose.deliveries, words, told, clean)


def let_go(engine: sa.Engine, ring: KeyRing, contact_id: int, principal: Principal) -> None:
    """Blank a person whose time in the register is over, everywhere as erasure does. No "no" is recorded, since none
    was said; those that stand stay. Mail in which they may be named goes by its own, shorter window.

    Raises:
        NotFound: there is no such contact.
        RefusedOperation: a legal hold stands; nothing has changed.
        Unreachable: the database is away, or the outcome is unknown; do it again.
    """
    demand(principal, Operation.RETENTION_SWEEP)
    with writing(engine) as connection:
        whose = reach.person(connection, ring, contact_id)
        _heed_holds(connection, whose)
        _sweep(connection, whose, frozenset())
        subjects = [f"contact:{number}" for number in whose.contacts]
        audit.write(connection, audit.Entry(principal, "contact:register:expire", subjects, "retention"))
        for number in whose.contacts:
            audit.redact_expired(connection, number, "retention", principal)


def _heed_holds(connection: sa.Connection, whose: Person) -> None:
    held = set(connection.execute(holds.contacts()).scalars()).intersection(whose.contacts)
    campaigns = set(connection.execute(holds.campaigns()).scalars())
    of_campaign = campaigns.intersection(campaign for campaign, _ in whose.deliveries)
    if held or of_campaign or holds.kinds(connection):
        raise RefusedOperation(
            "a legal hold stands over data of this person (`utskick retention hold list`): lift it, or refuse the "
            "request on the ground legal_claims or legal_obligation"
        )


def _keys(connection: sa.Connection, whose: Person) -> list[objections.SubjectKey]:
    """Everything that the person is or was reached by: present addresses, and those that were written to and
    are nobody else's now."""
    members = persons.members(connection, whose.contact)
    keys = {key.key: key for key in objections.subject_keys(members)}
    key_id = members[0].key_id
    delivery = schema.delivery.c
    sent = connection.execute(
        sa.select(delivery.channel, delivery.address_key).where(
            delivery.contact_id.in_(whose.contacts), delivery.address_key.is_not(None)
        )
    )
    for row in sent:
        key = bytes(row.address_key)
        if key in whose.fingerprints:
            keys.setdefault(key, objections.SubjectKey(_SUBJECTS[row.channel], key_id, key))
    return list(keys.values())


def _sweep(connection: sa.Connection, whose: Person, words: frozenset[str]) -> dict[str, int]:
    """Blank first (what is blanked may be found by what is deleted), the contacts themselves last."""
    counts: dict[str, int] = {"parked_mail": letters.blank_mail(connection, words)}
    mapped = data_map.records(schema.metadata, "contact").items()
    order = [
        (table, record) for table, record in mapped if record.erasure == "blank" and record.reach != "id"
    ]
    order += [(table, record) for table, record in mapped if record.erasure == "delete"]
    for table, record in [*order, (schema.contact, data_map.record_of(schema.contact))]:
        if record is None or table is schema.audit_value:  # the log redacts itself
            continue
        for condition in _only_theirs(table, record, whose):
            values = _blank(table, record)
            statement = sa.delete(table) if record.erasure == "delete" else sa.update(table).values(values)
            done = connection.execute(statement.where(condition)).rowcount
            counts[table.name] = counts.get(table.name, 0) + done
    return counts


def _only_theirs(table: sa.Table, record: Record, whose: Person) -> Iterator[Condition]:
    """Rows that are about the person and nobody else: an intake of many people (a file) tells nothing of one."""
    for condition in reach.conditions(table, record, whose):
        yield sa.and_(condition, table.c.digest == "") if table is schema.intake else condition


def _blank(table: sa.Table, record: Record) -> dict[str, Any]:
    """What stands in a blanked row."""
    values: dict[str, Any] = {column.name: _nothing(column) for column in data_map.personal_columns(table)}
    values |= dict.fromkeys(record.fingerprints)
    now = utc_now()
    if table is schema.contact:
        values |= {"erased_at": now, "updated_at": now}
    if table is schema.parked_mail:
        values["blanked_at"] = now
    return values


def _nothing(column: sa.Column[Any]) -> Any:
    if column.nullable:
        return sa.null()
    return [] if isinstance(column.type, sa.JSON) else ""
