"""The audit log: who did what to whose data, on what evidence.

Promise: every change of the register leaves exactly one entry in the same transaction, so an entry exists
if and only if the change does; reading or giving out personal data leaves one too. The entry keeps hashes of the
values. The values stand beside it, a row for each person, and with them what somebody wrote as evidence; redaction
blanks the person's rows and throws their salt away, so that what is left tells nothing and leaves the log checkable.
Tags read `subject:object:action`, e.g. `contact:subscription:unsubscribe`. Committed entries are chained by
`campaigns.register.audit_chain`; the database refuses any other change (`campaigns.store.audit_triggers`).
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.principal import Principal
from campaigns.register.audit_words import may_name_somebody
from campaigns.store import schema

NOBODY: Final = 0
#: Among the new values: what somebody wrote as evidence.
EVIDENCE: Final = "evidence"
REDACTION: Final = "contact:audit:redact"
#: Values were blanked since their time was over; the subject "before:<instant>" says of which entries.
RETENTION: Final = "register:audit:redact"

_TAG = re.compile(r"[a-z_]+:[a-z_]+:[a-z_]+")
_CONTACT = re.compile(r"contact:([0-9]+)")
#: A mail address in running text; the long local parts of our own tokens name a delivery, and stay.
_ADDRESS = re.compile(r"(?<![^\s<(\"',;:])[^\s@<>()\"',;:]{1,39}@[^\s@<>()\"',;:]+")
_SALT_OCTETS = 16
#: More people in an entry without values are bulk work, whose list is kept elsewhere (provenance, disclosures).
_FEW: Final = 20

Values = Mapping[str, Any] | None


@dataclass(frozen=True)
class Entry:
    """One entry: `subjects` are ids ("contact:17"), `evidence` says what the change rests on and holds no address.
    Where it may name somebody (`audit_words`) it stands beside the entry, with the new values.

    Values of several people are given by person, `{"contact:17": {…}}`; others belong to the first contact among the
    subjects.
    """

    principal: Principal
    tag: str
    subjects: Sequence[str]
    evidence: str
    old: Values = None
    new: Values = None

    def __post_init__(self) -> None:
        if not _TAG.fullmatch(self.tag):
            raise ValueError(f"audit tag {self.tag!r} is not subject:object:action")
        # A person who is named by an address is not always the one whose rows these words stand in.
        object.__setattr__(self, "evidence", _ADDRESS.sub("[address]", self.evidence))

    @property
    def stands_beside(self) -> bool:
        """Whether the evidence is kept where it can be redacted."""
        return may_name_somebody(self.tag, self.subjects, self.evidence)


def write(connection: sa.Connection, entry: Entry) -> int:
    """Write one entry within the caller's transaction; returns its id."""
    return write_many(connection, [entry])[0]


def write_many(connection: sa.Connection, entries: Sequence[Entry]) -> list[int]:
    """Write entries in two statements, however many they are, within the caller's transaction; returns their ids."""
    if not entries:
        return []
    valued = [
        [{"contact_id": contact, **_value_row(old, new)} for contact, (old, new) in _by_person(entry).items()]
        for entry in entries
    ]
    table = schema.audit
    statement = sa.insert(table).returning(table.c.id, sort_by_parameter_order=True)
    given = [_row(entry, rows) for entry, rows in zip(entries, valued, strict=True)]
    ids = list(connection.execute(statement, given).scalars())
    values = [{"audit_id": number, **row} for number, rows in zip(ids, valued, strict=True) for row in rows]
    if values:
        connection.execute(sa.insert(schema.audit_value), values)
    return ids


def _row(entry: Entry, values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "at": utc_now(),
        "principal": entry.principal.name,
        "tag": entry.tag,
        "subjects": list(entry.subjects),
        "evidence": "" if entry.stands_beside else entry.evidence,
        "old_hash": joint_hash((row["contact_id"], row["old_hash"]) for row in values),
        "new_hash": joint_hash((row["contact_id"], row["new_hash"]) for row in values),
    }


def redact(connection: sa.Connection, contact_id: int, evidence: str, principal: Principal) -> int:
    """Blank every value that the log keeps of a person, within the caller's transaction; returns how many rows.

    The chain stays valid, and an entry of its own tells of the redaction. Values written later are not touched.
    """
    demand(principal, Operation.AUDIT_REDACT)
    return _blank(connection, contact_id, evidence, principal)


