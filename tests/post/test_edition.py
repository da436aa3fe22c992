"""The printed edition from the ledger to closed files, on both databases, through last-moment refusals and deaths."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.delivery import ledger
from campaigns.delivery.ledger import BatchRef
from campaigns.delivery.results import Carrier
from campaigns.delivery.send import BatchReport
from campaigns.errors import NotFound, RefusedOperation
from campaigns.post import booking, edition, partfile
from campaigns.post.edition import PostDesk, PrintHouse, write_edition
from campaigns.post.partfile import BeingWritten
from campaigns.post.postal_address import PrintProfile
from campaigns.post.printfile import PrintFile, PrintRow
from campaigns.register.permit import answering_a_no
from campaigns.register.suppression import Gate
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.post.register import OpenRegister, Reader, run_out, statuses, unsubscribe

REF = BatchRef(1, 1)
HOME = [Reader("Ask"), Reader("Björk"), Reader("Cederholm")]


class Killed(BaseException):
    """The process dies here."""


def desk(engine: sa.Engine, folder: Path) -> PostDesk:
    house = PrintHouse("main", folder, PrintProfile())
    return PostDesk(engine, Gate(engine), house, Carrier("print:main", "print-works"), lambda: False)


def write(engine: sa.Engine, folder: Path) -> BatchReport | None:
    return write_edition(desk(engine, folder), REF)


def write_all(engine: sa.Engine, folder: Path) -> None:
    """As a worker does: again as long as the batch is due."""
    while (report := write(engine, folder)) is not None and report.due_at is not None:
        pass


def listed(folder: Path) -> dict[str, list[str]]:
    """The names in each closed file, by the file's name."""
    found = {}
    for path in sorted(folder.rglob("A_*.csv")):
        with path.open(encoding="utf-8", newline="") as text:
            found[path.name] = [row["name1"] for row in csv.DictReader(text, delimiter=";")]
    return found


def die_at(patch: pytest.MonkeyPatch, owner: object, name: str, *, after: bool = False) -> None:
    """Let the process die before (or right after) the next call of a function, once."""
    real: Callable[..., object] = getattr(owner, name)

    def dying(*args: object, **named: object) -> None:
        if after:
            real(*args, **named)
        raise Killed

    patch.setattr(owner, name, dying)


def test_each_language_and_country_group_has_its_file(
    registers: OpenRegister, database_url: str, tmp_path: Path
) -> None:
    readers = [
        Reader("Ask"),
        Reader("Aland", "22100", "AX"),
        Reader("Sundin", "11455", "SE"),
        Reader("Weber", "10115", "DE"),
        Reader("Virta", language="fi"),
    ]
    engine = registers(database_url, readers)

    report = write(engine, tmp_path)

    assert report is not None
    assert (report.statuses, report.due_at) == ({"accepted": 5}, None)
    assert listed(tmp_path) == {
        "A_kvist_2026-4_fi_FI_1.csv": ["Virta"],
        "A_kvist_2026-4_sv_FI_1.csv": ["Ask", "Aland"],
        "A_kvist_2026-4_sv_SE_1.csv": ["Sundin"],
        "A_kvist_2026-4_sv_XX_1.csv": ["Weber"],
    }
    with reading(engine) as connection:
        attempt, file = schema.attempt.c, schema.print_file.c
        carriers = connection.execute(sa.select(attempt.smarthost, attempt.processor).distinct()).all()
        assert carriers == [("print:main", "print-works")]
        assert connection.execute(sa.select(sa.func.count(), sa.func.sum(file.rows))).one() == (4, 5)


def test_an_address_that_cannot_be_printed_is_withheld(
    registers: OpenRegister, database_url: str, tmp_path: Path
) -> None:
    engine = registers(
        database_url,
        [
            Reader("Ask"),
            Reader("Blank", street=" ", postal_code=" ", city=" "),
            Reader("Fel", postal_code="1"),
        ],
    )
    write_all(engine, tmp_path)
    assert statuses(engine) == ["accepted", "withheld no_postal_address", "withheld postal_address_unusable"]
    assert listed(tmp_path) == {"A_kvist_2026-4_sv_FI_1.csv": ["Ask"]}


