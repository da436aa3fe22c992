"""Rates and slots: smooth, shared by all, and never more than they allow, with or without the server between them."""

import threading
import time

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from campaigns.delivery.pacing import BURST_SECONDS, Bucket
from tests.support.valkey import running_valkey
from workers import shared_limits
from workers.pacing import Turns
from workers.shared_limits import LimitsAway, SharedLimits


@given(st.floats(0.5, 5000), st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_a_bucket_never_gives_more_than_its_rate(rate: float, gaps: list[float]) -> None:
    now = [1000.0]
    bucket = Bucket(lambda: now[0])
    granted: list[float] = []
    for gap in gaps:
        now[0] += gap
        if bucket.take(rate) == 0:
            granted.append(now[0])
    for first, start in enumerate(granted):
        for count, end in enumerate(granted[first:], 1):
            assert count <= (end - start) * rate + max(1, rate * BURST_SECONDS) + 1e-6


@given(st.floats(0.5, 5000))
def test_whoever_waits_as_told_gets_the_next_turn(rate: float) -> None:
    now = [1000.0]
    bucket = Bucket(lambda: now[0])
    for _ in range(20):
        now[0] += bucket.take(rate) + 1e-9
    assert now[0] - 1000.0 <= 20 / rate + 1e-3


def test_all_threads_together_keep_to_the_rate(shared: SharedLimits) -> None:
    rate, seconds, threads = 400.0, 1.5, 6
    taken = [0] * threads
    began = time.monotonic()

    def work(index: int) -> None:
        turns = Turns(shared, "smarthost:main", rate, threads)
        while time.monotonic() - began < seconds:
            wait = turns.take(1.0)
            if wait:
                time.sleep(wait)
            else:
                taken[index] += 1

    running = [threading.Thread(target=work, args=(index,)) for index in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    lasted = time.monotonic() - began
    assert 0.6 * rate * seconds < sum(taken) <= rate * (lasted + BURST_SECONDS) + 1


def test_without_the_server_each_keeps_to_its_share() -> None:
    rate, threads = 200.0, 4
    with running_valkey() as url, redis.Redis.from_url(url) as client:
        shared = SharedLimits(client)
        turns = Turns(shared, "smarthost:main", rate, threads)
        assert turns.take(1.0) == 0
    with pytest.raises(LimitsAway):
        shared.take("smarthost:main", rate, 1)
    taken, began = 0, time.monotonic()
    while time.monotonic() - began < 0.5:
        wait = turns.take(1.0)
        taken += not wait
        time.sleep(wait)
    ahead = rate * 0.05
    assert 5 <= taken <= rate / threads * (time.monotonic() - began + BURST_SECONDS) + 1 + ahead


def test_a_server_that_hangs_is_not_waited_for(shared: SharedLimits, client: redis.Redis) -> None:
    shared.take("smarthost:main", 10, 1)
    with redis.Redis(connection_pool=client.connection_pool) as other:
        other.client_pause(3000)
        began = time.monotonic()
        for _ in range(50):
            with pytest.raises(LimitsAway):
                shared.take("smarthost:main", 10, 1)
        assert time.monotonic() - began < 2.5
        time.sleep(max(0.0, began + 3.1 - time.monotonic()))


def test_slots_are_held_by_as_many_as_there_are(
    shared: SharedLimits, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [shared.hold("domain:kund.example", holder, 2) for holder in "abca"] == [True, True, False, True]
    shared.let_go("domain:kund.example", "b")
    assert shared.hold("domain:kund.example", "c", 2)
    assert not shared.hold("domain:kund.example", "b", 2)
    monkeypatch.setattr(shared_limits, "LEASE_SECONDS", 0.2)
    assert shared.hold("smarthost:main", "dead", 1)
    assert not shared.hold("smarthost:main", "successor", 1)
    time.sleep(0.25)
    assert shared.hold("smarthost:main", "successor", 1)


def test_who_asks_for_patience_gets_half_the_rate_once_and_the_rest_back_slowly(
    shared: SharedLimits, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shared.speed("smarthost:main") == 1
    assert [round(shared.slow_down("smarthost:main"), 3) for _ in range(3)] == [0.5] * 3, (
        "one burst counts once"
    )
    monkeypatch.setattr(shared_limits, "COOLDOWN_SECONDS", 0.0)
    assert round(shared.slow_down("smarthost:main"), 2) == 0.25
    assert shared.take("smarthost:main", 100, 100).turns <= 3, "a burst at a quarter of the rate"
    (key,) = client.keys("*slow*")
    client.hset(key, "at", time.time() - 450)
    assert 0.7 < shared.speed("smarthost:main") < 0.8
    client.hset(key, "at", time.time() - 900)
    assert shared.speed("smarthost:main") == 1
    slowest = [shared.slow_down("smarthost:main") for _ in range(20)]
    assert slowest[-1] == pytest.approx(shared_limits.SLOWEST, rel=0.01)


def test_rows_that_are_put_off_queue_up_one_behind_the_other(shared: SharedLimits) -> None:
    first, step = shared.queue_up("domain:kund.example", 10, 50)
    assert first == pytest.approx(0.1, abs=0.05)
    assert step == 0.1
    following, _ = shared.queue_up("domain:kund.example", 10, 5)
    assert following == pytest.approx(5.1, abs=0.2)
    assert shared.take("domain:kund.example", 10, 1).ahead == pytest.approx(5.5, abs=0.2)


def test_nothing_personal_lies_on_the_server(shared: SharedLimits, client: redis.Redis) -> None:
    shared.take("smarthost:main", 10, 1)
    shared.hold("smarthost:main", "a" * 32, 1)
    assert all(b"@" not in key for key in client.scan_iter())