def redact_expired(connection: sa.Connection, contact_id: int, evidence: str, principal: Principal) -> int:
    """As `redact`, where nobody asks for it: the person's time in the register is over."""
    demand(principal, Operation.RETENTION_SWEEP)
    return _blank(connection, contact_id, evidence, principal)


def _blank(connection: sa.Connection, contact_id: int, evidence: str, principal: Principal) -> int:
    table = schema.audit_value
    redacted = connection.execute(
        sa.update(table)
        .where(table.c.contact_id == contact_id, holding_values())
        .values(old=None, new=None, salt=None, redacted_at=utc_now())
    ).rowcount
    if redacted:
        write(connection, Entry(principal, REDACTION, [f"contact:{contact_id}"], evidence))
    return redacted


def redact_old(
    connection: sa.Connection, before: datetime, held: sa.Select[Any], principal: Principal
) -> int:
    """Blank the values of all entries older than that but those of the contacts that are `held`, within the caller's
    transaction; returns how many rows. The chain stays valid, and an entry of its own tells of it."""
    demand(principal, Operation.RETENTION_SWEEP)
    table, entry = schema.audit_value, schema.audit
    old = sa.select(entry.c.id).where(entry.c.at < before)
    redacted = connection.execute(
        sa.update(table)
        .where(holding_values(), table.c.audit_id.in_(old), table.c.contact_id.not_in(held))
        .values(old=None, new=None, salt=None, redacted_at=utc_now())
    ).rowcount
    if redacted:
        write(connection, Entry(principal, RETENTION, [f"before:{before.isoformat()}"], "retention"))
    return redacted


def holding_values() -> sa.ColumnElement[bool]:
    """Rows beside the log that hold values, for a condition."""
    value = schema.audit_value.c
    return sa.and_(value.redacted_at.is_(None), sa.or_(value.old.is_not(None), value.new.is_not(None)))


def read(connection: sa.Connection, what: str, subjects: Sequence[str], principal: Principal) -> None:
    """Tell that personal data was read: `what` is the tag's object, e.g. `register`."""
    write(connection, Entry(principal, f"contact:{what}:read", subjects, ""))


def value_hash(salt: bytes, values: Values) -> bytes | None:
    """The salted hash of one person's values; None where there are none."""
    if values is None:
        return None
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(salt + text.encode()).digest()


def joint_hash(hashes: Iterable[tuple[int, bytes | None]]) -> bytes | None:
    """One hash for those of several people; None where nobody has one."""
    found = sorted((contact, one.hex()) for contact, one in hashes if one is not None)
    return hashlib.sha256(json.dumps(found).encode()).digest() if found else None


def _by_person(entry: Entry) -> dict[int, tuple[Values, Values]]:
    rows = _values_by_person(entry)
    if not entry.stands_beside:
        return rows
    said = {EVIDENCE: entry.evidence}
    # Of bulk work it stands once, not with each of its people.
    concerned = rows if 0 < len(rows) <= _FEW else {NOBODY: rows.get(NOBODY, (None, None))}
    return rows | {number: (old, {**(new or {}), **said}) for number, (old, new) in concerned.items()}


def _values_by_person(entry: Entry) -> dict[int, tuple[Values, Values]]:
    old, new = _plain(entry.old), _plain(entry.new)
    if old is None and new is None:
        # A row without values: by it the entry is found again when the person asks what was done.
        named = {int(found[1]) for subject in entry.subjects if (found := _CONTACT.fullmatch(subject))}
        return dict.fromkeys(sorted(named), (None, None)) if len(named) <= _FEW else {}
    names = list({**(old or {}), **(new or {})})
    people = {name: int(found[1]) for name in names if (found := _CONTACT.fullmatch(name))}
    if names and len(people) == len(names):
        return {number: ((old or {}).get(name), (new or {}).get(name)) for name, number in people.items()}
    concerned = (int(found[1]) for subject in entry.subjects if (found := _CONTACT.fullmatch(subject)))
    return {next(concerned, NOBODY): (old, new)}


def _value_row(old: Values, new: Values) -> dict[str, Any]:
    salt = secrets.token_bytes(_SALT_OCTETS)
    return {
        "salt": salt,
        "old_hash": value_hash(salt, old),
        "new_hash": value_hash(salt, new),
        "old": old,
        "new": new,
    }


def _plain(values: Values) -> dict[str, Any] | None:
    plain = None if values is None else {key: _json_value(value) for key, value in values.items()}
    # As both databases will give it back: tuples are lists, keys are text, and so are fractions.
    return None if plain is None else json.loads(json.dumps(plain, default=str), parse_float=str)


def _json_value(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | bool | list | dict) else str(value)
