"""The chain of the audit log: one sealer, and a check that finds what was altered, removed or put elsewhere.

Promise: every committed entry gets the next place in the chain and a seal over its place, its fields and the seal
before it. The seal is keyed (HMAC-SHA-256 under a key derived from the register's): whoever can write to the database
and has no key cannot make a chain that holds. The last seal is also noted outside the database (`SealFile`), so that a
log that was cut off at its end is found; where it does not fit, nothing is sealed over it until a person has said so
(`accept`). The beginning may be deleted when its time is over (`cut`), and only up to a cut that bears a proof under
the same key. What is removed before it was sealed, within a second or so while a scheduler runs, leaves no trace.
Fails with `RefusedOperation`, saying what does not fit.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.errors import RefusedOperation
from campaigns.keyring import KeyRing, check_value
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.register.audit_mark import BEGINNING, SealFile, SealMark
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from campaigns.store.locks import take_turn

_AT_A_TIME: Final = 1000
_TURN: Final = "audit seal"
_FIELDS: Final = (
    schema.audit.c.id,
    schema.audit.c.at,
    schema.audit.c.principal,
    schema.audit.c.tag,
    schema.audit.c.subjects,
    schema.audit.c.evidence,
    schema.audit.c.old_hash,
    schema.audit.c.new_hash,
)


@dataclass(frozen=True)
class Sealer:
    """What sealing and checking need: the register, its keys, and the file of this machine."""

    engine: sa.Engine
    ring: KeyRing
    file: SealFile

    @cached_property
    def keys(self) -> Mapping[int, bytes]:
        """The keys of seals by their ids; the highest makes new ones."""
        return self.ring.derived("audit seal")

    @cached_property
    def name(self) -> str:
        """The register's name in the file: by its oldest key, since what the database says of itself may be forged."""
        tokens = self.ring.keys["token"]
        return check_value("token", tokens[min(tokens)])


def seal(sealer: Sealer) -> int:
    """Chain all entries that are committed; returns how many.

    Raises:
        RefusedOperation: the log is not the one that was sealed here before; nothing was sealed.
        Unreachable: the database or the file is away; nothing is lost, seal again later.
    """
    done = 0
    while (count := _seal_some(sealer)) > 0:
        done += count
    return done


def _seal_some(sealer: Sealer) -> int:
    table = schema.audit
    waiting = sa.select(*_FIELDS).where(table.c.seal.is_(None)).order_by(table.c.id).limit(_AT_A_TIME)
    with reading(sealer.engine) as connection:
        if connection.execute(waiting.limit(1)).first() is None:
            return 0
    with writing(sealer.engine) as connection:
        take_turn(connection, _TURN)
        hold_against_file(connection, sealer.file.seen(sealer.name))
        last = last_seal(connection)
        sealed = []
        for row in connection.execute(waiting).all():
            last = SealMark(last.position + 1, make_seal(sealer.keys, row, last))
            sealed.append({"entry": row.id, "seal": last.seal, "seal_position": last.position})
        if sealed:
            statement = sa.update(table).where(table.c.id == sa.bindparam("entry"))
            connection.execute(statement, sealed)
    sealer.file.note(sealer.name, last)
    return len(sealed)


def last_seal(connection: sa.Connection) -> SealMark:
    """The end of the chain: the last sealed entry, or the cut where none is left."""
    table, cut = schema.audit.c, schema.audit_cut.c
    rows = [
        connection.execute(
            sa.select(place.label("place"), sealed.label("seal"))
            .where(place.is_not(None))
            .order_by(place.desc())
            .limit(1)
        ).first()
        for place, sealed in (
            (table.seal_position, table.seal),
            (cut.position, cut.seal),
        )
    ]
    found = [SealMark(row.place, row.seal) for row in rows if row is not None]
    return max(found, key=lambda mark: mark.position, default=BEGINNING)


def hold_against_file(connection: sa.Connection, mark: SealMark) -> None:
    """See that the log still holds the seal that was noted here.

    Raises:
        RefusedOperation: it does not.
    """
    problem = file_problem(connection, mark)
    if problem is not None:
        raise RefusedOperation(
            f"{problem}; nothing is sealed until somebody has looked (`utskick audit verify`) and said so "
            "(`utskick audit accept`)"
        )


