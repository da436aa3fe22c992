"""The doorbell: short, fair, and worth nothing when lost."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker

from campaigns.clock import utc_now
from campaigns.delivery import ledger, open_work
from campaigns.delivery.ledger import BatchRef
from campaigns.store import schema
from campaigns.store.engine import writing
from tests.operations.place import Place
from tests.support.smtp_sink import Answer, Rule, SmtpSink
from workers import broker as queue
from workers.bell import WINDOW, Bell
from workers.broker import make_broker
from workers.scheduler import Leadership


@pytest.fixture
def broker(redis_url: str) -> Iterator[RedisBroker]:
    with redis.Redis.from_url(redis_url) as client:
        made = make_broker(client)
        yield made
        made.close()


def grow(place: Place, campaign: int, batches: int) -> None:
    """Give a campaign so many batches more, without rows."""
    rows = [
        {"campaign_id": campaign, "batch_no": n, "channel": "email", "first_number": n * 1000, "last_number": n * 1000}
        for n in range(2, batches + 2)
    ]  # fmt: skip
    with writing(place.engine) as connection:
        connection.execute(sa.insert(schema.batch), rows)


def on_the_queue(broker: RedisBroker) -> list[tuple[int, int]]:
    """Campaign and batch of every message that waits, in order."""
    ids = broker.client.lrange(f"dramatiq:{queue.DELIVERIES}", 0, -1)
    raw: list[Any] = [broker.client.hget(f"dramatiq:{queue.DELIVERIES}.msgs", name) for name in ids]
    messages: list[Message[None]] = [Message.decode(data) for data in raw if data is not None]
    return [(message.args[0], message.args[1]) for message in messages]


def test_however_much_is_due_only_a_few_messages_wait(place: Place, broker: RedisBroker) -> None:
    place.people(1)
    large = place.opened("large")
    grow(place, large, 2_000)
    bell = Bell(place.installation, broker)
    assert bell.ring() == WINDOW
    assert bell.ring(at_once=True) == 0
    assert on_the_queue(broker) == [(large, number) for number in range(1, WINDOW + 1)]


def test_a_small_campaign_is_not_stuck_behind_a_large_one(place: Place, broker: RedisBroker) -> None:
    place.people(1)
    large = place.opened("large")
    grow(place, large, 200)
    bell = Bell(place.installation, broker)
    bell.ring()
    small = place.opened("small")
    grow(place, small, 2)
    bell.ring(at_once=True)
    waiting = on_the_queue(broker)
    assert Counter(campaign for campaign, _ in waiting) == {large: 13, small: 3}
    assert waiting.index((small, 3)) < WINDOW + 6, "they take turns from the moment that it came"


def test_the_campaign_with_the_fewest_batches_in_hand_comes_first(place: Place, broker: RedisBroker) -> None:
    place.people(1)
    first, second = place.opened("first"), place.opened("second")
    for campaign in (first, second):
        grow(place, campaign, 5)
    for number in (1, 2, 3):
        assert ledger.claim(place.engine, BatchRef(first, number), "somebody") is not None
    Bell(place.installation, broker).ring()
    assert [campaign for campaign, _ in on_the_queue(broker)[:3]] == [second] * 3


def test_a_flushed_queue_is_filled_again_at_once(place: Place, broker: RedisBroker) -> None:
    place.people(1)
    campaign = place.opened()
    bell = Bell(place.installation, broker)
    assert (bell.ring(), bell.ring()) == (1, 0)
    broker.client.flushall()
    assert bell.ring() == 1
    assert on_the_queue(broker) == [(campaign, 1)]


def test_what_was_followed_is_rung_for_again_when_it_is_due_again(place: Place, broker: RedisBroker) -> None:
    place.people(1)
    campaign = place.opened()
    bell = Bell(place.installation, broker)
    bell.ring()
    broker.client.delete(f"dramatiq:{queue.DELIVERIES}")
    assert bell.ring() == 0, "somebody has it"
    bell.answered(BatchRef(campaign, 1))
    place.change(schema.batch, due_at=utc_now() + timedelta(minutes=1))
    assert bell.ring() == 0
    place.change(schema.batch, due_at=utc_now())
    assert bell.ring() == 1


def test_a_campaign_is_put_up_for_expansion_once_at_a_time(place: Place, broker: RedisBroker) -> None:
    place.people(1)
    place.submit("now")
    place.submit("later", schedule={"send_at": (utc_now() + timedelta(hours=1)).isoformat()})
    bell = Bell(place.installation, broker)
    assert (bell.ring_for_expansions(), bell.ring_for_expansions()) == (1, 0)


def test_one_of_two_schedulers_leads_until_it_ends(broker: RedisBroker) -> None:
    one, two = Leadership(broker), Leadership(broker)
    assert (one.held(), two.held(), one.held()) == (True, False, True)
    one.give_up()
    assert (two.held(), one.held()) == (True, False)
    broker.client.pexpire("dramatiq:utskick:leader", 1)
    while broker.client.exists("dramatiq:utskick:leader"):
        pass
    assert one.held(), "a dead leader is followed by another"


def test_a_batch_on_a_slow_smarthost_is_handed_over_for_a_while_and_then_gives_way(
    small_place: Place, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_place.people(40)
    campaign = small_place.opened()
    sink.script.rules.append(Rule("dot", Answer(b"250 2.0.0 queued\r\n", drip=True, pause=0.002)))
    monkeypatch.setattr("workers.sending.SLICE_SECONDS", 0.3)
    report = small_place.send(campaign)
    assert report is not None
    assert report.due_at is not None
    shown = small_place.show(campaign)
    assert (shown["uncertain"], shown["sending"]) == (0, 0)
    assert 0 < shown["accepted"] < 40
    assert shown["accepted"] == len(sink.messages)
    assert open_work.due_batches(small_place.engine) == [BatchRef(campaign, 1)]
