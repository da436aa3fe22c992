"""The permit: how long it lasts, what it shows, and that nothing is sent where it cannot be had."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from campaigns.clock import boot_seconds
from campaigns.errors import GateClosed, Unreachable
from campaigns.register import office, permit
from campaigns.register.office import ClockGap, PermitOffice
from campaigns.register.permit import answering_a_no, end_halt, raise_epoch
from campaigns.register.witness import Mark, Witness
from campaigns.store import schema
from campaigns.store.engine import make_engine, reading, writing
from campaigns.store.primary import make_asker
from tests.support.register import Register, made_register

PERMIT = permit.PERMIT_MS / 1000
ANSWER = permit.ANSWER_MS / 1000


def set_gate(engine: sa.Engine, **values: object) -> None:
    """Change the gate's row behind everybody's back."""
    with writing(engine) as connection:
        connection.execute(sa.update(schema.gate).values(**values))


def gate_row(engine: sa.Engine) -> Any:
    """Whether it is halted, whether because of a restored backup, and its epoch."""
    gate = schema.gate.c
    with reading(engine) as connection:
        return connection.execute(sa.select(gate.halted, gate.restored, gate.epoch)).one()


def halts(engine: sa.Engine) -> tuple[bool, bool]:
    """Whether everything is halted, and whether because of a restored backup."""
    row = gate_row(engine)
    return row.halted, row.restored


def test_a_permit_is_counted_from_before_the_question(register: Register) -> None:
    before = boot_seconds()
    got = PermitOffice(register.engine).permit()
    assert before + PERMIT <= got.valid_until <= boot_seconds() + PERMIT


def test_a_late_reply_gives_no_permit(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office, "PATIENCE_SECONDS", 0.3)
    asked = PermitOffice(register.engine)
    asked.permit()
    real = asked._ask

    def slow() -> object:
        row = real()
        time.sleep(PERMIT)
        return row

    monkeypatch.setattr(asked, "_ask", slow)
    time.sleep(PERMIT)
    with pytest.raises(GateClosed, match="too late"):
        asked.permit()


def test_a_permit_is_renewed_before_it_runs_out(register: Register) -> None:
    asked = PermitOffice(register.engine)
    first = asked.permit()
    assert asked.permit() is first
    while boot_seconds() < first.renew_from:
        time.sleep(0.001)
    assert asked.permit().valid_until > first.valid_until


def test_a_permit_asked_for_after_the_commit_shows_the_new_epoch(register: Register) -> None:
    asked = PermitOffice(register.engine)
    before = asked.permit().epoch
    with writing(register.engine) as connection:
        raise_epoch(connection)
    time.sleep(PERMIT)
    assert asked.permit().epoch == before + 1


def test_a_no_is_answered_after_every_earlier_permit_has_run_out(register: Register) -> None:
    asked = PermitOffice(register.engine)
    held = asked.permit()
    for _ in range(2):  # a repeated "no" waits as the first did
        with answering_a_no(register.engine):
            held = asked.permit()
        assert boot_seconds() > held.valid_until + ANSWER - 2 * PERMIT


def test_a_longer_permit_is_taken_over_from_the_register(register: Register) -> None:
    set_gate(register.engine, permit_ms=400, answer_ms=900)
    asked = PermitOffice(register.engine)
    asked.permit()
    assert asked.permit().valid_until - boot_seconds() > 0.3


def test_the_answer_must_outlast_two_permits(register: Register) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        set_gate(register.engine, permit_ms=51)


@contextmanager
def gate_locked(register: Register, how: str) -> Iterator[None]:
    """Another transaction holds the gate's row or, on PostgreSQL, its table."""
    other = make_engine(register.url)
    with other.connect().execution_options(utskick_writes=True) as connection, connection.begin() as held:
        if register.engine.dialect.name == "postgresql":
            connection.execute(sa.text(how))
        yield
        held.rollback()
    other.dispose()


def test_no_answer_is_no_permit(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office, "PATIENCE_SECONDS", 0.3)
    with made_register(postgres_url, tmp_path / "secrets") as register:
        asked = PermitOffice(register.engine)
        asked.permit()
        time.sleep(PERMIT)
        with gate_locked(register, "LOCK TABLE gate"), pytest.raises(GateClosed, match="cannot be asked"):
            asked.permit()
        assert asked.permit().epoch == 1


def test_a_server_that_keeps_silent_is_not_waited_for(postgres_url: str, tmp_path: Path) -> None:
    with made_register(postgres_url, tmp_path / "secrets") as register:
        asker = make_asker(register.engine, sa.select(schema.gate.c.epoch), 60_000)
        assert asker.ask(1) == (1,)
        with gate_locked(register, "LOCK TABLE gate"):
            began = boot_seconds()
            with pytest.raises(Unreachable):
                asker.ask(0.1)
            assert boot_seconds() - began < 1
        assert asker.ask(1) == (1,)  # over a new connection
        asker.close()


