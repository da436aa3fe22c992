"""After its deadline nothing of a campaign begins, whoever holds it or nobody."""

import threading
from datetime import timedelta

from campaigns.clock import utc_now
from campaigns.delivery import control, ledger, overdue
from campaigns.delivery.ledger import BatchRef
from campaigns.delivery.results import Carrier
from campaigns.store import schema
from tests.operations.place import KAJ, Place
from tests.support.smtp_sink import Answer, Rule, SmtpSink

CARRIER = Carrier("main", "self")


def in_seconds(seconds: float) -> dict[str, str]:
    return {"deadline": (utc_now() + timedelta(seconds=seconds)).isoformat()}


def test_rows_in_hand_are_not_begun_after_the_deadline(place: Place, sink: SmtpSink) -> None:
    place.people(6)
    campaign = place.opened(options=in_seconds(60))
    over = utc_now() + timedelta(seconds=1)
    place.change(schema.campaign, deadline_at=over)
    held = threading.Event()
    sink.script.rules.append(Rule("dot", Answer(b"250 2.0.0 queued\r\n", wait_for=held), skip=2, times=1))
    sending = threading.Thread(target=place.send, args=(campaign,))
    sending.start()
    while utc_now() <= over:
        held.wait(0.05)
    held.set()
    sending.join()
    assert len(sink.messages) == 3
    assert place.send(campaign) is not None, "the next claim expires the rest"
    assert ledger.complete_if_done(place.engine, campaign)
    shown = place.show(campaign)
    assert (shown["accepted"], shown["expired"]) == (3, 3)


def test_a_campaign_that_nobody_claims_any_more_expires(place: Place, sink: SmtpSink) -> None:
    place.people(4)
    campaign = place.opened(options=in_seconds(600))
    sink.script.rules.append(Rule("rcpt", Answer(b"450 4.2.1 later\r\n"), times=1))
    place.change(schema.campaign, deadline_at=utc_now() + timedelta(hours=1))
    place.send(campaign)
    assert overdue.expire_waiting(place.engine) == []
    place.change(schema.campaign, deadline_at=utc_now())
    assert overdue.expire_waiting(place.engine) == [campaign]
    assert ledger.complete_if_done(place.engine, campaign)
    shown = place.show(campaign)
    assert (shown["accepted"], shown["expired"]) == (3, 1)


def test_a_living_owner_is_left_alone_and_a_dead_ones_rows_are_settled(place: Place) -> None:
    place.people(4)
    campaign = place.opened(options=in_seconds(600))
    hand = ledger.claim(place.engine, BatchRef(campaign, 1), "somebody")
    assert hand is not None
    ledger.open_rows(place.engine, hand, 1, CARRIER)
    place.change(schema.campaign, deadline_at=utc_now())
    assert overdue.expire_waiting(place.engine) == []
    assert place.show(campaign)["sending"] == 4
    place.change(schema.batch, lease_until=utc_now() - timedelta(seconds=1))
    assert overdue.expire_waiting(place.engine) == [campaign]
    shown = place.show(campaign)
    assert (shown["uncertain"], shown["expired"]) == (1, 3)
    assert not ledger.open_rows(place.engine, hand, 4, CARRIER)


def test_a_held_campaign_ends_with_its_deadline(place: Place) -> None:
    place.people(3)
    campaign = place.opened(options=in_seconds(600))
    control.pause(place.engine, campaign, KAJ)
    place.change(schema.campaign, deadline_at=utc_now())
    overdue.expire_waiting(place.engine)
    shown = place.show(campaign)
    assert (shown["status"], shown["expired"]) == ("completed", 3)


def test_a_lease_that_runs_out_while_the_campaign_is_held_is_settled(place: Place) -> None:
    place.people(4)
    campaign = place.opened()
    hand = ledger.claim(place.engine, BatchRef(campaign, 1), "somebody")
    assert hand is not None
    ledger.open_rows(place.engine, hand, 1, CARRIER)
    control.pause(place.engine, campaign, KAJ)
    assert overdue.settle_held_leases(place.engine) == 0
    place.change(schema.batch, lease_until=utc_now() - timedelta(seconds=1))
    assert overdue.settle_held_leases(place.engine) == 1
    shown = place.show(campaign)
    assert (shown["uncertain"], shown["pending"], shown["sending"]) == (1, 3, 0)
