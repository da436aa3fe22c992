"""Workers and schedulers as processes: they stop politely, go on after a death, and share work without doubling it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from campaigns.delivery import control
from tests.operations.place import KAJ, made_place
from tests.operations.processes import Staff, eventually, staff_of
from tests.support.smtp_sink import Answer, Rule, SmtpSink
from workers import broker as queue
from workers.broker import make_broker

#: A server that takes its time: some twenty milliseconds for each message.
SLOW = Answer(b"250 2.0.0 queued\r\n", drip=True, pause=0.001)


@contextmanager
def staff_on(database_url: str, redis_url: str, sink: SmtpSink, folder: Path) -> Iterator[Staff]:
    sink.script.rules.append(Rule("dot", SLOW))
    smarthost = f"smtp://127.0.0.1:{sink.port}"
    with made_place(folder, database_url, smarthost, REDIS_URL=redis_url) as place, staff_of(place) as staff:
        yield staff


@pytest.fixture
def sqlite_staff(sqlite_url: str, redis_url: str, sink: SmtpSink, tmp_path: Path) -> Iterator[Staff]:
    with staff_on(sqlite_url, redis_url, sink, tmp_path) as staff:
        yield staff


@pytest.fixture
def postgres_staff(postgres_url: str, redis_url: str, sink: SmtpSink, tmp_path: Path) -> Iterator[Staff]:
    with staff_on(postgres_url, redis_url, sink, tmp_path) as staff:
        yield staff


def test_a_worker_that_is_told_to_stop_finishes_the_message_in_hand_and_gives_back_the_rest(
    postgres_staff: Staff, sink: SmtpSink
) -> None:
    place = postgres_staff.place
    place.people(700)
    campaign = place.opened()
    worker = postgres_staff.start("worker", "--threads", "4")
    eventually(lambda: len(sink.messages) > 60)
    worker.send_signal(signal.SIGTERM)
    assert eventually(lambda: worker.poll() is not None) < 5
    assert worker.returncode == 0
    shown = place.show(campaign)
    assert (shown["sending"], shown["uncertain"]) == (0, 0), postgres_staff.log()
    assert shown["accepted"] == len(sink.messages) < 700
    sink.script.rules.clear()
    postgres_staff.start("worker")
    eventually(lambda: place.show(campaign)["status"] == "completed")
    assert place.show(campaign)["accepted"] == 700
    assert set(sink.count().values()) == {1}


def test_after_a_kill_a_restarted_worker_goes_on(sqlite_staff: Staff, sink: SmtpSink) -> None:
    place = sqlite_staff.place
    place.people(700)
    campaign = place.opened()
    worker = sqlite_staff.start("worker", "--threads", "4")
    eventually(lambda: len(sink.messages) > 60)
    worker.kill()
    worker.wait()
    sink.script.rules.clear()
    before = len(sink.messages)
    sqlite_staff.start("worker", "--threads", "4")
    assert eventually(lambda: len(sink.messages) > before + 10) < 30
    eventually(lambda: place.show(campaign)["status"] == "completed")
    shown = place.show(campaign)
    assert shown["accepted"] + shown["uncertain"] == 700
    assert shown["uncertain"] <= 4
    assert set(sink.count().values()) == {1}


def test_a_flushed_queue_two_schedulers_and_doubled_messages_change_nothing(
    postgres_staff: Staff, sink: SmtpSink, redis_url: str
) -> None:
    place = postgres_staff.place
    place.people(700)
    campaign = place.submit()
    for command in ("scheduler", "scheduler", "worker"):
        postgres_staff.start(command)
    eventually(lambda: len(sink.messages) > 60)
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        broker = make_broker(client)
        for batch in (1, 2, 1, 2, 1, 2):
            queue.put(broker, queue.DELIVERIES, "deliver_batch", campaign, batch)
        broker.close()
    sink.script.rules.clear()
    eventually(lambda: place.show(campaign)["status"] == "completed")
    assert place.show(campaign)["accepted"] == 700
    assert set(sink.count().values()) == {1}


def test_pause_stops_every_connection_within_a_message(postgres_staff: Staff, sink: SmtpSink) -> None:
    place = postgres_staff.place
    place.people(1_100)
    campaign = place.opened()
    postgres_staff.start("worker", "--threads", "3")
    eventually(lambda: len(sink.messages) > 60)
    control.pause(place.engine, campaign, KAJ)
    answered = len(sink.messages)
    eventually(lambda: place.show(campaign)["sending"] == 0, 10)
    assert len(sink.messages) <= answered + 3
    assert place.show(campaign)["uncertain"] == 0
    sink.script.rules.clear()
    control.resume(place.engine, campaign, KAJ)
    eventually(lambda: place.show(campaign)["status"] == "completed")
    assert place.show(campaign)["accepted"] == 1_100
    assert set(sink.count().values()) == {1}
