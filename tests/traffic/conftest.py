"""An installation with two sinks, and limits that machines share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.operations.place import Place
from tests.support.smtp_sink import SmtpSink
from tests.traffic.roads import made_roads
from workers.shared_limits import SharedLimits


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as connected:
        yield connected


@pytest.fixture
def shared(client: redis.Redis) -> SharedLimits:
    return SharedLimits(client)


@pytest.fixture
def sinks() -> Iterator[tuple[SmtpSink, SmtpSink]]:
    with SmtpSink() as main, SmtpSink() as backup:
        yield main, backup


@pytest.fixture
def place(sqlite_url: str, sinks: tuple[SmtpSink, SmtpSink], tmp_path: Path) -> Iterator[Place]:
    """Its sender goes by `main`, or else by `backup`; other limits are set by tests through `roads.limited`."""
    with made_roads(tmp_path, sqlite_url, *sinks) as made:
        yield made
