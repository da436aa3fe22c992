"""The story of a printed edition: claim the post batch, lay out, ask the gate, write the files, book.

Promise: every claimed row ends in exactly one closed file (`accepted`), withheld with a reason, or back in the
ledger because nothing of it was handed over; nobody is listed twice, however often this is run or dies. The gate is
asked before a row is added, and for all rows again right before the file gets the name that hands it over. One file
per language and country group; its name ends with the batch's fence, so that two claims never want the same name.
Fails: with the gate shut, what is not in a closed file is given back and due again after a pause. A full disk, a lost
database or a kill leaves the lease to run out; the next claim settles by the closed files. A folder belongs to one
machine.
"""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.delivery import ledger
from campaigns.delivery.claimed_rows import ClaimedRow
from campaigns.delivery.ledger import BatchRef, Hand
from campaigns.delivery.results import Carrier, Result
from campaigns.delivery.send import BatchReport
from campaigns.errors import GateClosed, InputError
from campaigns.post import booking
from campaigns.post.booking import BatchLost, Edition
from campaigns.post.countries import CountryGroup
from campaigns.post.mail_id import printed
from campaigns.post.postal_address import Layout, PostalAddress, PostalFault, PrintProfile, lay_out
from campaigns.post.printfile import FileOrigin, PrintFile, PrintRow, file_name
from campaigns.register.clearance import Verdict, Withheld
from campaigns.register.disclosures import Given
from campaigns.register.suppression import Gate
from campaigns.store import schema
from campaigns.store.engine import reading

#: The lease is renewed at least this often while rows are written, in seconds.
HEARTBEAT_SECONDS: Final = 15.0
#: How long a batch rests when the gate could not be asked.
GATE_PAUSE: Final = timedelta(seconds=30)


@dataclass(frozen=True)
class PrintHouse:
    """Where a print house's files are written, what it can print, and to whom on which ground the data goes then."""

    key: str
    folder: Path
    profile: PrintProfile
    recipient: str = "self"
    ground: str = "own operation"


@dataclass(frozen=True)
class PostDesk:
    """What the writing of editions works with. `carrier` names the print house and its processor."""

    engine: sa.Engine
    gate: Gate
    house: PrintHouse
    carrier: Carrier
    stopping: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class _Copy:
    """A row that can be printed."""

    row: ClaimedRow
    layout: Layout

    @property
    def number(self) -> int:
        return self.row.delivery.number


def write_edition(desk: PostDesk, ref: BatchRef) -> BatchReport | None:
    """Write the address files of a post batch; None when it could not be claimed.

    Raises:
        RefusedOperation: files of an earlier try are open, changed or gone; nothing was written.
        Unreachable: the database or the print folder is away; what was closed is settled at the next claim.
    """
    # Not a journal's name: a dead writer is settled by its files, so recovery from journals must not find it.
    hand = ledger.claim(desk.engine, ref, f"print:{uuid.uuid4().hex}")
    if hand is None:
        return None
    edition = _edition(desk, ref)
    if booking.settle(desk.engine, edition, hand):
        return BatchReport(due_at=ledger.let_go(desk.engine, hand, desk.carrier, unsent=hand.rows))
    booking.refuse_unknown_files(desk.engine, edition)
    return _Writing(desk, edition, hand).run()


def edition_folder(house: Path, campaign: int, key: str, edition: str) -> Path:
    """The folder of one edition's files. The campaign's id comes first, so that no two campaigns share one."""
    safe = "".join(c if c.isascii() and c.isalnum() else "-" for c in f"{key}-{edition}")
    return house / f"{campaign}-{safe}"[:80]


def address_of(row: ClaimedRow) -> PostalAddress:
    """The postal address of a claimed row; the company it was known with first stands above the person."""
    person = row.person
    names = (person.get("first_name", ""), person.get("last_name", ""))
    return PostalAddress(
        company=row.companies[0] if row.companies else "",
        person=" ".join(name for name in names if name),
        position=row.position,
        street=person.get("street", ""),
        postal_code=person.get("postal_code", ""),
        city=person.get("city", ""),
        country=person.get("country", ""),
    )


class _RefusedAtLast(Exception):
    """The gate refuses a row of a file that was about to get its name."""


class _TimeIsUp(Exception):
    """The campaign's deadline has passed before the file was closed."""


