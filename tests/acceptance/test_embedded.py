"""The embedded queue's server: one for all, whoever comes and goes."""

import os
import signal
import time
from pathlib import Path

import redis

from workers.embedded import EmbeddedValkey


def test_the_server_comes_back_for_those_who_stay_when_the_one_who_started_it_leaves(tmp_path: Path) -> None:
    first, second = EmbeddedValkey(tmp_path), EmbeddedValkey(tmp_path)
    with first.attached() as starter:
        starter.set("rung", "once")
        with second.attached() as stayer:
            assert stayer.get("rung") == b"once"
            first.stop()
            assert came_back(stayer) == b"once"


def test_a_killed_server_comes_back(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path).attached() as client:
        client.set("rung", "once")
        time.sleep(1.2)  # its file is written once a second
        os.kill(client.info("server")["process_id"], signal.SIGKILL)
        assert came_back(client) == b"once"


def test_asking_for_a_server_that_is_not_there_yet_takes_no_time(tmp_path: Path) -> None:
    began = time.monotonic()
    with EmbeddedValkey(tmp_path).attached():
        pass
    assert time.monotonic() - began < 5


def came_back(client: redis.Redis) -> object:
    deadline = time.monotonic() + 20
    while True:
        try:
            return client.get("rung")
        except redis.RedisError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
