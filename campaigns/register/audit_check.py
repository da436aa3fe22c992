"""Check the whole audit log: `verify` names every entry that was altered, removed or put elsewhere.

Promise: reads only, in one snapshot, and needs no more memory for a longer log. What it cannot see is said in
`campaigns.register.audit_chain`.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Final

import sqlalchemy as sa

from campaigns.register import audit
from campaigns.register.audit_chain import Sealer, cut_proof, file_problem, seal_fits
from campaigns.register.audit_mark import BEGINNING, SealMark
from campaigns.store import schema
from campaigns.store.engine import reading

#: So many problems are named; a log with more is not what it was in any case.
_NAMED: Final = 1000
_BATCH: Final = 2000


@dataclass(frozen=True)
class Problem:
    """What is wrong, at which place of the chain, with which entry (None where it is not there any more)."""

    place: int
    entry: int | None
    problem: str


@dataclass
class Findings:
    """What a check found: how many entries, how many of them are not sealed yet, and every problem."""

    entries: int = 0
    unsealed: int = 0
    problems: list[Problem] = field(default_factory=list)
    #: By contact, the youngest entry of which values were redacted and no later one has told of it so far.
    untold: dict[int, tuple[datetime, Problem]] = field(default_factory=dict, repr=False)


def verify(sealer: Sealer) -> Findings:
    """Check every entry.

    Raises:
        Unreachable: the database or the file beside the keys is away.
    """
    findings = Findings()
    with reading(sealer.engine) as connection:
        for problem in _all_problems(connection, sealer, findings):
            findings.problems.append(problem)
            if len(findings.problems) >= _NAMED:
                break
        findings.unsealed = connection.execute(
            sa.select(sa.func.count()).select_from(schema.audit).where(schema.audit.c.seal.is_(None))
        ).scalar_one()
    findings.entries += findings.unsealed
    return findings


def _all_problems(connection: sa.Connection, sealer: Sealer, findings: Findings) -> Iterator[Problem]:
    before = BEGINNING
    for row in connection.execute(sa.select(schema.audit_cut).order_by(schema.audit_cut.c.position)):
        before = SealMark(row.position, row.seal)
        if row.proof[0] not in sealer.keys or not hmac.compare_digest(
            cut_proof(sealer.keys, before, row.proof[0]), row.proof
        ):
            yield Problem(row.position, None, "the log was cut there without the register's key")
    for row, values in _entries(connection):
        if row.seal is None:
            _note_redacted(row, values, findings)
            yield from _value_problems(row, values)
            continue
        findings.entries += 1
        yield from _seal_problems(sealer, row, before)
        _strike_told(row, findings)
        _note_redacted(row, values, findings)
        yield from _value_problems(row, values)
        before = SealMark(row.seal_position, row.seal)
    yield from (problem for _, problem in findings.untold.values())
    wrong = file_problem(connection, sealer.file.seen(sealer.name))
    if wrong is not None:
        yield Problem(before.position + 1, None, wrong)
    for name in sealer.file.others(sealer.name):
        yield Problem(
            before.position, None, f"the file {name} beside the keys notes the seal of another register"
        )


def _seal_problems(sealer: Sealer, row: Any, before: SealMark) -> Iterator[Problem]:
    missing = row.seal_position - before.position - 1
    if missing:
        upto = f" to {row.seal_position - 1}" if missing > 1 else ""
        yield Problem(before.position + 1, None, f"removed: place {before.position + 1}{upto} is empty")
    elif not seal_fits(sealer.keys, row, before):
        yield Problem(row.seal_position, row.id, "altered, or it stood in another place of the log")


def _value_problems(row: Any, values: list[Any]) -> Iterator[Problem]:
    for name in ("old", "new"):
        kept = [(value.contact_id, getattr(value, f"{name}_hash")) for value in values]
        if audit.joint_hash(kept) != getattr(row, f"{name}_hash"):
            yield Problem(
                row.seal_position or 0, row.id, f"the {name} values beside it were altered or removed"
            )
            continue
        for value in values:
            if not _fits(value, name):
                yield Problem(row.seal_position or 0, row.id, f"the {name} values beside it were altered")


def _fits(value: _Value, name: str) -> bool:
    """Whether values are those that were hashed, or nothing where they were redacted."""
    kept = getattr(value, name)
    if value.redacted_at is not None:
        return kept is None and value.salt is None
    noted: bytes | None = getattr(value, f"{name}_hash")
    return audit.value_hash(value.salt or b"", kept) == noted


def _strike_told(row: Any, findings: Findings) -> None:
    """A sealed entry tells of the redactions before it in the chain; of those after it, it cannot know."""
    named = [subject.partition(":")[2] for subject in row.subjects]
    if row.tag == audit.REDACTION:
        for contact in named:
            findings.untold.pop(int(contact), None)
    if row.tag == audit.RETENTION:
        moments = [datetime.fromisoformat(moment) for moment in named]
        told_before = max((moment for moment in moments if moment <= row.at), default=None)
        if told_before is not None:
            findings.untold = {
                contact: (at, problem)
                for contact, (at, problem) in findings.untold.items()
                if at >= told_before
            }


def _note_redacted(row: Any, values: list[_Value], findings: Findings) -> None:
    for value in values:
        youngest = findings.untold.get(value.contact_id)
        if value.redacted_at is not None and (youngest is None or youngest[0] < row.at):
            problem = f"the values of contact {value.contact_id} were redacted, and no sealed entry after it says so"
            findings.untold[value.contact_id] = row.at, Problem(row.seal_position or 0, row.id, problem)


def _entries(connection: sa.Connection) -> Iterator[tuple[Any, list[Any]]]:
    """Every entry with the values beside it: in the order of the chain, then those that are not sealed yet."""
    entry, value = schema.audit, schema.audit_value
    columns = [column.label(f"value_{column.name}") for column in value.c]
    statement = (
        sa.select(entry, *columns)
        .select_from(entry.outerjoin(value, value.c.audit_id == entry.c.id))
        .execution_options(yield_per=_BATCH)
    )
    sealed = statement.where(entry.c.seal.is_not(None)).order_by(entry.c.seal_position, value.c.contact_id)
    waiting = statement.where(entry.c.seal.is_(None)).order_by(entry.c.id, value.c.contact_id)
    for part in (sealed, waiting):
        for _, rows in groupby(connection.execute(part), key=lambda row: row.id):
            together = list(rows)
            values = [_Value(*row[-len(columns) :]) for row in together if row.value_audit_id is not None]
            yield together[0], list(values)


@dataclass(frozen=True)
class _Value:
    audit_id: int
    contact_id: int
    salt: bytes | None
    old_hash: bytes | None
    new_hash: bytes | None
    old: Any
    new: Any
    redacted_at: Any
