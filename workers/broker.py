"""The queue: dramatiq on Redis or Valkey. The doorbell of the database, never the truth.

Promise: what is put on a queue holds ids only (a submission holds its campaign, no recipient). A message
that fails because a server is away is tried again; work on batches is never retried by the queue, since the
ledger knows better.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import redis
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Retries
from redis.backoff import NoBackoff
from redis.retry import Retry

from campaigns.errors import Unreachable
from workers.embedded import EmbeddedValkey
from workers.settings import Settings

SUBMISSIONS: Final = "submissions"
EXPANSIONS: Final = "expansions"
DELIVERIES: Final = "deliveries"
QUEUES: Final = (SUBMISSIONS, EXPANSIONS, DELIVERIES)
EMBEDDED: Final = "embedded"

_DAY_MS: Final = 86_400_000


@contextmanager
def connected(settings: Settings) -> Iterator[redis.Redis]:
    """A client of the configured server, proven to answer; an embedded one is started and ended with the block.

    Raises:
        Unreachable: the server does not answer; says which and what to do.
    """
    url = settings.redis_url.get_secret_value()
    if url == EMBEDDED:
        with EmbeddedValkey(settings.data_dir).attached() as client:
            yield client
        return
    try:
        # Asked once: the library's own retries would keep a person waiting for seconds.
        with redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0)) as probe:
            probe.ping()
    except (redis.RedisError, ValueError) as error:
        place = url.rpartition("@")[2]
        raise Unreachable(
            f"Redis at {place} does not answer ({error}); start it or set UTSKICK_REDIS_URL"
        ) from None
    yield redis.Redis.from_url(url)


def make_broker(client: redis.Redis) -> RedisBroker:
    """A broker on a client, with retries for what may be retried and nothing that throws into a thread at work."""
    broker = RedisBroker(  # type: ignore[no-untyped-call]  # dramatiq leaves its constructor untyped
        client=client,
        middleware=[Retries(max_retries=1_000_000, min_backoff=2_000, max_backoff=60_000)],
        maintenance_chance=1_000_000,
        heartbeat_timeout=60_000,
        dead_message_ttl=30 * _DAY_MS,
    )
    for queue in QUEUES:
        broker.declare_queue(queue)
    return broker


def waiting(broker: RedisBroker, queue: str) -> int:
    """How many messages of a queue no worker has taken yet (those a dead worker had taken do not count)."""
    try:
        return int(broker.client.llen(f"{broker.namespace}:{queue}"))
    except (redis.RedisError, OSError) as error:
        raise Unreachable(f"the queue does not answer: {error}") from error


def mark(broker: RedisBroker, name: str, seconds: float) -> bool:
    """Note beside the queues that something was done; False where that was noted less than `seconds` ago.

    Raises:
        Unreachable: the queue's server does not answer.
    """
    try:
        return bool(broker.client.set(_mark(broker, name), b"1", nx=True, px=int(seconds * 1000)))
    except (redis.RedisError, OSError) as error:
        raise Unreachable(f"the queue does not answer: {error}") from error


def unmark(broker: RedisBroker, name: str, seconds: float = 0) -> None:
    """Forget what `mark` noted, in so many seconds; where the queue's server is away, the mark runs out by itself."""
    key = _mark(broker, name)
    with suppress(redis.RedisError, OSError):
        if seconds > 0:
            broker.client.set(key, b"1", px=max(1, int(seconds * 1000)))
        else:
            broker.client.delete(key)


def hold(broker: RedisBroker, name: str, holder: str, seconds: float) -> bool:
    """Hold something for so many seconds, or hold it longer; False where another holds it.

    Two may believe it for a moment: it saves work and guards nothing.

    Raises:
        Unreachable: the queue's server does not answer.
    """
    key, milliseconds = _mark(broker, name), int(seconds * 1000)
    try:
        if broker.client.set(key, holder, nx=True, px=milliseconds):
            return True
        return broker.client.get(key) == holder.encode() and bool(broker.client.pexpire(key, milliseconds))
    except (redis.RedisError, OSError) as error:
        raise Unreachable(f"the queue does not answer: {error}") from error


def let_go(broker: RedisBroker, name: str, holder: str) -> None:
    """Stop holding something; where the queue's server is away, it runs out by itself."""
    key = _mark(broker, name)
    with suppress(redis.RedisError, OSError):
        if broker.client.get(key) == holder.encode():
            broker.client.delete(key)


def _mark(broker: RedisBroker, name: str) -> str:
    return f"{broker.namespace}:utskick:{name}"


def put(broker: RedisBroker, queue: str, actor: str, *values: Any, delay_ms: int | None = None) -> None:
    """Put one message on a queue.

    Raises:
        Unreachable: the queue's server does not answer; nothing was put there for certain.
    """
    message: Message[None] = Message(queue_name=queue, actor_name=actor, args=values, kwargs={}, options={})
    try:
        broker.enqueue(message, delay=delay_ms)
    except (redis.RedisError, OSError) as error:
        raise Unreachable(f"the queue does not answer: {error}") from error
