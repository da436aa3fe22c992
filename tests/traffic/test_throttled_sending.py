"""Sending under limits: as fast as allowed and no faster, nobody's try spent, and the gate asked after every wait."""

import threading
import time
from datetime import timedelta
from typing import Any

import redis
import sqlalchemy as sa

from campaigns.address import parse_email
from campaigns.clock import utc_now
from campaigns.register import objections
from campaigns.register.permit import answering_a_no
from campaigns.store import schema
from campaigns.store.engine import reading
from tests.operations.place import KAJ, Place
from tests.support.smtp_sink import Answer, Rule, SmtpSink
from tests.traffic.roads import limited, opened_room, send
from workers.pacing import Hand
from workers.sending import SendingRoom
from workers.shared_limits import SharedLimits

Sinks = tuple[SmtpSink, SmtpSink]


def rate(place: Place, messages: float, **more: Any) -> Place:
    return limited(place, {"smarthosts": {"main": {"limits": {"rate": messages, **more}}}})


def tries(place: Place, campaign: int) -> set[int]:
    row = schema.delivery.c
    with reading(place.engine) as connection:
        return set(connection.execute(sa.select(row.tries).where(row.campaign_id == campaign)).scalars())


def object_to(place: Place, address: str) -> None:
    key = objections.address_key(place.installation.ring, parse_email(address))
    no = objections.No("objection", key, objections.Scope(), "operator", "letter")
    with answering_a_no(place.engine) as connection:
        objections.suppress(connection, no, KAJ)


def test_a_rate_is_kept_and_costs_nobody_a_try(place: Place, sinks: Sinks, shared: SharedLimits) -> None:
    place.people(12)
    campaign = place.opened()
    began = time.monotonic()
    with opened_room(rate(place, 10), shared) as room:
        report = send(room, campaign)
    lasted = time.monotonic() - began
    assert report is not None
    assert report.paced_until is None
    assert place.counts(campaign) == {"accepted": 12}
    assert lasted > (12 - 2) / 10
    assert tries(place, campaign) == {0}


def test_a_long_wait_gives_the_rest_back_and_claims_nothing(
    place: Place, sinks: Sinks, shared: SharedLimits
) -> None:
    place.people(5)
    campaign = place.opened()
    with opened_room(rate(place, 0.1), shared) as room:
        report = send(room, campaign)
        assert report is not None
        assert report.paced_until is not None
        assert timedelta(seconds=8) < report.paced_until - utc_now() < timedelta(seconds=10.1)
        assert report.due_at is not None
        assert abs(report.due_at - report.paced_until) < timedelta(seconds=0.1)
        assert place.counts(campaign) == {"accepted": 1, "pending": 4}
        before = claims(place, campaign)
        again = send(room, campaign)
        assert again is not None
        assert again.paced_until is not None
        assert claims(place, campaign) == before
    assert tries(place, campaign) == {0}


def claims(place: Place, campaign: int) -> int:
    """How often its first batch was claimed."""
    table = schema.batch.c
    with reading(place.engine) as connection:
        fence: int = connection.execute(
            sa.select(table.fence).where(table.campaign_id == campaign)
        ).scalar_one()
        return fence


def test_a_no_during_a_wait_is_heard_after_it(place: Place, sinks: Sinks, shared: SharedLimits) -> None:
    main, _ = sinks
    place.people(4)
    campaign = place.opened()
    with opened_room(rate(place, 1.5), shared) as room:
        sending = threading.Thread(target=send, args=(room, campaign))
        sending.start()
        with main.changed:
            assert main.changed.wait_for(lambda: len(main.messages) == 1, 20)
        first = main.messages[0].recipient
        left = sorted({f"p{number}@kund.example" for number in range(4)} - {first})
        for address in left:
            object_to(place, address)
        answered = len(main.messages)
        sending.join()
    assert answered <= 2, "the wait was long enough for the test to mean something"
    assert len(main.messages) == answered
    assert place.counts(campaign) == {"accepted": answered, "withheld": 4 - answered}
    assert all(session.unfinished == b"" for session in main.sessions)


