"""A pause withholds until its end, then no more; it binds, is kept outside the database, and follows the person."""

import time
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.register import corrections, pauses, subscriptions
from campaigns.register.opt_out_log import OptOutLog
from campaigns.register.pauses import Evidence, months_later
from campaigns.register.permit import Keeper, answering_a_no, kept_by
from campaigns.register.replay import replay
from campaigns.register.suppression import Asked, withholding_reason
from campaigns.register.witness import Witness
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.support.register import LIST_ID, TESTER, Register

SAID = Evidence("preference page", "page of delivery 7.1")


def reason(register: Register, contact: int = 1) -> str | None:
    asked = Asked(sa.literal(LIST_ID), sa.literal("email"), sa.literal("marketing"))
    with reading(register.engine) as connection:
        found: str | None = connection.execute(
            sa.select(withholding_reason(asked)).where(schema.contact.c.id == contact)
        ).scalar_one()
    return found


def pause(engine: sa.Engine, until: datetime, contact: int = 1) -> None:
    with answering_a_no(engine) as connection:
        keys = subscriptions.keys_of(connection, contact)
        pauses.pause(connection, keys, until, SAID, TESTER)


def rows(register: Register) -> int:
    with reading(register.engine) as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(schema.suppression)).scalar_one()


def test_a_pause_withholds_until_it_is_over(register: Register) -> None:
    pause(register.engine, until := utc_now() + timedelta(seconds=4))
    assert reason(register) == "on_pause"
    assert reason(register, 2) is None
    time.sleep(max(0.0, (until - utc_now()).total_seconds()) + 0.05)
    assert reason(register) is None
    pause(register.engine, utc_now() + timedelta(days=1))
    assert reason(register) == "on_pause"


def test_the_same_pause_again_changes_nothing_and_another_replaces_it(register: Register) -> None:
    until = utc_now() + timedelta(days=30)
    pause(register.engine, until)
    pause(register.engine, until)
    assert rows(register) == 1
    pause(register.engine, until - timedelta(days=10))
    with answering_a_no(register.engine) as connection:
        keys = subscriptions.keys_of(connection, 1)
        assert pauses.paused_until(connection, keys) == until - timedelta(days=10)
        pauses.end_pause(connection, keys, SAID, TESTER)
        assert pauses.paused_until(connection, keys) is None
    assert reason(register) is None


def test_a_pause_raises_the_epoch_also_without_anybody_asking(register: Register) -> None:
    def epoch() -> int:
        with reading(register.engine) as connection:
            return int(connection.execute(sa.select(schema.gate.c.epoch)).scalar_one())

    pause(register.engine, utc_now() + timedelta(days=1))
    before = epoch()
    with writing(register.engine) as connection:
        connection.execute(sa.text("UPDATE suppression SET until = NULL WHERE kind = 'on_pause'"))
    assert epoch() > before


def test_a_pause_comes_back_from_the_log_with_its_end(register: Register, tmp_path: Path) -> None:
    log = tmp_path / "log" / "opt-out.log"
    engine = kept_by(register.engine, Keeper(OptOutLog(log), Witness(tmp_path / "log")))
    until = utc_now().replace(microsecond=0) + timedelta(days=3)
    pause(engine, until)
    with writing(register.engine) as connection:
        connection.execute(sa.text("DELETE FROM suppression"))
    assert reason(register) is None
    replay(engine, [log], TESTER)
    with reading(register.engine) as connection:
        assert pauses.paused_until(connection, subscriptions.keys_of(connection, 1)) == until


def test_a_pause_follows_the_person_to_a_new_address(register: Register) -> None:
    pause(register.engine, utc_now() + timedelta(days=3))
    correction = corrections.Correction({"email": "anna@nytt.example"}, "letter", "person", "her letter")
    with answering_a_no(register.engine) as connection:
        corrections.edit(connection, register.ring, 1, correction, TESTER)
    assert reason(register) == "on_pause"


@pytest.mark.parametrize(
    "day,months,expected",
    [
        (date(2026, 11, 25), 1, date(2026, 12, 25)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 12, 31), 1, date(2027, 1, 31)),
        (date(2027, 11, 30), 3, date(2028, 2, 29)),
    ],
)
def test_months_are_counted_as_people_do(day: date, months: int, expected: date) -> None:
    assert months_later(day, months) == expected
