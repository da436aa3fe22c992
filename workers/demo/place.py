"""Where the demo runs: a folder with the example settings, free ports, and the command `utskick` within it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from campaigns.errors import UtskickError
from workers.children import start_child
from workers.settings import load_settings
from workers.wiring import Installation

_PATIENCE_SECONDS: Final = 120.0


class DemoFailed(UtskickError):
    """The demo did not come to its end."""


class Place:
    """The folder of one run, and what runs in it."""

    def __init__(self, project: Path, folder: Path) -> None:
        self.project, self.folder = project, folder
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.mail = self.folder / "mail"
        self.mail.mkdir(parents=True)
        shutil.copy(project / "utskick.example.toml", self.folder / "utskick.toml")
        self.web_port, self.inbound_port, self.sink_port = _free_ports(3)
        self._settings = {
            "UTSKICK_SMARTHOST": f"smtp://127.0.0.1:{self.sink_port}",
            "UTSKICK_PUBLIC_URL": f"http://127.0.0.1:{self.web_port}",
        }
        mine = {name: value for name, value in os.environ.items() if not name.startswith("UTSKICK_")}
        self._environment = {**mine, **self._settings}
        self._running: list[subprocess.Popen[bytes]] = []

    def utskick(self, *arguments: str) -> dict[str, Any]:
        """Run a command of `utskick` and return its JSON answer.

        Raises:
            DemoFailed: it did not end with 0; says what it said.
        """
        done = subprocess.run(
            [sys.executable, "-m", "workers", *arguments, "--json"],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise DemoFailed(f"utskick {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def installation(self) -> Installation:
        """The same installation, seen from this process: to look at the ledger without starting a command."""
        return Installation(load_settings(self.folder, self._settings))

    def start(self, *module: str) -> None:
        """Start a module as a process that ends with this one; its log is kept in the folder."""
        log = (self.folder / f"{module[0]}.log").open("ab")
        command = [sys.executable, "-m", *module]
        process = start_child(command, cwd=self.folder, env=self._environment, stderr=log)
        self._running.append(process)

    def stop(self) -> None:
        """End everything that was started, in reverse order."""
        for process in reversed(self._running):
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def wait_for(self, what: str, done: Callable[[], bool]) -> None:
        """Wait until something is so.

        Raises:
            DemoFailed: it took too long.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not done():
            if time.monotonic() > deadline:
                raise DemoFailed(f"waited in vain for {what}; the logs are in {self.folder}")
            time.sleep(0.1)

    @property
    def database(self) -> str:
        """The URL of the register."""
        return f"sqlite:///{self.folder / 'var' / 'utskick.db'}"

    def print_files(self) -> list[Path]:
        """The closed address files of the print house."""
        return sorted((self.folder / "var" / "print").rglob("*.csv"))

    def listens(self, port: int) -> bool:
        """Whether somebody listens on a port of this machine."""
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
