"""Uncertain deliveries, decided by a person."""

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.delivery import control, decisions, ledger
from campaigns.errors import RefusedOperation
from campaigns.store import schema
from tests.operations.place import KAJ, Place
from tests.support.smtp_sink import Answer, Rule, SmtpSink


def made_uncertain(place: Place, sink: SmtpSink, deadline: str | None = None) -> int:
    """A completed campaign of six, of which two lost their final reply."""
    place.people(6)
    campaign = place.opened(options={"deadline": deadline} if deadline else {})
    sink.script.rules.append(Rule("dot", Answer(cut=True), times=2))
    place.send(campaign)
    assert ledger.complete_if_done(place.engine, campaign)
    assert place.show(campaign)["uncertain"] == 2
    return campaign


def test_they_are_shown_and_settled_by_a_persons_word(place: Place, sink: SmtpSink) -> None:
    campaign = made_uncertain(place, sink)
    shown = decisions.uncertain(place.engine, campaign)
    assert decisions.settle_as(place.engine, campaign, "accepted", KAJ, [shown[0]["number"], 4]) == 1
    assert decisions.settle_as(place.engine, campaign, "expired", KAJ) == 1
    assert decisions.settle_as(place.engine, campaign, "rejected", KAJ) == 0
    counted = place.show(campaign)
    assert (counted["accepted"], counted["expired"], counted["uncertain"]) == (5, 1, 0)
    assert place.tags().count(("os:kaj", "register:delivery:settle")) == 2


def test_sent_again_is_a_new_attempt_of_the_same_message(place: Place, sink: SmtpSink) -> None:
    campaign = made_uncertain(place, sink)
    assert decisions.resend(place.engine, campaign, KAJ) == 2
    assert place.show(campaign)["status"] == "sending"
    place.send(campaign)
    assert ledger.complete_if_done(place.engine, campaign)
    assert place.show(campaign)["accepted"] == 6
    assert sorted(sink.count().values()) == [1, 1, 1, 1, 2, 2], (
        "the Message-ID stays, so a second copy is seen"
    )


def test_the_gate_is_asked_before_one_is_sent_again(place: Place, sink: SmtpSink) -> None:
    campaign = made_uncertain(place, sink)
    place.change(schema.subscription, status="unsubscribed")
    decisions.resend(place.engine, campaign, KAJ)
    place.send(campaign)
    assert place.show(campaign)["withheld"] == {"unsubscribed": 2}


def test_nothing_is_sent_again_after_a_cancellation_or_the_deadline(place: Place, sink: SmtpSink) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    campaign = made_uncertain(place, sink, deadline=soon)
    place.change(schema.campaign, deadline_at=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(RefusedOperation, match="deadline"):
        decisions.resend(place.engine, campaign, KAJ)
    place.change(schema.campaign, deadline_at=None, status="sending", closed_at=None)
    control.cancel(place.engine, campaign, KAJ)
    with pytest.raises(RefusedOperation, match="cancelled"):
        decisions.resend(place.engine, campaign, KAJ)
    assert place.show(campaign)["uncertain"] == 2