class _Writing:
    """One pass over one claimed batch."""

    def __init__(self, desk: PostDesk, edition: Edition, hand: Hand) -> None:
        self._desk, self._edition, self._hand = desk, edition, hand
        self._report = BatchReport()
        self._settled: set[int] = set()
        self._opened_to = hand.in_hand.first_number - 1
        self._beat_at = time.monotonic()

    def run(self) -> BatchReport:
        try:
            for (language, group), copies in sorted(self._laid_out().items()):
                if self._desk.stopping():
                    break
                self._write_file(language, group, copies)
        except GateClosed:
            self._report.gate_closed = True
        except _TimeIsUp:
            pass  # what is not in a closed file is given back, and expires at the next claim
        except BatchLost:
            return self._report
        return self._end()

    def _end(self) -> BatchReport:
        left = [row for row in self._hand.rows if row.delivery.number not in self._settled]
        pause = utc_now() + GATE_PAUSE if self._report.gate_closed else None
        desk = self._desk
        self._report.due_at = ledger.let_go(desk.engine, self._hand, desk.carrier, unsent=left, due_at=pause)
        return self._report

    def _laid_out(self) -> dict[tuple[str, CountryGroup], list[_Copy]]:
        """The printable rows by language and country group; the others are withheld."""
        files: defaultdict[tuple[str, CountryGroup], list[_Copy]] = defaultdict(list)
        refused = []
        for row in self._hand.rows:
            layout = lay_out(address_of(row), self._desk.house.profile)
            if isinstance(layout, PostalFault):
                refused.append(_withheld(row, layout.reason))
            else:
                files[row.language, layout.group].append(_Copy(row, layout))
            self._beat()
        self._record(refused)
        return files

    def _write_file(self, language: str, group: CountryGroup, copies: list[_Copy]) -> None:
        """Write and close one file; begun anew without those whom the gate refuses at the last look."""
        name = file_name(self._edition.key, self._edition.edition, language, group, self._hand.fence)
        while copies:
            with PrintFile.open(self._edition.folder, name) as file:
                copies = self._add_all(file, copies)
                if self._closed(file, copies):
                    self._book(name, copies)
                    return
            copies = self._without_refused(copies)

    def _closed(self, file: PrintFile, copies: list[_Copy]) -> bool:
        """Close a file; False where the gate refused one of its rows at the last look, and nothing was handed over."""
        if not copies:
            return False
        self._hold(self._hand.in_hand.last_number)
        origin = FileOrigin(self._hand.batch.campaign, self._hand.in_hand.checked_epoch, utc_now())
        try:
            file.close(origin, lambda: self._look(copies))
        except _RefusedAtLast:
            return False
        return True

    def _look(self, copies: list[_Copy]) -> None:
        # Asking for one is asking for all in hand: the gate's refusals of the whole range are renewed together.
        self._ask(copies[-1])
        refused = self._hand.in_hand.withheld
        if refused and any(copy.number in refused for copy in copies):
            raise _RefusedAtLast

    def _add_all(self, file: PrintFile, copies: list[_Copy]) -> list[_Copy]:
        numbers = [copy.number for copy in copies]
        mail_ids = booking.reserve(self._desk.engine, self._hand, file.path.name, numbers)
        return [copy for copy in copies if self._add(file, copy, mail_ids[copy.number])]

    def _add(self, file: PrintFile, copy: _Copy, mail_id: str) -> bool:
        self._beat()
        verdict = self._ask(copy)
        if isinstance(verdict, Withheld):
            self._refuse([copy])
            return False
        code = printed(self._edition.key, self._edition.edition, mail_id)
        try:
            file.add(PrintRow(code, copy.layout, version=copy.row.language))
        except InputError:
            self._record([_withheld(copy.row, "postal_address_unusable")])
            return False
        return True

    def _without_refused(self, copies: list[_Copy]) -> list[_Copy]:
        refused = self._hand.in_hand.withheld
        self._refuse([copy for copy in copies if copy.number in refused])
        return [copy for copy in copies if copy.number not in refused]

    def _ask(self, copy: _Copy) -> Verdict:
        deadline = self._edition.deadline
        if deadline is not None and utc_now() >= deadline:
            raise _TimeIsUp
        address = "\n".join(copy.layout.rows)
        return self._desk.gate.clear(self._hand.in_hand, copy.row.delivery, address)

    def _refuse(self, copies: list[_Copy]) -> None:
        """Record final refusals; where it is only "not now", the row is given back at the end."""
        verdicts = [(copy.row, self._hand.in_hand.withheld[copy.number]) for copy in copies]
        self._record([_withheld(row, verdict.reason) for row, verdict in verdicts if verdict.final])

    def _book(self, name: str, copies: list[_Copy]) -> None:
        results = [Result(copy.number, copy.row.attempt, "accepted") for copy in copies]
        booking.book(self._desk.engine, self._edition, name, results)
        self._count(results)

    def _record(self, results: list[Result]) -> None:
        ledger.record(self._desk.engine, self._hand.batch.campaign, results, self._desk.carrier)
        self._count(results)

    def _count(self, results: list[Result]) -> None:
        for result in results:
            self._settled.add(result.number)
            self._report.count(result.status, result.reason)

    def _beat(self) -> None:
        if time.monotonic() - self._beat_at >= HEARTBEAT_SECONDS:
            self._hold(self._opened_to)

    def _hold(self, opened_to: int) -> None:
        """Renew the lease. The watermark stands at the last row before the first file is closed."""
        if not ledger.open_rows(self._desk.engine, self._hand, opened_to, self._desk.carrier):
            raise BatchLost
        self._opened_to, self._beat_at = opened_to, time.monotonic()


def _withheld(row: ClaimedRow, reason: str) -> Result:
    return Result(row.delivery.number, row.attempt, "withheld", reason=reason)


def _edition(desk: PostDesk, ref: BatchRef) -> Edition:
    table = schema.campaign.c
    with reading(desk.engine) as connection:
        row = connection.execute(
            sa.select(table.key, table.edition, table.deadline_at).where(table.id == ref.campaign)
        ).one()
    folder = edition_folder(desk.house.folder, ref.campaign, row.key, row.edition)
    given = Given(desk.house.recipient, desk.house.ground, "address file")
    return Edition(ref, row.key, row.edition, desk.house.key, folder, desk.carrier, given, row.deadline_at)