def file_problem(connection: sa.Connection, mark: SealMark) -> str | None:
    """What does not fit the seal that was noted outside the database; None where it fits."""
    if mark == BEGINNING:
        return None
    table, cut = schema.audit.c, schema.audit_cut.c
    here = connection.execute(sa.select(table.seal).where(table.seal_position == mark.position)).scalar()
    if here is not None:
        return None if here == mark.seal else f"entry {mark.position} has another seal than this machine saw"
    cut_at = connection.execute(sa.select(sa.func.max(cut.position))).scalar_one() or 0
    if mark.position <= cut_at:
        return None
    end = last_seal(connection).position
    return f"the log ends at {end}, and this machine saw it sealed up to {mark.position}"


def make_seal(keys: Mapping[int, bytes], row: Any, before: SealMark) -> bytes:
    """The seal of an entry at the place after `before`, under the newest key; its first octet is the key's id."""
    newest = max(keys)
    return bytes([newest]) + _mac(keys[newest], row, before)


def seal_fits(keys: Mapping[int, bytes], row: Any, before: SealMark) -> bool:
    """Whether a sealed row's seal is that of its fields, after that entry."""
    key = keys.get(row.seal[0]) if row.seal else None
    return key is not None and hmac.compare_digest(row.seal[1:], _mac(key, row, before))


def cut(sealer: Sealer, before: datetime, principal: Principal) -> int:
    """Delete the entries from the beginning up to the first that is not older than `before`; returns how many.

    Raises:
        RefusedOperation: the log is not the one that was sealed here before; nothing was deleted.
    """
    demand(principal, Operation.AUDIT_CUT)
    table, value = schema.audit, schema.audit_value
    with writing(sealer.engine) as connection:
        take_turn(connection, _TURN)
        hold_against_file(connection, sealer.file.seen(sealer.name))
        younger = sa.select(sa.func.min(table.c.seal_position)).where(table.c.at >= before)
        first = connection.execute(younger).scalar_one()
        place = last_seal(connection).position if first is None else first - 1
        found = connection.execute(sa.select(table.c.seal).where(table.c.seal_position == place)).scalar()
        if found is None:
            return 0
        mark = SealMark(place, found)
        _insert_cut(connection, mark, cut_proof(sealer.keys, mark), principal)
        gone = sa.select(table.c.id).where(table.c.seal_position <= place)
        connection.execute(sa.delete(value).where(value.c.audit_id.in_(gone)))
        count = connection.execute(sa.delete(table).where(table.c.seal_position <= place)).rowcount
        told = f"{count} entries older than {before.date()}, up to place {place}"
        audit.write(connection, audit.Entry(principal, "register:audit:cut", [], told))
    return count


def cut_proof(keys: Mapping[int, bytes], mark: SealMark, key_id: int | None = None) -> bytes:
    """What shows that a cut was made by somebody with the register's keys."""
    chosen = max(keys) if key_id is None else key_id
    text = f"cut {mark.position} {mark.seal.hex()}"
    return bytes([chosen]) + hmac.digest(keys[chosen], text.encode(), "sha256")


def accept(sealer: Sealer, evidence: str, principal: Principal) -> str:
    """Say that a log that does not fit the seal noted here is to be gone on from, e.g. a restored backup's.

    What was lost is told by an entry of its own, which stays in the chain; returns it.

    Raises:
        RefusedOperation: everything fits, and there is nothing to accept.
    """
    demand(principal, Operation.AUDIT_ACCEPT)
    with writing(sealer.engine) as connection:
        take_turn(connection, _TURN)
        seen = sealer.file.seen(sealer.name)
        problem = file_problem(connection, seen)
        if problem is None:
            raise RefusedOperation("the audit log fits what was sealed here; there is nothing to accept")
        told = f"{problem} ({seen.seal.hex()}): {evidence}"
        audit.write(connection, audit.Entry(principal, "register:audit:accept", [], told))
        end = last_seal(connection)
    sealer.file.note(sealer.name, end)
    return told


def _insert_cut(connection: sa.Connection, mark: SealMark, proof: bytes, principal: Principal) -> None:
    connection.execute(
        sa.insert(schema.audit_cut).values(
            position=mark.position, seal=mark.seal, at=utc_now(), cut_by=principal.name, proof=proof
        )
    )


def _mac(key: bytes, row: Any, before: SealMark) -> bytes:
    fields = [
        before.position + 1,
        before.seal.hex(),
        row.id,
        row.at.astimezone(UTC).isoformat(timespec="microseconds"),
        row.principal,
        row.tag,
        row.subjects,
        row.evidence,
        _hex(row.old_hash),
        _hex(row.new_hash),
    ]
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return hmac.digest(key, text.encode(), "sha256")


def _hex(octets: bytes | None) -> str | None:
    return None if octets is None else octets.hex()