def test_a_no_that_waits_too_long_for_the_gate_is_not_answered(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    if register.engine.dialect.name == "sqlite":
        monkeypatch.setattr("campaigns.store.engine.SQLITE_PATIENCE_MS", 300)
    impatient = make_engine(register.url)
    with (
        gate_locked(register, "SELECT * FROM gate FOR UPDATE"),
        pytest.raises(Unreachable),
        answering_a_no(impatient),
    ):
        pass
    assert gate_row(register.engine).epoch == 1
    impatient.dispose()


def _lower_epoch(engine: sa.Engine) -> None:
    set_gate(engine, epoch=schema.gate.c.epoch - 1)


def _fewer_claims(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        connection.execute(sa.update(schema.claim_count).values(claims=schema.claim_count.c.claims - 1))


def _other_register(engine: sa.Engine) -> None:
    set_gate(engine, incarnation="another")


@pytest.mark.parametrize("went_back", [_lower_epoch, _fewer_claims, _other_register])
def test_a_register_that_went_back_halts_everything(
    register: Register, went_back: Callable[[sa.Engine], None]
) -> None:
    asked = lived_a_little(register.engine, None)
    went_back(register.engine)
    time.sleep(PERMIT)
    with pytest.raises(GateClosed, match="utskick go"):
        asked.permit()
    assert halts(register.engine) == (True, True)
    with pytest.raises(GateClosed, match="halted"):
        PermitOffice(register.engine).permit()


@pytest.mark.parametrize("went_back", [_lower_epoch, _fewer_claims])
def test_a_fresh_process_knows_from_the_witness(
    register: Register, tmp_path: Path, went_back: Callable[[sa.Engine], None]
) -> None:
    lived_a_little(register.engine, tmp_path)
    went_back(register.engine)
    with pytest.raises(GateClosed, match="restored backup"):
        PermitOffice(register.engine, Witness(tmp_path)).permit()
    assert halts(register.engine) == (True, True)
    # Without the witness it could not have known.
    set_gate(register.engine, halted=False, restored=False)
    PermitOffice(register.engine).permit()


def test_after_go_no_machine_sees_a_register_behind_its_witness(register: Register, tmp_path: Path) -> None:
    lived_a_little(register.engine, tmp_path)
    _lower_epoch(register.engine)
    _fewer_claims(register.engine)
    with pytest.raises(GateClosed):
        PermitOffice(register.engine, Witness(tmp_path)).permit()
    with writing(register.engine) as connection:
        assert end_halt(connection)
    PermitOffice(register.engine, Witness(tmp_path)).permit()


def lived_a_little(engine: sa.Engine, folder: Path | None) -> PermitOffice:
    """Raise the epoch, count a claim, and see both."""
    with writing(engine) as connection:
        permit.count_claim(connection, 3)
        permit.count_claim(connection, 3)
        raise_epoch(connection)
    asked = PermitOffice(engine, Witness(folder) if folder else None)
    asked.permit()
    return asked


def test_another_registers_witness_says_nothing(register: Register, tmp_path: Path) -> None:
    Witness(tmp_path).note("another", Mark(1_000, 1_000))
    assert PermitOffice(register.engine, Witness(tmp_path)).permit().epoch == 1


def test_a_witness_never_goes_back_and_a_damaged_one_counts_as_none(tmp_path: Path) -> None:
    witness = Witness(tmp_path)
    witness.note("here", Mark(7, 2))
    witness.note("here", Mark(3, 9))
    assert witness.seen("here") == Mark(7, 9)
    file = tmp_path / "here.witness"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    assert witness.seen("here") == Mark(0, 0)
    assert witness.seen("elsewhere") == Mark(0, 0)


def test_a_witness_that_cannot_be_written_shuts_the_gate(register: Register, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GateClosed, match="witness"):
        PermitOffice(register.engine, Witness(tmp_path / "file")).permit()


def test_a_machine_that_was_frozen_with_its_clock_is_found_out(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gaps: list[ClockGap] = []
    frozen = 0.0
    monkeypatch.setattr(office, "boot_seconds", lambda: boot_seconds() - frozen)
    with made_register(postgres_url, tmp_path / "secrets") as register:
        asked = PermitOffice(register.engine, on_gap=gaps.append)
        asked.permit()
        time.sleep(0.2)
        asked.permit()
        assert gaps == []
        time.sleep(0.2)
        frozen = 0.15
        asked.permit()
    assert [round(gap.seconds, 1) for gap in gaps] == [0.1]
