"""A register that comes back older than this machine has seen it, and records noes before anybody sends."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from campaigns.address import parse_email
from campaigns.delivery import ledger, restart
from campaigns.delivery.ledger import BatchRef
from campaigns.errors import GateClosed, Unreachable
from campaigns.keyring import KeyRing
from campaigns.register import objections
from campaigns.register.clearance import DeliveryRef
from campaigns.register.opt_out_log import OptOutLog
from campaigns.register.permit import Keeper, answering_a_no, halt_in, kept_by
from campaigns.register.suppression import Gate, InHand, Requested
from campaigns.register.witness import Mark, Witness
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.support.register import CAMPAIGN, PEOPLE, TESTER, UNATTEMPTED, Register

DELIVERY, ADDRESS = DeliveryRef(CAMPAIGN, UNATTEMPTED), PEOPLE[UNATTEMPTED][0]


@pytest.fixture
def engine(register: Register, tmp_path: Path) -> sa.Engine:
    """The register's engine with somebody who keeps what is recorded."""
    return kept_by(register.engine, Keeper(OptOutLog(tmp_path / "opt-out.log"), Witness(tmp_path)))


@pytest.fixture
def later(engine: sa.Engine, tmp_path: Path) -> Mark:
    """This machine has seen two raises that the register, being a restored one, has not."""
    mark = Mark(present_epoch(engine) + 2, 0)
    Witness(tmp_path).note(incarnation(engine), mark)
    return mark


def incarnation(engine: sa.Engine) -> str:
    """Which register it is."""
    with reading(engine) as connection:
        return str(connection.execute(sa.select(schema.gate.c.incarnation)).scalar_one())


def present_epoch(engine: sa.Engine) -> int:
    """What the gate shows."""
    with reading(engine) as connection:
        return int(connection.execute(sa.select(schema.gate.c.epoch)).scalar_one())


def object_(engine: sa.Engine, ring: KeyRing, number: int) -> None:
    """Somebody says no: by the database's triggers, one "no" may raise the epoch more than once."""
    key = objections.address_key(ring, parse_email(PEOPLE[number][0]))
    with answering_a_no(engine) as connection:
        no = objections.No("objection", key, objections.Scope(), "letter", "a letter")
        objections.suppress(connection, no, TESTER)


@pytest.mark.usefixtures("later")
def test_a_no_in_an_older_register_stands_and_halts_everything(register: Register, engine: sa.Engine) -> None:
    object_(engine, register.ring, 1)
    assert restart.present_halt(engine) == restart.Halt(True, "the register went back in time", True)
    with reading(engine) as connection:
        kinds = connection.execute(sa.select(schema.suppression.c.kind)).scalars().all()
    assert "objection" in kinds
    object_(engine, register.ring, 2)
    object_(engine, register.ring, 3)
    with pytest.raises(GateClosed, match="halted"):
        Gate(engine).look()


def test_a_repeated_no_looks_too(engine: sa.Engine, later: Mark) -> None:
    while present_epoch(engine) <= later.epoch:
        with answering_a_no(engine):
            pass
    assert restart.present_halt(engine).restored


@pytest.mark.usefixtures("later")
def test_after_go_noes_halt_nothing(register: Register, engine: sa.Engine) -> None:
    object_(engine, register.ring, 1)
    assert restart.go(engine, TESTER).restored
    object_(engine, register.ring, 2)
    assert not restart.present_halt(engine).halted


def test_noes_of_a_register_as_it_was_seen_halt_nothing(register: Register, engine: sa.Engine) -> None:
    for number in (1, 2, 3, 1):
        object_(engine, register.ring, number)
    assert not restart.present_halt(engine).halted


def test_another_register_is_not_held_against_this_ones_witness(engine: sa.Engine, later: Mark) -> None:
    with answering_a_no(engine):
        pass
    with writing(engine) as connection:
        values = {
            "incarnation": "another",
            "epoch": 1,
            "halted": False,
            "restored": False,
            "halted_reason": None,
        }
        connection.execute(sa.update(schema.gate).values(values))
    with answering_a_no(engine):
        pass
    assert not restart.present_halt(engine).halted
    assert present_epoch(engine) < later.epoch


def test_a_no_is_kept_from_being_answered_by_a_witness_that_cannot_be_read(
    register: Register, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    broken = kept_by(register.engine, Keeper(OptOutLog(tmp_path / "log"), Witness(tmp_path / "file")))
    with pytest.raises(Unreachable, match="witness"), answering_a_no(broken):
        pass
    assert not restart.present_halt(register.engine).halted


def test_a_claim_notes_the_epoch_it_was_made_under(
    register: Register, engine: sa.Engine, tmp_path: Path
) -> None:
    with writing(engine) as connection:
        waiting = schema.delivery.c.number == UNATTEMPTED
        connection.execute(sa.update(schema.delivery).where(waiting).values(status="pending", attempt=0))
        connection.execute(
            sa.insert(schema.batch).values(
                campaign_id=CAMPAIGN, batch_no=1, channel="email", first_number=1, last_number=UNATTEMPTED
            )
        )
        connection.execute(sa.update(schema.gate).values(epoch=40))
    (tmp_path / "file").touch()
    unwritable = kept_by(register.engine, Keeper(OptOutLog(tmp_path / "log"), Witness(tmp_path / "file")))
    with pytest.raises(Unreachable, match="witness"):
        ledger.claim(unwritable, BatchRef(CAMPAIGN, 1), "owner")
    hand = ledger.claim(engine, BatchRef(CAMPAIGN, 1), "owner")
    assert hand is not None
    assert Witness(tmp_path).seen(incarnation(engine)).epoch == hand.in_hand.checked_epoch == 40


def test_what_is_asked_again_of_a_halted_register_says_nothing(register: Register, in_hand: InHand) -> None:
    """The halt may fall between the permit and the question."""
    gate = Gate(register.engine)
    with writing(register.engine) as connection:
        connection.execute(sa.update(schema.gate).values(epoch=9))
    gate.look()
    with writing(register.engine) as connection:
        halt_in(connection, "fire drill")
    with pytest.raises(GateClosed, match="halted"):
        gate.clear(in_hand, DELIVERY, ADDRESS)
    with pytest.raises(GateClosed, match="halted"):
        gate.clear_requested(Requested(DELIVERY, frozenset(), frozenset()), ADDRESS)
    assert in_hand.checked_epoch == 1
