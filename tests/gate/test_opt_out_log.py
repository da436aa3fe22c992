"""The opt-out log: written before the answer, without addresses, and put back into a restored register."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
import sqlalchemy as sa

from campaigns.address import parse_email
from campaigns.clock import utc_now
from campaigns.errors import Unreachable
from campaigns.feedback.apply import apply
from campaigns.feedback.event import FeedbackEvent
from campaigns.principal import INBOUND
from campaigns.register import objections, opt_out_log, subscriptions
from campaigns.register.opt_out_log import LoggedLine, LoggedWord, OptOutLog, Word, last_word, read_log
from campaigns.register.permit import Keeper, answering_a_no, kept_by
from campaigns.register.replay import replay
from campaigns.register.witness import Mark, Witness
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.support.databases import migrated_file
from tests.support.register import LIST_ID, MOMENT, PEOPLE, TESTER, Register, made_register

LEAVING = subscriptions.Unsubscription(1, LIST_ID, "unsubscribe link", "from anna.lind@kund.example")


@pytest.fixture
def logged(register: Register, tmp_path: Path) -> sa.Engine:
    """The register's engine with a log."""
    return kept(register.engine, tmp_path / "log")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Its file."""
    return tmp_path / "log" / "opt-out.log"


def kept(engine: sa.Engine, folder: Path) -> sa.Engine:
    """An engine whose words are kept in a folder."""
    return kept_by(engine, Keeper(OptOutLog(folder / "opt-out.log"), Witness(folder)))


def leave(engine: sa.Engine) -> bool:
    """Contact 1 leaves the list."""
    with answering_a_no(engine) as connection:
        return subscriptions.unsubscribe(connection, LEAVING, TESTER)


def object_(engine: sa.Engine, register: Register, number: int) -> None:
    """A contact objects to everything."""
    key = objections.address_key(register.ring, parse_email(PEOPLE[number][0]))
    with answering_a_no(engine) as connection:
        no = objections.No("objection", key, objections.Scope(), "letter", "her letter")
        objections.suppress(connection, no, TESTER)


def lift_all(engine: sa.Engine) -> None:
    """Lift every suppression."""
    with answering_a_no(engine) as connection:
        for number in connection.execute(sa.select(schema.suppression.c.id)).scalars().all():
            objections.lift(connection, number, "asked for it again", TESTER)


def test_a_no_is_on_disk_before_it_is_answered_also_a_repeated_one(logged: sa.Engine, log: Path) -> None:
    for times in (1, 2):
        assert leave(logged) is (times == 1)
        words = [line.said.word for line in read_log(log) if line]
        assert words == ["leave", "no"] * times
    assert log.stat().st_mode & 0o777 == 0o600


def test_the_log_holds_no_address(logged: sa.Engine, log: Path, register: Register) -> None:
    leave(logged)
    object_(logged, register, 2)
    text = log.read_text()
    assert "@" not in text
    assert "lind" not in text
    assert "kund.example" not in text


def test_what_is_rolled_back_is_not_logged(logged: sa.Engine, log: Path) -> None:
    with suppress(ZeroDivisionError), answering_a_no(logged) as connection:
        subscriptions.unsubscribe(connection, LEAVING, TESTER)
        raise ZeroDivisionError
    assert not log.exists()


def test_a_log_that_cannot_be_written_keeps_the_answer_back(register: Register, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    engine = kept(register.engine, tmp_path / "file")
    with pytest.raises(Unreachable, match="opt-out log"):
        leave(engine)


def test_news_that_could_not_be_logged_is_logged_when_it_comes_again(
    register: Register, tmp_path: Path
) -> None:
    """The second time it is known and has no consequence; what it said the first time is still owed."""
    folder = tmp_path / "folder"
    folder.touch()
    engine = kept(register.engine, folder)
    event = FeedbackEvent("test", "1", "hard", register.claims())
    for _ in range(2):
        with pytest.raises(Unreachable, match="opt-out log"):
            apply(engine, event, INBOUND)
    folder.unlink()
    assert apply(engine, event, INBOUND) == "repeated"
    assert [line.said.kind for line in read_log(folder / "opt-out.log") if line] == ["hard_bounce"]
    apply(engine, event, INBOUND)
    assert len(list(read_log(folder / "opt-out.log"))) == 1


def test_a_full_disk_keeps_the_answer_back(
    logged: sa.Engine, monkeypatch: pytest.MonkeyPatch, log: Path
) -> None:
    leave(logged)
    before = log.read_bytes()
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr("campaigns.register.opt_out_log.os.write", lambda file, octets: real(file, octets[:40]))
        with pytest.raises(Unreachable, match="full"):
            leave(logged)
    assert log.read_bytes() == before


def test_a_line_that_was_cut_short_spoils_no_other(logged: sa.Engine, log: Path) -> None:
    leave(logged)
    with log.open("ab") as file:
        file.write(b'{"at":"2026-11-2')
    leave(logged)
    lines = list(read_log(log))
    assert lines.count(None) == 1
    assert len(lines) == 5


def test_many_write_at_once(tmp_path: Path) -> None:
    log = OptOutLog(tmp_path / "log")
    word = LoggedWord(word="leave", kind="unsubscribed", list_id=1, origin="x" * 500, by="x")

    def write() -> None:
        for _ in range(20):
            log.append("r", 1, [word, word])

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [line.said if line else None for line in read_log(tmp_path / "log")] == [word] * 320


@pytest.fixture
def restored(tmp_path: Path, register: Register, logged: sa.Engine) -> Iterator[Register]:
    """What the register was before anybody said no: another database with the same people, keys and name."""
    leave(logged)
    object_(logged, register, 2)
    other = tmp_path / "restored"
    other.mkdir()
    with made_register(migrated_file(other / "x.db"), other / "secrets") as made:
        with reading(register.engine) as connection:
            name = opt_out_log.incarnation(connection)
        with writing(made.engine) as connection:
            connection.execute(sa.update(schema.gate).values(incarnation=name))
        yield Register(made.url, made.engine, register.ring, made.secrets_dir)


def test_a_replay_brings_every_no_back_and_may_be_repeated(restored: Register, log: Path) -> None:
    done = replay(restored.engine, [log], TESTER)
    assert (done.lines, done.recorded, done.stood) == (3, 3, 0)
    assert restored.status(1) == "unsubscribed"
    assert {("unsubscribed", "", LIST_ID), ("objection", "", 0)} <= restored.noes()
    before = restored.contents()["suppression"]
    again = replay(restored.engine, [log, log], TESTER)
    assert (again.recorded, again.stood) == (0, 3)
    assert restored.contents()["suppression"] == before


def test_a_replay_is_audited(restored: Register, log: Path) -> None:
    replay(restored.engine, [log], TESTER)
    audit = schema.audit.c
    with reading(restored.engine) as connection:
        rows = connection.execute(sa.select(audit.principal, audit.tag)).all()
    assert (TESTER.name, "register:suppression:replay") in {tuple(row) for row in rows}


def test_a_no_that_was_lifted_later_is_not_brought_back(
    logged: sa.Engine, restored: Register, log: Path
) -> None:
    lift_all(logged)
    done = replay(restored.engine, [log], TESTER)
    assert (done.recorded, done.lifted) == (1, 2)
    assert ("objection", "", 0) not in restored.noes()


def test_a_no_after_the_lift_is_brought_back(
    register: Register, logged: sa.Engine, restored: Register, log: Path
) -> None:
    lift_all(logged)
    object_(logged, register, 2)
    replay(restored.engine, [log], TESTER)
    assert ("objection", "", 0) in restored.noes()


AHEAD, BEHIND, TRUE = (MOMENT + timedelta(seconds=seconds) for seconds in (60, -60, 0))


def line(word: Word, at: datetime, epoch: int | None) -> LoggedLine:
    """A line about contact 1, as a log has it (None: one from before lines told their epoch)."""
    said = LoggedWord(word=word, kind="objection", subject="address", key="00", origin="x", by="x")
    told = {} if epoch is None else {"epoch": epoch}
    (read,) = read_lines([{"at": at.isoformat(), "register": "r", **told, **asdict(said)}])
    assert read is not None
    return read


def read_lines(values: list[dict[str, object]]) -> list[LoggedLine | None]:
    """What a file with these lines is read as."""
    with NamedTemporaryFile("w") as file:
        file.write("".join(json.dumps(it) + "\n" for it in values))
        file.flush()
        return list(read_log(Path(file.name)))


@pytest.mark.parametrize(
    "lines, last",
    [
        ([line("no", TRUE, 5), line("lift", AHEAD, 6), line("no", TRUE, 7)], "no"),
        ([line("no", AHEAD, 5), line("lift", BEHIND, 6)], "lift"),
        ([line("lift", AHEAD, 5), line("no", BEHIND, 5)], "no"),
        ([line("no", BEHIND, 5), line("lift", AHEAD, 5)], "no"),
        ([line("lift", AHEAD, None), line("no", BEHIND, 5)], "no"),
        ([line("no", BEHIND, None), line("lift", AHEAD, None)], "lift"),
        ([line("lift", TRUE, None), line("no", TRUE, None)], "no"),
    ],
)
def test_the_last_word_is_that_of_the_highest_epoch_whatever_the_clocks_say(
    lines: list[LoggedLine], last: Word
) -> None:
    for files in permutations(lines):
        assert [it.said.word for it in last_word(files)] == [last]


def test_a_line_tells_the_epoch_of_its_transaction(logged: sa.Engine, log: Path) -> None:
    before = present_epoch(logged)
    leave(logged)
    after = present_epoch(logged)
    leave(logged)
    first, second = sorted({it.epoch for it in read_log(log) if it})
    assert before < first <= after < second


def present_epoch(engine: sa.Engine) -> int:
    """How far the register has come."""
    with reading(engine) as connection:
        epoch: int = connection.execute(sa.select(schema.gate.c.epoch)).scalar_one()
    return epoch


def test_a_replay_lifts_nothing(register: Register, logged: sa.Engine, restored: Register, log: Path) -> None:
    object_(restored.engine, register, 2)
    lift_all(logged)
    replay(restored.engine, [log], TESTER)
    assert ("objection", "", 0) in restored.noes()


def test_a_number_given_to_somebody_else_since_is_left_alone(restored: Register, log: Path) -> None:
    with writing(restored.engine) as connection:
        connection.execute(
            sa.update(schema.contact).where(schema.contact.c.id == 1).values(created_at=utc_now())
        )
    replay(restored.engine, [log], TESTER)
    assert restored.status(1) == "subscribed"


def test_another_registers_log_and_lines_nobody_can_read_are_counted(
    register: Register, tmp_path: Path, log: Path, logged: sa.Engine
) -> None:
    leave(logged)
    with log.open("a") as file:
        for bad in ("nonsense", "[]", json.dumps({"at": MOMENT.isoformat(), "register": "x", "word": "no"})):
            file.write(bad + "\n")
    foreign = tmp_path / "foreign.log"
    foreign.write_text(log.read_text().replace('"register":"', '"register":"x'))
    done = replay(register.engine, [foreign], TESTER)
    assert (done.recorded, done.foreign, done.unreadable) == (0, 2, 3)


def test_the_machine_that_answered_knows_how_far_the_register_had_come(
    logged: sa.Engine, tmp_path: Path
) -> None:
    with reading(logged) as connection:
        name = opt_out_log.incarnation(connection)
        before = Mark(connection.execute(sa.select(schema.gate.c.epoch)).scalar_one(), 0)
    leave(logged)
    assert before.is_behind(Witness(tmp_path / "log").seen(name))