@pytest.mark.parametrize("owner, step", [(PrintFile, "add"), (partfile, "_write_durably")])
def test_who_says_no_before_the_file_is_closed_is_not_in_it(
    registers: OpenRegister,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    step: str,
) -> None:
    engine = registers(database_url, HOME)
    real = getattr(owner, step)
    said: list[int] = []

    def interrupted(*args: object) -> object:
        done = real(*args)
        if not said and (step != "add" or args[0].rows == len(HOME)):  # type: ignore[attr-defined]  # a part file
            said.append(2)
            unsubscribe(engine, 2)
        return done

    monkeypatch.setattr(owner, step, interrupted)
    write_all(engine, tmp_path)

    assert statuses(engine) == ["accepted", "withheld unsubscribed", "accepted"]
    assert listed(tmp_path) == {"A_kvist_2026-4_sv_FI_1.csv": ["Ask", "Cederholm"]}


@pytest.mark.parametrize("rows", [1, 3], ids=["in the middle", "before the file is closed"])
def test_a_deadline_that_passes_while_rows_are_written_closes_no_file(
    registers: OpenRegister, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    engine = registers(database_url, HOME)
    deadline = utc_now() + timedelta(hours=1)
    with writing(engine) as connection:
        connection.execute(sa.update(schema.campaign).values(deadline_at=deadline))
    real = PrintFile.add

    def late(file: PrintFile, row: PrintRow) -> None:
        real(file, row)
        if file.rows == rows:
            for module in (edition, ledger):
                monkeypatch.setattr(module, "utc_now", lambda: deadline)

    monkeypatch.setattr(PrintFile, "add", late)
    report = write(engine, tmp_path)
    assert report is not None
    assert (statuses(engine), listed(tmp_path)) == (["pending"] * 3, {})
    write_all(engine, tmp_path)
    assert (statuses(engine), listed(tmp_path)) == (["expired"] * 3, {})


def test_a_paused_campaign_prints_nothing_and_keeps_its_rows(
    registers: OpenRegister, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = registers(database_url, HOME)

    def pausing(*_: object) -> None:
        raise AssertionError("nothing is to be booked")

    real = booking.reserve

    def reserve(*args: object) -> dict[int, str]:
        with answering_a_no(engine) as connection:
            connection.execute(sa.update(schema.campaign).values(status="paused"))
        return real(*args)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(booking, "reserve", reserve)
    monkeypatch.setattr(booking, "book", pausing)
    report = write(engine, tmp_path)

    assert report is not None
    assert report.due_at is not None
    assert statuses(engine) == ["pending"] * 3
    assert listed(tmp_path) == {}


def test_nothing_is_claimed_while_everything_is_halted(
    registers: OpenRegister, database_url: str, tmp_path: Path
) -> None:
    engine = registers(database_url, HOME)
    with writing(engine) as connection:
        connection.execute(sa.update(schema.gate).values(halted=True))
    assert write(engine, tmp_path) is None
    assert statuses(engine) == ["pending"] * 3
    assert listed(tmp_path) == {}


def test_dying_after_the_close_is_settled_from_the_file(
    registers: OpenRegister, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = registers(database_url, [*HOME, Reader("Sundin", "11455", "SE")])
    with monkeypatch.context() as patch:
        die_at(patch, booking, "book")
        with pytest.raises(Killed):
            write(engine, tmp_path)
    assert statuses(engine) == ["sending"] * 4
    run_out(engine)

    write_all(engine, tmp_path)
    write_all(engine, tmp_path)

    assert statuses(engine) == ["accepted"] * 4
    assert listed(tmp_path) == {
        "A_kvist_2026-4_sv_FI_1.csv": ["Ask", "Björk", "Cederholm"],
        "A_kvist_2026-4_sv_SE_3.csv": ["Sundin"],
    }
    with reading(engine) as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.print_file)).scalar_one() == 2


@pytest.mark.parametrize("after_watermark", [False, True])
def test_dying_before_the_close_lists_everybody_once_later(
    registers: OpenRegister,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    after_watermark: bool,
) -> None:
    engine = registers(database_url, HOME)
    with monkeypatch.context() as patch:
        die_at(patch, ledger, "open_rows", after=after_watermark)
        with pytest.raises(Killed):
            write(engine, tmp_path)
    codes = mail_ids(engine)
    run_out(engine)

    write_all(engine, tmp_path)

    assert statuses(engine) == ["accepted"] * 3
    assert [sorted(names) for names in listed(tmp_path).values()] == [["Ask", "Björk", "Cederholm"]]
    assert mail_ids(engine) == codes, "a row keeps the code that was drawn for it"
    assert not list(tmp_path.rglob(".A_*"))


def mail_ids(engine: sa.Engine) -> dict[int, str]:
    item = schema.print_item.c
    with reading(engine) as connection:
        return {row.number: row.mail_id for row in connection.execute(sa.select(item.number, item.mail_id))}


def test_a_run_after_the_end_writes_nothing(
    registers: OpenRegister, database_url: str, tmp_path: Path
) -> None:
    engine = registers(database_url, HOME)
    write_all(engine, tmp_path)
    before = listed(tmp_path)
    assert write(engine, tmp_path) is None
    assert listed(tmp_path) == before


def test_who_lost_the_batch_closes_nothing(
    registers: OpenRegister, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = registers(sqlite_url, HOME)
    real = ledger.open_rows

    def overtaken(engine: sa.Engine, hand: ledger.Hand, to_number: int, carrier: Carrier) -> bool:
        run_out(engine)
        assert ledger.claim(engine, REF, "somebody else") is not None
        return real(engine, hand, to_number, carrier)

    monkeypatch.setattr(ledger, "open_rows", overtaken)
    write(engine, tmp_path)
    assert listed(tmp_path) == {}
    assert statuses(engine) == ["sending"] * 3


def test_a_file_still_being_written_is_waited_for(
    registers: OpenRegister, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = registers(sqlite_url, HOME)
    with monkeypatch.context() as patch:
        die_at(patch, ledger, "open_rows", after=True)
        with pytest.raises(Killed):
            write(engine, tmp_path)
    run_out(engine)
    folder = next(tmp_path.glob("1-*"))
    with PrintFile.open(folder, "A_kvist_2026-4_sv_FI_1.csv"), pytest.raises(BeingWritten):
        write(engine, tmp_path)
    assert statuses(engine) == ["uncertain"] * 3
    run_out(engine)
    write_all(engine, tmp_path)
    assert statuses(engine) == ["accepted"] * 3


def test_a_folder_on_another_machine_settles_nothing(
    registers: OpenRegister, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = registers(sqlite_url, HOME)
    with monkeypatch.context() as patch:
        die_at(patch, booking, "book")
        with pytest.raises(Killed):
            write(engine, tmp_path / "here")
    run_out(engine)
    with pytest.raises(NotFound, match="is not here"):
        write(engine, tmp_path / "there")
    assert statuses(engine) == ["uncertain"] * 3


def test_files_that_the_ledger_does_not_know_stop_the_writing(
    registers: OpenRegister, sqlite_url: str, tmp_path: Path
) -> None:
    write_all(registers(sqlite_url, HOME), tmp_path)
    restored = registers(f"{sqlite_url}.restored", HOME)
    with pytest.raises(RefusedOperation, match="does not know it"):
        write(restored, tmp_path)
    assert len(listed(tmp_path)) == 1