def test_nothing_is_announced_that_has_to_wait(place: Place, sinks: Sinks, shared: SharedLimits) -> None:
    main, _ = sinks
    place.people(3)
    campaign = place.opened()
    with opened_room(rate(place, 4), shared) as room:
        sending = threading.Thread(target=send, args=(room, campaign))
        sending.start()
        with main.changed:
            assert main.changed.wait_for(lambda: len(main.messages) == 1, 20)
        time.sleep(0.1)
        assert sum(line.startswith(b"MAIL") for line in main.lines) == 1
        sending.join()


def test_a_limited_domain_waits_and_the_others_do_not(
    place: Place, sinks: Sinks, shared: SharedLimits
) -> None:
    main, _ = sinks
    place.people(9)
    for number in range(6):
        move(place, number, f"q{number}@slow.example")
    campaign = place.opened()
    slow = limited(place, {"limits": {"domains": {"slow.example": {"rate": 2}}}})
    with opened_room(slow, shared) as room:
        report = send(room, campaign)
        assert report is not None
        assert report.paced_until is None
        there = [message.recipient.partition("@")[2] for message in main.messages]
        assert there.count("kund.example") == 3
        assert there.count("slow.example") == 1
        waiting = due(place, campaign)
        assert len(waiting) == 5
        assert timedelta(0) < min(waiting) - utc_now() < timedelta(seconds=2.1)
        assert timedelta(seconds=1.5) < max(waiting) - min(waiting) < timedelta(seconds=3.1), (
            "spread over the rate"
        )
        assert abs((report.due_at or utc_now()) - min(waiting)) < timedelta(seconds=0.1)
        time.sleep(1.2)
        send(room, campaign)
    assert 1 < len([m for m in main.messages if m.recipient.endswith("@slow.example")]) < 6
    assert tries(place, campaign) == {0}


def move(place: Place, number: int, address: str) -> None:
    table = schema.contact
    parsed = parse_email(address)
    key = objections.address_key(place.installation.ring, parsed)
    old = table.c.email == f"p{number}@kund.example"
    with place.engine.begin() as connection:
        connection.execute(sa.update(table).where(old).values(email=address, email_key=key.key))


def due(place: Place, campaign: int) -> list[Any]:
    row = schema.delivery.c
    with reading(place.engine) as connection:
        found = sa.select(row.due_at).where(row.campaign_id == campaign, row.status == "pending")
        return list(connection.execute(found).scalars())


def test_connections_are_limited_over_all_rooms(
    place: Place, shared: SharedLimits, client: redis.Redis
) -> None:
    place.people(2)
    one, other = place.opened(), place.opened("second")
    narrow = limited(place, {"smarthosts": {"main": {"limits": {"connections": 1}}}})
    with opened_room(narrow, shared) as first, opened_room(narrow, SharedLimits(client)) as second:
        send(first, one)
        report = send(second, other)
        assert report is not None
        assert report.paced_until is not None
        assert place.counts(other) == {"pending": 2}
        first.close()
        send(second, other)
        assert place.counts(other) == {"accepted": 2}


def test_who_is_asked_for_patience_slows_down(place: Place, sinks: Sinks, shared: SharedLimits) -> None:
    main, _ = sinks
    place.people(30)
    campaign = place.opened()
    main.script.rules.append(
        Rule("rcpt", Answer(b"450 4.7.1 too many messages, slow down\r\n"), skip=5, times=1)
    )
    with opened_room(place, shared) as room:
        meter(room, 40.0)
        began = time.monotonic()
        send(room, campaign)
        lasted = time.monotonic() - began
    assert shared.speed("smarthost:main") < 0.6
    assert place.counts(campaign) == {"accepted": 29, "deferred": 1}
    assert lasted > 20 / 20 * 0.8, "half of what the thread did before"


def meter(room: SendingRoom, seen: float) -> None:
    """Have this thread believe what it was seen to do."""
    seat = room.seat()
    assert isinstance(seat.hand, Hand)
    seat.hand.meter("main").rate = seen


def test_a_refusal_of_one_recipient_slows_nobody(place: Place, sinks: Sinks, shared: SharedLimits) -> None:
    main, _ = sinks
    place.people(3)
    campaign = place.opened()
    main.script.rules.append(Rule("rcpt", Answer(b"450 4.2.2 mailbox full\r\n"), times=1))
    with opened_room(place, shared) as room:
        send(room, campaign)
    assert shared.speed("smarthost:main") == 1
