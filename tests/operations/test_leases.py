"""Leases: by the database's clock, and held as long as somebody is at work."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.delivery import ledger, open_work, overdue
from campaigns.delivery.ledger import BatchRef
from campaigns.store import schema
from campaigns.store.engine import reading
from campaigns.store.here import here
from tests.operations.place import Place
from tests.support.smtp_sink import Answer, Rule, SmtpSink
from workers import keeping_hold
from workers.keeping_hold import Keeping
from workers.sending import SendingRoom


def lease(place: Place) -> Any:
    with reading(place.engine) as connection:
        return connection.execute(sa.select(schema.batch.c.lease_until)).scalar_one()


def test_the_databases_clock_is_told_as_instants_are_kept(place: Place) -> None:
    with reading(place.engine) as connection:
        now, later = connection.execute(sa.select(here(), here(timedelta(minutes=1)))).one()
    assert abs(now - utc_now()) < timedelta(seconds=5)
    assert timedelta(seconds=59) < later - now < timedelta(seconds=61)


@pytest.mark.parametrize("wrong", [timedelta(hours=-3), timedelta(hours=3)])
def test_a_machine_whose_clock_is_wrong_takes_no_batch_from_its_owner(
    place: Place, monkeypatch: pytest.MonkeyPatch, wrong: timedelta
) -> None:
    place.people(2)
    campaign = place.opened()
    ref = BatchRef(campaign, 1)

    def utc_now_here() -> Any:
        return utc_now() + wrong

    for module in (ledger, overdue, open_work):
        monkeypatch.setattr(module, "utc_now", utc_now_here)
    assert ledger.claim(place.engine, ref, "one") is not None
    assert timedelta(seconds=50) < lease(place) - utc_now() < timedelta(seconds=65)
    assert ledger.claim(place.engine, ref, "two") is None
    assert open_work.due_batches(place.engine) == []
    assert overdue.settle_held_leases(place.engine) == 0


def test_a_lease_is_held_while_the_smarthost_keeps_its_sender_waiting(
    place: Place, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "LEASE", timedelta(seconds=1))
    monkeypatch.setattr(keeping_hold, "LOOK_SECONDS", 0.05)
    place.people(3)
    campaign = place.opened()
    answer = threading.Event()
    sink.script.rules.append(Rule("dot", Answer(b"250 2.0.0 queued\r\n", wait_for=answer), skip=1, times=1))
    room = SendingRoom(place.installation, lambda: False)
    with Keeping(room):
        sender = threading.Thread(target=room.send, args=(BatchRef(campaign, 1),))
        sender.start()
        while len(sink.messages) < 2:
            time.sleep(0.01)
        time.sleep(2.5)
        assert open_work.due_batches(place.engine) == [], "the lease did not run out"
        assert ledger.claim(place.engine, BatchRef(campaign, 1), "another") is None
        answer.set()
        sender.join()
    room.close()
    assert place.show(campaign)["accepted"] == 3
    assert set(sink.count().values()) == {1}


def test_a_lease_that_nobody_holds_runs_out(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "LEASE", timedelta(seconds=0.3))
    place.people(1)
    ref = BatchRef(place.opened(), 1)
    assert ledger.claim(place.engine, ref, "one") is not None
    ledger.hold_leases(place.engine, ["somebody else"])
    time.sleep(0.5)
    assert open_work.due_batches(place.engine) == [ref]
    assert ledger.claim(place.engine, ref, "two") is not None
    ledger.hold_leases(place.engine, ["one"])
    with reading(place.engine) as connection:
        assert connection.execute(sa.select(schema.batch.c.owner)).scalar_one() == "two"
