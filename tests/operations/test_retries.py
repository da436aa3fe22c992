"""Answers of a server as the ledger keeps them: who waits how long, and who is never tried again."""

from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.delivery import ledger
from campaigns.delivery.transport import Timeouts
from campaigns.store import schema
from campaigns.store.engine import reading
from tests.operations.place import Place, made_place
from tests.support.smtp_sink import Answer, Rule, SmtpSink


def test_a_put_off_recipient_waits_longer_each_time_and_is_asked_about_at_the_gate_each_time(
    place: Place, sink: SmtpSink
) -> None:
    place.people(3)
    campaign = place.opened()
    sink.script.rules.append(Rule("rcpt", Answer(b"451 4.2.1 later\r\n"), pattern="p0@"))
    for tries, minutes in enumerate((15, 30, 60), start=1):
        report = place.send(campaign)
        assert report is not None
        assert report.due_at is not None
        wait = report.due_at - utc_now()
        assert timedelta(minutes=minutes - 1) < wait < timedelta(minutes=minutes * 1.1 + 1)
        assert the_first(place).tries == tries
        assert place.send(campaign) is None, "not due"
        make_due(place)
    place.change(schema.subscription, status="unsubscribed")
    place.send(campaign)
    assert place.show(campaign)["withheld"] == {"unsubscribed": 1}
    assert len(sink.messages) == 2


def test_a_refused_recipient_is_never_tried_again(place: Place, sink: SmtpSink) -> None:
    place.people(4)
    campaign = place.opened()
    sink.script.rules += [
        Rule("rcpt", Answer(b"550 5.1.1 nobody\r\n"), pattern="p0@"),
        Rule("dot", Answer(b"554 5.7.1 not this\r\n"), pattern="p1@"),
        Rule("data", Answer(b"552 5.2.2 full\r\n"), pattern="p2@"),
    ]
    report = place.send(campaign)
    assert report is not None
    assert report.due_at is None
    assert ledger.complete_if_done(place.engine, campaign)
    shown = place.show(campaign)
    assert (shown["rejected"], shown["accepted"]) == (3, 1)


def test_a_refused_sender_is_no_word_about_the_next_message(place: Place, sink: SmtpSink) -> None:
    place.people(4)
    campaign = place.opened()
    sink.script.rules.append(Rule("mail", Answer(b"550 5.1.8 who are you\r\n"), times=1))
    place.send(campaign)
    shown = place.show(campaign)
    assert (shown["rejected"], shown["accepted"]) == (1, 3)


def test_too_many_recipients_is_a_reason_to_wait(place: Place, sink: SmtpSink) -> None:
    place.people(2)
    campaign = place.opened()
    sink.script.rules.append(Rule("rcpt", Answer(b"552 5.5.3 too many recipients\r\n"), times=1))
    place.send(campaign)
    shown = place.show(campaign)
    assert (shown["deferred"], shown["accepted"]) == (1, 1)


def test_a_server_that_is_closing_costs_nobody_a_try(place: Place, sink: SmtpSink) -> None:
    place.people(5)
    campaign = place.opened()
    sink.script.rules.append(Rule("connect", Answer(b"421 4.3.2 going down\r\n", cut=True)))
    report = place.send(campaign)
    assert report is not None
    assert report.smarthost_away
    assert report.due_at is not None
    assert timedelta(seconds=3) < report.due_at - utc_now() < timedelta(seconds=6)
    assert place.show(campaign)["pending"] == 5
    assert the_first(place).tries == 0
    sink.script.rules.clear()
    make_due(place)
    place.send(campaign)
    assert place.show(campaign)["accepted"] == 5


def test_a_delivery_that_would_wait_beyond_the_last_moment_has_expired(place: Place, sink: SmtpSink) -> None:
    place.people(2)
    soon = (utc_now() + timedelta(minutes=10)).isoformat()
    campaign = place.opened(options={"deadline": soon})
    sink.script.rules.append(Rule("rcpt", Answer(b"450 4.2.1 later\r\n"), times=1))
    place.send(campaign)
    shown = place.show(campaign)
    assert (shown["expired"], shown["accepted"]) == (1, 1)


def test_waits_can_be_configured_for_each_command(tmp_path: Path, sqlite_url: str) -> None:
    with made_place(
        tmp_path, sqlite_url, "smtp://127.0.0.1:1",
        SMARTHOSTS__MAIN__TIMEOUTS__DOT="700", RETRIES__LONGEST_PAUSE_SECONDS="60",
    ) as place:  # fmt: skip
        assert place.installation.timeouts("main") == Timeouts(dot=700)
        assert place.installation.retries.smarthost_pause(9) == timedelta(seconds=60)


def make_due(place: Place) -> None:
    now = utc_now()
    place.change(schema.batch, due_at=now)
    place.change(schema.delivery, due_at=None)


def the_first(place: Place) -> sa.Row[tuple[int]]:
    row = schema.delivery.c
    with reading(place.engine) as connection:
        return connection.execute(sa.select(row.tries).where(row.number == 1)).one()
