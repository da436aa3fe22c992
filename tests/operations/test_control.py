"""Pause, resume, start, cancel: what a person says binds, and loses nothing."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from campaigns.clock import boot_seconds, utc_now
from campaigns.delivery import control, ledger
from campaigns.delivery.ledger import BatchRef
from campaigns.delivery.results import Carrier, Result
from campaigns.errors import NotFound, RefusedOperation
from campaigns.store import schema
from campaigns.store.engine import reading
from tests.operations.place import KAJ, Place
from tests.support.smtp_sink import Answer, Rule, SmtpSink

CARRIER = Carrier("main", "self")


def test_a_paused_campaign_goes_on_where_it_was(place: Place, sink: SmtpSink) -> None:
    place.people(12)
    campaign = place.opened()
    held = threading.Event()
    sink.script.rules.append(Rule("dot", Answer(b"250 2.0.0 queued\r\n", wait_for=held), skip=4, times=1))
    sending = threading.Thread(target=place.send, args=(campaign,))
    sending.start()
    while len(sink.messages) < 5:
        held.wait(0.01)
    assert control.pause(place.engine, campaign, KAJ).status == "paused"
    held.set()
    sending.join()
    assert len(sink.messages) == 5, "the message in the air settles, and no further one begins"
    shown = place.show(campaign)
    assert (shown["status"], shown["accepted"], shown["pending"]) == ("paused", 5, 7)
    assert place.send(campaign) is None
    assert control.resume(place.engine, campaign, KAJ).status == "sending"
    place.send(campaign)
    assert ledger.complete_if_done(place.engine, campaign)
    assert place.show(campaign)["accepted"] == 12
    assert set(sink.count().values()) == {1}


def test_the_answer_waits_as_long_as_a_no_does_also_when_it_is_repeated(place: Place) -> None:
    place.people(2)
    campaign = place.opened()
    epochs = [epoch(place)]
    for _ in range(2):
        before = boot_seconds()
        control.pause(place.engine, campaign, KAJ)
        assert boot_seconds() - before >= 0.1
        epochs.append(epoch(place))
    assert epochs[0] < epochs[1] < epochs[2]
    assert place.tags().count(("os:kaj", "register:campaign:pause")) == 1


def test_a_campaign_that_has_not_started_can_be_held_and_started(place: Place) -> None:
    place.people(2)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    campaign = place.submit(schedule={"send_at": tomorrow.isoformat()})
    control.pause(place.engine, campaign, KAJ)
    assert control.resume(place.engine, campaign, KAJ).status == "scheduled"
    assert place.show(campaign)["recipients"] == 0
    control.start(place.engine, campaign, KAJ)
    with reading(place.engine) as connection:
        send_at = connection.execute(sa.select(schema.campaign.c.send_at)).scalar_one()
    assert send_at <= utc_now()


def test_what_waits_in_a_cancelled_campaign_never_goes(place: Place, sink: SmtpSink) -> None:
    place.people(8)
    campaign = place.opened()
    sink.script.rules.append(Rule("rcpt", Answer(b"450 4.2.1 later\r\n"), times=2))
    sink.script.rules.append(Rule("rcpt", Answer(b"550 5.1.1 nobody\r\n"), times=1))
    place.send(campaign)
    assert control.cancel(place.engine, campaign, KAJ).status == "cancelled"
    shown = place.show(campaign)
    assert (shown["accepted"], shown["rejected"], shown["cancelled"]) == (5, 1, 2)
    assert place.tags()[-1] == ("os:kaj", "register:campaign:cancel")
    assert control.cancel(place.engine, campaign, KAJ).status == "cancelled"
    with pytest.raises(RefusedOperation):
        control.resume(place.engine, campaign, KAJ)


def test_a_campaign_is_cancelled_once_what_is_in_the_air_has_settled(place: Place) -> None:
    place.people(6)
    campaign = place.opened()
    hand = ledger.claim(place.engine, BatchRef(campaign, 1), "somebody")
    assert hand is not None
    ledger.open_rows(place.engine, hand, 3, CARRIER)
    change = control.cancel(place.engine, campaign, KAJ)
    assert change.status == "paused"
    with pytest.raises(RefusedOperation, match="being cancelled"):
        control.resume(place.engine, campaign, KAJ)
    ledger.record(place.engine, campaign, [Result(1, 1, "accepted", code=250)], CARRIER)
    ledger.let_go(place.engine, hand, CARRIER, unsent=hand.rows[1:])
    assert control.finish_cancellation(place.engine, campaign) == "cancelled"
    shown = place.show(campaign)
    assert (shown["accepted"], shown["cancelled"]) == (1, 5)


def test_a_dead_sender_does_not_keep_a_campaign_from_being_cancelled(place: Place) -> None:
    place.people(6)
    campaign = place.opened()
    hand = ledger.claim(place.engine, BatchRef(campaign, 1), "somebody")
    assert hand is not None
    ledger.open_rows(place.engine, hand, 2, CARRIER)
    place.change(schema.batch, lease_until=utc_now() - timedelta(seconds=1))
    assert control.cancel(place.engine, campaign, KAJ).status == "cancelled"
    shown = place.show(campaign)
    assert (shown["uncertain"], shown["cancelled"]) == (2, 4)
    assert not ledger.open_rows(place.engine, hand, 6, CARRIER), "its owner begins nothing more"
    ledger.record(place.engine, campaign, [Result(2, 1, "accepted", code=250)], CARRIER)
    assert place.show(campaign)["accepted"] == 1, "late evidence settles all the same"


def test_what_the_table_of_statuses_does_not_know_is_refused(place: Place) -> None:
    place.people(1)
    campaign = place.opened()
    place.send(campaign)
    ledger.complete_if_done(place.engine, campaign)
    before = place.tags()
    for word in (control.pause, control.resume, control.start, control.cancel):
        with pytest.raises(RefusedOperation):
            word(place.engine, campaign, KAJ)
        with pytest.raises(NotFound):
            word(place.engine, 77, KAJ)
    assert place.tags() == before


def test_a_limit_holds_a_campaign_until_a_person_lets_it_go_on(place: Place) -> None:
    place.people(3)
    campaign = place.opened()
    assert control.halt(place.engine, campaign, "complaints", KAJ).status == "halted"
    assert place.send(campaign) is None
    control.resume(place.engine, campaign, KAJ)
    place.send(campaign)
    assert place.show(campaign)["accepted"] == 3


def epoch(place: Place) -> int:
    with reading(place.engine) as connection:
        found: int = connection.execute(sa.select(schema.gate.c.epoch)).scalar_one()
        return found
