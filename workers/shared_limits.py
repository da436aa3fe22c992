"""Limits that all machines share, kept in Redis or Valkey by four short scripts, by the server's own clock.

Promise: together, all senders take no more turns than a rate allows, smoothly, and hold no more slots than there are; a
slot whose holder died is free again when its lease runs out. Turns are taken several at a time, so that a message costs
no round trip. Fails with `LimitsAway` when the server does not answer within half a second, and then does not ask again
for a second: callers go on within their own share, which together is never more.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

import redis

from campaigns.delivery.pacing import BURST_SECONDS
from campaigns.errors import Unreachable

PATIENCE_SECONDS: Final = 0.5
REST_SECONDS: Final = 1.0
#: A slot is held for so many seconds unless it is held longer in time.
LEASE_SECONDS: Final = 15.0
#: Each request for patience halves the rate, but not twice within so many seconds.
COOLDOWN_SECONDS: Final = 10.0
SLOWEST: Final = 0.02
#: From the slowest to the full rate it takes so many seconds without another such request.
RECOVERY_SECONDS: Final = 900.0

_CLOCK: Final = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
local function speed(key)
  local s = redis.call('HMGET', key, 'speed', 'at')
  if not s[1] then return 1 end
  return math.min(1, s[1] + math.max(0, now - s[2]) / RECOVERY)
end
""".replace("RECOVERY", str(RECOVERY_SECONDS))

# KEYS: bucket, slowness, queue. ARGV: rate, burst seconds, how many, lowest share.
# Answers: how many were granted, seconds to wait when none was, seconds that rows which were put off reach ahead.
_TAKE: Final = (
    _CLOCK
    + """
local step = 1 / (ARGV[1] * speed(KEYS[2]))
local nxt = tonumber(redis.call('GET', KEYS[1]) or 0)
if nxt < now or nxt > now + 3600 then nxt = now end
local burst = math.max(tonumber(ARGV[2]), step)
local can = math.floor((now + burst - nxt) / step + 0.000001)
local ahead = math.max(0, tonumber(redis.call('GET', KEYS[3]) or 0) - now)
if can < 1 then return {0, tostring(nxt + step - burst - now), tostring(ahead)} end
local n = math.min(can, tonumber(ARGV[3]))
redis.call('SET', KEYS[1], string.format('%.6f', nxt + n * step), 'PX', math.ceil((nxt + n * step - now) * 1000) + 1000)
return {n, '0', tostring(ahead)}
"""
)
# KEYS: queue, slowness. ARGV: rate, how many. Answers: seconds until the first, seconds between them.
_QUEUE_UP: Final = (
    _CLOCK
    + """
local step = 1 / (ARGV[1] * speed(KEYS[2]))
local start = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
local last = start + ARGV[2] * step
redis.call('SET', KEYS[1], string.format('%.6f', last), 'PX', math.ceil((last - now) * 1000) + 1000)
return {tostring(start - now + step), tostring(step)}
"""
)
# KEYS: slots. ARGV: holder, how many there are, lease seconds. Answers whether the holder has one now.
_HOLD: Final = (
    _CLOCK
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[3] * 1000))
return 1
"""
)
# KEYS: slowness. ARGV: cooldown seconds, slowest. Answers the new speed.
_SLOW: Final = (
    _CLOCK
    + """
local s = speed(KEYS[1])
local cut = redis.call('HGET', KEYS[1], 'cut')
if cut and now - cut < tonumber(ARGV[1]) then return tostring(s) end
s = math.max(tonumber(ARGV[2]), s / 2)
redis.call('HSET', KEYS[1], 'speed', tostring(s), 'at', string.format('%.6f', now), 'cut', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], 86400)
return tostring(s)
"""
)
_SPEED: Final = _CLOCK + "return tostring(speed(KEYS[1]))"


class LimitsAway(Unreachable):
    """The server that keeps the shared limits does not answer."""


@dataclass(frozen=True)
class Grant:
    """What came of asking for turns: how many were granted, how long to wait where none was, and how far ahead rows
    that were put off have queued up, in seconds."""

    turns: int
    wait: float
    ahead: float


class SharedLimits:
    """The limits of one installation. Safe for threads. Names are such as `smarthost:main`, `domain:kund.example`."""

    def __init__(self, client: redis.Redis, namespace: str = "utskick") -> None:
        self._client = _impatient(client)
        self._namespace = namespace
        self._away_until = 0.0
        self._scripts = {
            text: self._client.register_script(text) for text in (_TAKE, _QUEUE_UP, _HOLD, _SLOW, _SPEED)
        }

    def take(self, name: str, rate: float, wanted: int) -> Grant:
        """Take up to so many turns at a rate per second.

        Raises:
            LimitsAway: nothing is known to have been taken.
        """
        turns, wait, ahead = self._run(_TAKE, ("rate", "slow", "queue"), name, rate, BURST_SECONDS, wanted)
        return Grant(int(turns), float(wait), float(ahead))

    def queue_up(self, name: str, rate: float, count: int) -> tuple[float, float]:
        """Queue so many rows up behind those that were put off before: seconds until the first, and between them.

        Raises:
            LimitsAway: they were not queued up.
        """
        first, step = self._run(_QUEUE_UP, ("queue", "slow"), name, rate, count)
        return float(first), float(step)

    def hold(self, name: str, holder: str, slots: int) -> bool:
        """Hold one of so many slots for a lease, or hold it longer; False where all are taken.

        Raises:
            LimitsAway: that cannot be told.
        """
        return bool(self._run(_HOLD, ("slots",), name, holder, slots, LEASE_SECONDS))

    def let_go(self, name: str, holder: str) -> None:
        """Free a slot; where the server is away its lease runs out by itself."""
        key = self._key("slots", name)
        try:
            self._guarded(lambda: self._client.zrem(key, holder))
        except LimitsAway:
            return

    def slow_down(self, name: str) -> float:
        """Halve the speed; returns it (1 is full).

        Raises:
            LimitsAway: nobody else learns of it.
        """
        return float(self._run(_SLOW, ("slow",), name, COOLDOWN_SECONDS, SLOWEST))

    def speed(self, name: str) -> float:
        """How fast to go at present, as a share of the full rate.

        Raises:
            LimitsAway: that cannot be told.
        """
        return float(self._run(_SPEED, ("slow",), name))

    def _run(self, script: str, kinds: tuple[str, ...], name: str, *values: float | str) -> Any:
        keys = [self._key(kind, name) for kind in kinds]
        return self._guarded(lambda: self._scripts[script](keys=keys, args=list(values)))

    def _guarded(self, call: Any) -> Any:
        if time.monotonic() < self._away_until:
            raise LimitsAway
        try:
            return call()
        except (redis.RedisError, OSError) as error:
            self._away_until = time.monotonic() + REST_SECONDS
            raise LimitsAway(f"the shared limits do not answer: {error}") from error

    def _key(self, kind: str, name: str) -> str:
        return f"{self._namespace}:{{limits}}:{kind}:{name}"


def _impatient(client: redis.Redis) -> redis.Redis:
    """A client of the same server that does not wait long."""
    pool = client.connection_pool
    settings = {
        **pool.connection_kwargs,
        "socket_timeout": PATIENCE_SECONDS,
        "socket_connect_timeout": PATIENCE_SECONDS,
    }
    return redis.Redis(
        connection_pool=redis.ConnectionPool(connection_class=pool.connection_class, **settings)
    )
