"""Import of an exported table into the register.

Promise: rows are taken in chunks, each in one transaction with its audit entry, so an import that dies has
done whole chunks and is simply run again. One address is one person (fingerprints under every key are
compared); blank cells never erase; the same file again changes nothing. Whoever is suppressed, or has left
this list, is not subscribed again (the row may still correct other data); whoever had themselves erased is
refused, and nothing of the row is kept. Each bad row is refused with its number and reason, the others go on.
Memory does not grow with the file, but for the refusals, the numbers of rows with a value that was left out,
and some ten octets a contact; a dry run keeps the fingerprint of every new person as well. Fails with
`InputError` before anything is written when the file or its columns cannot be used.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.errors import InputError
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register import contacts
from campaigns.register.intake_chunk import Chunk
from campaigns.register.intake_drafts import Draft, Drafting
from campaigns.register.intake_encoding import TableFile, examine
from campaigns.register.intake_noes import Common
from campaigns.register.intake_reading import Keyed, Piece, Table
from campaigns.register.mailing_lists import MailingList
from campaigns.register.permit import answering_a_no
from campaigns.register.persons import INTAKE_TURN
from campaigns.register.provenance import Intake
from campaigns.store.engine import writing

CHUNK_ROWS: Final = 5_000
#: Why a row of somebody who had themselves erased is refused.
ERASED: Final = "was erased on their own request; only their own opt-in brings them back"

_SQLITE_CACHE_KB: Final = 64_000
_SQLITE_LOG_PAGES: Final = 20_000
#: Contacts that only a dry run knows are numbered from here.
_REHEARSED: Final = 1 << 40


def _in_turn(pieces: Iterator[Piece]) -> Iterator[Piece]:
    return pieces


@dataclass(frozen=True)
class Watch:
    """How the caller goes along: `progress` is told which share of the file has been taken, from 0 to 1; `ahead` may
    have the next pieces read while one is written."""

    progress: Callable[[float], None] = lambda _: None
    ahead: Callable[[Iterator[Piece]], Iterator[Piece]] = _in_turn


@dataclass(frozen=True)
class ImportRequest:
    """What to import, and what it rests on. `evidence` empty means: the file itself and the row; `name` is what to call
    the file where that is not its path."""

    path: Path
    mailing_list: MailingList
    source: str
    basis: str
    evidence: str = ""
    source_class: str = "company"
    mapping: Mapping[str, str | None] = field(default_factory=dict)
    dry_run: bool = False
    name: str = ""


@dataclass
class ImportReport:
    """Counts of rows; `rows` is the sum of the first four. `not_subscribed` are people whose earlier "no" stands,
    `left_out` values that say nothing (an unknown language, a personal identity number), by column, and
    `left_out_rows` where they stand."""

    rows: int = 0
    imported: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)
    not_subscribed: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    left_out_rows: dict[str, array[int]] = field(default_factory=dict)

    def refuse(self, row: int, reason: str) -> None:
        """Count a refused row."""
        self.rows += 1
        self.refused.append({"row": row, "reason": reason})

    def leave_out(self, values: Iterable[tuple[int, str]]) -> None:
        """Count values that were not taken, each told by its row and column."""
        for row, column in values:
            self.left_out[column] = self.left_out.get(column, 0) + 1
            self.left_out_rows.setdefault(column, array("Q")).append(row)

    def take(self, draft: Draft, *, begun: bool) -> None:
        """Count the rows of one person; `begun` tells whether a position, a subscription or a basis is new."""
        self.rows += len(draft.rows)
        for place, (_, fields) in enumerate(draft.rows):
            if place == 0 and draft.is_new:
                self.imported += 1
            elif fields or (begun and place == 0):
                self.updated += 1
            else:
                self.unchanged += 1


def import_contacts(
    engine: sa.Engine,
    ring: KeyRing,
    request: ImportRequest,
    principal: Principal,
    watch: Watch | None = None,
) -> ImportReport:
    """Import a table. What it corrected binds every sender when this returns.

    Raises:
        InputError: the file or its columns cannot be used; nothing was written.
        Unreachable: the database is away; whole chunks may have been written, import again.
    """
    demand(principal, Operation.CONTACT_IMPORT)
    if not request.source.strip():
        raise InputError('--source: say where the data came from, e.g. "trade fair 2026"')
    watch = watch or Watch()
    table = Table(examine(request.path, request.name), request.mapping, ring)
    report = ImportReport()
    common = Common(ring, request.mailing_list, _intake(request, table.file), principal)
    importer = _Import(engine, common, report)
    take = importer.rehearse if request.dry_run else importer.take
    for piece in watch.ahead(table.pieces(CHUNK_ROWS)):
        for number, reason in piece.refused:
            report.refuse(number, reason)
        report.leave_out(piece.left_out)
        if piece.people:
            take(piece.people)
        watch.progress(piece.share)
    if report.updated and not request.dry_run:
        with answering_a_no(engine):  # corrected addresses bind too, before anybody is told that they stand
            pass
    return report


def _intake(request: ImportRequest, table: TableFile) -> Intake:
    evidence = request.evidence or f"file sha256 {table.digest[:16]}"
    return Intake(
        "import",
        request.source.strip(),
        request.source_class,
        request.basis,
        evidence,
        table.digest,
        request.mailing_list.id,
    )


class _Import:
    """One run over one file."""

    def __init__(self, engine: sa.Engine, common: Common, report: ImportReport) -> None:
        self._engine, self._common, self._report = engine, common, report
        self._drafting = Drafting(common.ring)
        self._intake_id: int | None = None
        self._rehearsed: dict[bytes, int] = {}

    def take(self, people: Sequence[Keyed]) -> None:
        """Write one chunk."""
        with writing(self._engine) as connection:
            _prepare(connection)
            chunk, drafts = self._draft(connection, people)
            erased = self._look(chunk, drafts)
            chunk.write(drafts, self._drafting.companies)
        self._intake_id = chunk.intake_id
        self._count(chunk, drafts, erased)

    def rehearse(self, people: Sequence[Keyed]) -> None:
        """Do what `take` does and undo it; later chunks still know the people of this one."""
        with writing(self._engine) as connection, connection.begin_nested() as rehearsal:
            chunk, drafts = self._draft(connection, people)
            erased = self._look(chunk, drafts)
            chunk.write([draft for draft in drafts if draft.contact < _REHEARSED], self._drafting.companies)
            rehearsal.rollback()
        for draft in drafts:
            if draft.is_new:
                draft.contact = _REHEARSED + len(self._rehearsed)
                key = draft.email_key or draft.postal_key
                self._rehearsed[key or b""] = draft.contact
        self._count(chunk, drafts, erased)

    def _draft(self, connection: sa.Connection, people: Sequence[Keyed]) -> tuple[Chunk, list[Draft]]:
        drafts = self._drafting.drafts(people, partial(self._lookup, connection))
        return Chunk(connection, self._common, self._intake_id), drafts

    def _look(self, chunk: Chunk, drafts: list[Draft]) -> list[Draft]:
        """Take out of the drafts whoever had themselves erased."""
        erased = chunk.look(drafts, self._drafting.companies)
        gone = {id(draft) for draft in erased}
        if gone:
            drafts[:] = [draft for draft in drafts if id(draft) not in gone]
        return erased

    def _lookup(
        self, connection: sa.Connection, column: str, keys: Collection[bytes]
    ) -> Mapping[bytes, Mapping[str, Any]]:
        found = contacts.by_keys(connection, column, keys)
        if self._rehearsed:
            blank = dict.fromkeys((*contacts.NEW_COLUMNS, "key_id"))
            for key in keys:
                if key in self._rehearsed and key not in found:
                    found[key] = {
                        **blank,
                        column: key,
                        "id": self._rehearsed[key],
                        "key_id": self._common.key_id,
                    }
        return found

    def _count(self, chunk: Chunk, drafts: Sequence[Draft], erased: Sequence[Draft]) -> None:
        for number in sorted(number for draft in erased for number, _ in draft.rows):
            self._report.refuse(number, ERASED)
        changed = chunk.changed
        begun = changed.positions | changed.subscriptions | changed.bases
        for draft in drafts:
            self._report.take(draft, begun=draft.contact in begun)
        self._report.not_subscribed += len(changed.kept_off)
        self._drafting.given.note(drafts)


def _prepare(connection: sa.Connection) -> None:
    """One import at a time; on SQLite room for the pages of indexes, which a large import fills in no order, and few
    copies of them from the log into the file."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(INTAKE_TURN)))
    else:
        connection.exec_driver_sql(f"PRAGMA cache_size = -{_SQLITE_CACHE_KB}")
        connection.exec_driver_sql(f"PRAGMA wal_autocheckpoint = {_SQLITE_LOG_PAGES}")
