"""Recording a "no": suppressions of every kind, keyed by fingerprint, idempotent, attributed, audited.

Promise: recording the same "no" again changes nothing and is as good as the first time (the earliest
stays); it binds once the transaction that `permit.answering_a_no` gives is left. The address itself is
never stored here. What lifts a "no" is a decision with evidence (`lift`), never a by-product of anything
else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.address import EmailAddress
from campaigns.clock import iso, utc_now
from campaigns.errors import InputError
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register import audit, audit_persons, persons
from campaigns.register.opt_out_log import LoggedWord, Word, note
from campaigns.store import schema
from campaigns.store.upsert import insert_into

SuppressionKind = Literal[
    "objection",
    "restricted",
    "complaint",
    "unsubscribed",
    "hard_bounce",
    "soft_bounces",
    "manual",
    "on_pause",
]
Subject = Literal["address", "domain", "company", "postal"]
#: What a person says of themselves, wherever they are reached; the other kinds are about one address.
FOLLOWING: Final = frozenset({"objection", "restricted", "complaint", "unsubscribed", "manual", "on_pause"})
#: The origin of what outlives the erasure of a person.
ERASURE: Final = "erasure"
_PERSONS: Final = frozenset({"address", "postal"})


@dataclass(frozen=True)
class SubjectKey:
    """Whom a "no" concerns: a fingerprint and the id of the key it was made with."""

    subject: Subject
    key_id: int
    key: bytes


@dataclass(frozen=True)
class Scope:
    """How far a "no" reaches; 0 and "" mean any."""

    list_id: int = 0
    purpose: str = ""
    channel: str = ""


@dataclass(frozen=True)
class No:
    """One "no": its kind, whom it concerns, how far it reaches, where it came from and on what evidence; a pause says
    until when."""

    kind: SuppressionKind
    concerns: SubjectKey
    scope: Scope
    origin: str
    evidence: str
    until: datetime | None = None


def address_key(ring: KeyRing, address: EmailAddress) -> SubjectKey:
    """The key of one mailbox under the current fingerprint key."""
    return _subject_key(ring, "address", address.comparison_text)


def address_keys(ring: KeyRing, address: EmailAddress) -> list[SubjectKey]:
    """The keys of one mailbox under every fingerprint key: contacts taken in before a rotation hold older ones."""
    under = ring.fingerprints("address", address.comparison_text)
    return [SubjectKey("address", key_id, key) for key_id, key in under.items()]


def domain_key(ring: KeyRing, domain: str) -> SubjectKey:
    """The key of all mailboxes at a domain (lower-case A-label)."""
    return _subject_key(ring, "domain", domain)


def domain_keys(ring: KeyRing, domain: str) -> list[SubjectKey]:
    """The keys of all mailboxes at a domain, under every fingerprint key."""
    return [SubjectKey("domain", key_id, key) for key_id, key in ring.fingerprints("domain", domain).items()]


def company_keys(ring: KeyRing, text: str) -> list[SubjectKey]:
    """The keys of a company, by its text (`companies.company_text`), under every fingerprint key."""
    return [SubjectKey("company", key_id, key) for key_id, key in ring.fingerprints("company", text).items()]


def _subject_key(ring: KeyRing, subject: Subject, text: str) -> SubjectKey:
    return SubjectKey(subject, ring.current_id("fingerprint"), ring.fingerprint(subject, text))


def suppress(connection: sa.Connection, no: No, principal: Principal) -> bool:
    """Record a "no" within the caller's transaction, what a person says also for the contacts that are the same person;
    True when it is new, False when it already stood."""
    demand(principal, Operation.SUPPRESSION_ADD)
    new = record(connection, no, principal)
    if no.kind in FOLLOWING and no.concerns.subject in _PERSONS:
        persons.as_they_are(connection)
        for key in _beside(connection, no.concerns.key):
            new = record(connection, replace(no, concerns=key), principal) or new
    return new


def _beside(connection: sa.Connection, key: bytes) -> list[SubjectKey]:
    """The other keys of whoever has this one, where a person is more than one contact."""
    found = persons.of_keys(connection, [key])
    roots = [member.root for member in found]
    of_several = [member for member in found if roots.count(member.root) > 1]
    return [it for it in subject_keys(of_several) if it.key != key]


def subject_keys(members: list[persons.Member]) -> list[SubjectKey]:
    """The keys of all addresses of contacts: who comes back without the one is still known by the other."""
    keys: dict[bytes, SubjectKey] = {}
    for member in members:
        if member.email_key is not None:
            keys[member.email_key] = SubjectKey("address", member.key_id, member.email_key)
        if member.postal_key is not None:
            keys[member.postal_key] = SubjectKey("postal", member.key_id, member.postal_key)
    return list(keys.values())


def spread(connection: sa.Connection, keys: list[SubjectKey], evidence: str, principal: Principal) -> int:
    """Let what stands against one of these keys stand against all, of two pauses the longer; how many that made."""
    made = 0
    standing = _standing_by_scope(connection, [key.key for key in keys])
    for (kind, *scope), by_key in standing.items():
        longest = max(by_key.values(), key=lambda no: no.until.timestamp() if no.until else 0.0)
        if longest.until is not None and longest.until <= utc_now():
            continue
        for key in keys:
            present = by_key.get(key.key)
            if present is not None and present.until == longest.until:
                continue
            why = f"suppression {longest.id}: {evidence}"
            if present is not None:
                _lift(connection, present.id, why, principal)
            no = No(kind, key, Scope(*scope), longest.origin, why, longest.until)
            made += record(connection, no, principal)
    return made


def _standing_by_scope(
    connection: sa.Connection, keys: list[bytes]
) -> dict[tuple[Any, ...], dict[bytes, Any]]:
    table = schema.suppression
    rows = connection.execute(
        sa.select(table)
        .where(table.c.subject_key.in_(keys), table.c.lifted_at.is_(None), table.c.kind.in_(FOLLOWING))
        .order_by(table.c.id)
    )
    found: dict[tuple[Any, ...], dict[bytes, Any]] = {}
    for row in rows:
        found.setdefault((row.kind, row.list_id, row.purpose, row.channel), {})[bytes(row.subject_key)] = row
    return found


def record(connection: sa.Connection, no: No, principal: Principal) -> bool:
    """Record a "no" against its own key only, as `suppress`; for whoever goes through all keys of a person."""
    return record_many(connection, [no], principal) == 1


def outlive(connection: sa.Connection, key: SubjectKey, evidence: str, principal: Principal) -> None:
    """Record the objection by which an erased person is still known; one that stood before becomes it."""
    if record(connection, No("objection", key, Scope(), ERASURE, evidence), principal):
        return
    table = schema.suppression
    whole = [table.c[name] == word for name, word in (("list_id", 0), ("purpose", ""), ("channel", ""))]
    stands = [table.c.kind == "objection", table.c.subject_key == key.key, table.c.lifted_at.is_(None)]
    connection.execute(sa.update(table).where(*stands, *whole).values(origin=ERASURE, evidence=evidence))


def record_many(connection: sa.Connection, noes: Sequence[No], principal: Principal) -> int:
    """As `record`, for many in few statements; how many are new."""
    demand(principal, Operation.SUPPRESSION_ADD)
    for no in noes:
        note(connection, _logged("no", no, principal))
    recorded = _insert(connection, noes, principal)
    keys = [no.concerns.key if no.concerns.subject in _PERSONS else None for _, no in recorded]
    audit_persons.write(connection, [_told(number, no, principal) for number, no in recorded], keys)
    return len(recorded)


def _told(number: int, no: No, principal: Principal) -> audit.Entry:
    new = {
        "kind": no.kind,
        "list_id": no.scope.list_id,
        "purpose": no.scope.purpose,
        "channel": no.scope.channel,
    }
    if no.until is not None:
        new["until"] = iso(no.until)
    tag = f"{no.concerns.subject}:suppression:record"
    return audit.Entry(principal, tag, [f"suppression:{number}"], no.evidence, None, new)


def _insert(connection: sa.Connection, noes: Sequence[No], principal: Principal) -> list[tuple[int, No]]:
    """Those that are new, with their numbers. In one order, whatever order they came in: two transactions then never
    wait for each other in a circle."""
    if not noes:
        return []
    table = schema.suppression
    place = (table.c.kind, table.c.subject_key, table.c.list_id, table.c.purpose, table.c.channel)
    by_place = {_place(no): no for no in reversed(noes)}
    found = connection.execute(
        insert_into(table, connection).on_conflict_do_nothing().returning(table.c.id, *place),
        [_values(by_place[it], principal) for it in sorted(by_place)],
    )
    by_id = {row.id: by_place[row.kind, bytes(row.subject_key), *row[3:]] for row in found}
    return sorted(by_id.items(), key=lambda item: item[0])


def _place(no: No) -> tuple[str, bytes, int, str, str]:
    """What of a "no" there is only one at a time."""
    return no.kind, no.concerns.key, no.scope.list_id, no.scope.purpose, no.scope.channel


def _values(no: No, principal: Principal) -> dict[str, Any]:
    return {
        "kind": no.kind,
        "subject": no.concerns.subject,
        "subject_key": no.concerns.key,
        "key_id": no.concerns.key_id,
        "list_id": no.scope.list_id,
        "purpose": no.scope.purpose,
        "channel": no.scope.channel,
        "origin": no.origin,
        "evidence": no.evidence,
        "until": no.until,
        "recorded_at": utc_now(),
        "recorded_by": principal.name,
    }


def lift(connection: sa.Connection, suppression_id: int, evidence: str, principal: Principal) -> bool:
    """Lift one "no" on evidence, within the caller's transaction; False when it does not stand any more.

    Raises:
        NotAllowed, InputError: not by this principal; the evidence is blank.
    """
    demand(principal, Operation.SUPPRESSION_LIFT)
    _demand_evidence(evidence)
    return _lift(connection, suppression_id, evidence, principal)


def lift_failures(
    connection: sa.Connection, suppression_id: int, evidence: str, principal: Principal
) -> bool:
    """As `lift`, only for what failures in a row had stopped, which nobody said and news of a success ends.

    Raises:
        NotAllowed, InputError: not by this principal; the evidence is blank.
    """
    demand(principal, Operation.FAILURES_LIFT)
    _demand_evidence(evidence)
    table = schema.suppression.c
    kind = sa.select(table.kind).where(table.id == suppression_id)
    if connection.execute(kind).scalar_one_or_none() != "soft_bounces":
        return False
    return _lift(connection, suppression_id, evidence, principal)


def _demand_evidence(evidence: str) -> None:
    if not evidence.strip():
        raise InputError('a "no" is lifted on evidence only: say what it is and where it is kept')


def _lift(connection: sa.Connection, suppression_id: int, evidence: str, principal: Principal) -> bool:
    table = schema.suppression
    lifted = connection.execute(
        sa.update(table)
        .where(table.c.id == suppression_id, table.c.lifted_at.is_(None))
        .values(lifted_at=utc_now(), lifted_by=principal.name, lift_evidence=evidence)
        .returning(*table.c)
    ).one_or_none()
    if lifted is None:
        return False
    key = SubjectKey(lifted.subject, lifted.key_id, bytes(lifted.subject_key))
    scope = Scope(lifted.list_id, lifted.purpose, lifted.channel)
    note(connection, _logged("lift", No(lifted.kind, key, scope, lifted.origin, evidence), principal))
    entry = audit.Entry(
        principal,
        f"{lifted.subject}:suppression:lift",
        [f"suppression:{suppression_id}"],
        evidence,
        {"kind": lifted.kind, "lifted": False},
        {"kind": lifted.kind, "lifted": True},
    )
    audit_persons.write(connection, [entry], [key.key if key.subject in _PERSONS else None])
    return True


def _logged(word: Word, no: No, principal: Principal) -> LoggedWord:
    """The line of the opt-out log; the evidence stays out of it, since people write it."""
    return LoggedWord(
        word=word,
        kind=no.kind,
        subject=no.concerns.subject,
        key_id=no.concerns.key_id,
        key=no.concerns.key.hex(),
        list_id=no.scope.list_id,
        purpose=no.scope.purpose,
        channel=no.scope.channel,
        origin=no.origin,
        until=iso(no.until) if no.until else "",
        by=principal.name,
    )


def look_up(
    connection: sa.Connection, keys: Mapping[int, bytes], principal: Principal
) -> list[sa.RowMapping]:
    """As `standing`, to somebody: told in the audit log by the newest fingerprint, in the caller's writing transaction.

    Raises:
        NotAllowed: not to this principal.
    """
    demand(principal, Operation.SUPPRESSION_SEE)
    newest = max(keys)
    audit.read(connection, "suppression", [f"fingerprint:{newest}-{keys[newest].hex()}"], principal)
    return standing(connection, keys)


def listed(connection: sa.Connection, kind: str, limit: int, principal: Principal) -> list[dict[str, object]]:
    """What stands, newest first, of one kind or of every (""), and whose it is where the register knows: addresses are
    not kept here. Told in the audit log, in the caller's writing transaction.

    Raises:
        NotAllowed: not to this principal.
    """
    demand(principal, Operation.SUPPRESSION_SEE)
    table, contact = schema.suppression, schema.contact
    whose = sa.select(sa.func.min(contact.c.id)).where(
        sa.or_(contact.c.email_key == table.c.subject_key, contact.c.postal_key == table.c.subject_key)
    )
    names = (
        "id",
        "kind",
        "subject",
        "list_id",
        "purpose",
        "channel",
        "origin",
        "recorded_by",
        "recorded_at",
        "until",
    )
    statement = (
        sa.select(*(table.c[name] for name in names), whose.scalar_subquery().label("contact"))
        .where(_stands(table), table.c.kind == kind if kind else sa.true())
        .order_by(table.c.id.desc())
        .limit(limit)
    )
    rows = [dict(row) for row in connection.execute(statement).mappings()]
    audit.read(connection, "suppression", [f"suppression:{row['id']}" for row in rows], principal)
    return rows


def standing(connection: sa.Connection, keys: Mapping[int, bytes]) -> list[sa.RowMapping]:
    """All suppressions that stand against one subject, given its fingerprints under every key; pauses that are over do
    not."""
    table = schema.suppression
    statement = sa.select(table).where(table.c.subject_key.in_(list(keys.values())), _stands(table))
    return list(connection.execute(statement.order_by(table.c.id)).mappings())


def _stands(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.lifted_at.is_(None), sa.or_(table.c.until.is_(None), table.c.until > utc_now()))
