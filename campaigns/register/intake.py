"""Import of an exported table into the register.

Promise: rows are taken in chunks, each in one transaction with its audit entry, so an import that dies has
done whole chunks and is simply run again. One address is one person (fingerprints under every key are
compared); blank cells never erase; the same file again changes nothing. Whoever is suppressed, or has left
this list, is not subscribed again (the row may still correct other data). Each bad row is refused with its
number and reason, the others go on. Memory does not grow with the file, but for the refusals. Fails with
`InputError` before anything is written when the file or its columns cannot be used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.errors import InputError
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.register.intake_chunk import Chunk, Taken
from campaigns.register.intake_columns import recognise
from campaigns.register.intake_file import TableFile, TableRow, examine, rows
from campaigns.register.intake_rows import Person, RowRefused, read_person
from campaigns.register.mailing_lists import MailingList
from campaigns.register.permit import raise_epoch
from campaigns.store import schema
from campaigns.store.engine import writing

CHUNK_ROWS: Final = 2_000
_IMPORT_LOCK: Final = 0x75747369  # any fixed number will do

Progress = Callable[[int], None]


@dataclass(frozen=True)
class ImportRequest:
    """What to import, and what it rests on. `evidence` empty means: the file itself and the row."""

    path: Path
    mailing_list: MailingList
    source: str
    basis: str
    evidence: str = ""
    mapping: Mapping[str, str | None] = field(default_factory=dict)
    dry_run: bool = False


@dataclass
class ImportReport:
    """Counts of rows; `rows` is the sum of the first four. `not_subscribed` are people whose earlier "no" stands."""

    rows: int = 0
    imported: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)
    not_subscribed: int = 0

    def refuse(self, row: int, reason: str) -> None:
        """Count a refused row."""
        self.rows += 1
        self.refused.append({"row": row, "reason": reason})

    def take(self, taken: Sequence[Taken]) -> None:
        """Count the rows of a chunk."""
        self.rows += len(taken)
        for row in taken:
            self.imported += row.outcome == "imported"
            self.updated += row.outcome == "updated"
            self.unchanged += row.outcome == "unchanged"
            self.not_subscribed += row.withheld


def import_contacts(
    engine: sa.Engine,
    ring: KeyRing,
    request: ImportRequest,
    principal: Principal,
    progress: Progress | None = None,
) -> ImportReport:
    """Import a table. `progress` is told the number of rows read so far, now and then.

    Raises:
        InputError: the file or its columns cannot be used; nothing was written.
        Unreachable: the database is away; whole chunks may have been written, import again.
    """
    if not request.source.strip():
        raise InputError('--source: say where the data came from, e.g. "trade fair 2026"')
    table = examine(request.path)
    lines = rows(table)
    head = next(lines, None)
    if head is None or head.problem:
        raise InputError(f"{request.path}: the row of column heads {head.problem if head else 'is missing'}")
    columns = recognise(head.cells, request.mapping)
    report = ImportReport()
    importer = _Import(engine, ring, request, principal, table)
    while chunk := list(islice(lines, CHUNK_ROWS)):
        people = list(_people(chunk, columns, report))
        if people:
            report.take(importer.take(people))
        if progress is not None:
            progress(report.rows)
    report.refused.sort(key=lambda refusal: refusal["row"])
    return report


def _people(
    chunk: Sequence[TableRow], columns: Sequence[str | None], report: ImportReport
) -> Iterator[tuple[int, Person]]:
    for row in chunk:
        if row.problem is not None:
            report.refuse(row.number, row.problem)
            continue
        try:
            yield row.number, read_person(columns, row.cells)
        except RowRefused as refusal:
            report.refuse(row.number, str(refusal))


class _Import:
    """One run over one file."""

    def __init__(
        self, engine: sa.Engine, ring: KeyRing, request: ImportRequest, principal: Principal, table: TableFile
    ) -> None:
        self._engine, self._ring, self._request = engine, ring, request
        self._principal, self._table = principal, table
        self._intake_id: int | None = None

    def take(self, people: Sequence[tuple[int, Person]]) -> list[Taken]:
        """Write one chunk, or rehearse it."""
        with writing(self._engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_IMPORT_LOCK)))
            if not self._request.dry_run:
                return self._write(connection, people)
            with connection.begin_nested() as rehearsal:
                taken = self._write(connection, people)
                rehearsal.rollback()
            self._intake_id = None
            return taken

    def _write(self, connection: sa.Connection, people: Sequence[tuple[int, Person]]) -> list[Taken]:
        chunk = Chunk(connection, self._ring, self._request.mailing_list, self._principal)
        taken = chunk.take(people, self._evidence())
        changed = {row.contact: row for row in taken if row.fields}
        if changed:
            self._write_provenance(connection, changed)
            self._audit(connection, sorted(changed))
            raise_epoch(connection)
        return taken

    def _evidence(self) -> str:
        return self._request.evidence or f"file sha256 {self._table.digest[:16]}"

    def _write_provenance(self, connection: sa.Connection, changed: Mapping[int, Taken]) -> None:
        now = utc_now()
        intake_id = self._intake_id or self._intake(connection)
        self._intake_id = intake_id
        table = schema.provenance
        known = set(
            connection.execute(
                sa.select(table.c.contact_id).where(
                    table.c.intake_id == intake_id, table.c.contact_id.in_(list(changed))
                )
            ).scalars()
        )
        fresh = [
            {
                "contact_id": contact,
                "intake_id": intake_id,
                "row": row.number,
                "fields": sorted(row.fields),
                "at": now,
            }
            for contact, row in changed.items()
            if contact not in known
        ]
        if fresh:
            connection.execute(sa.insert(table), fresh)

    def _intake(self, connection: sa.Connection) -> int:
        intake_id: int = connection.execute(
            sa.insert(schema.intake)
            .values(
                kind="import",
                source=self._request.source,
                basis=self._request.basis,
                evidence=self._evidence(),
                list_id=self._request.mailing_list.id,
                digest=self._table.digest,
                at=utc_now(),
                taken_by=self._principal.name,
            )
            .returning(schema.intake.c.id)
        ).scalar_one()
        return intake_id

    def _audit(self, connection: sa.Connection, contacts: Sequence[int]) -> None:
        subjects = [f"list:{self._request.mailing_list.id}", *(f"contact:{contact}" for contact in contacts)]
        entry = audit.Entry(self._principal, "contact:register:import", subjects, self._evidence())
        audit.write(connection, entry)
