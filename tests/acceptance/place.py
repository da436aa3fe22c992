"""A folder in which somebody runs the commands of `utskick`, with the example's settings and a smarthost."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from campaigns.delivery import accounts
from campaigns.store.engine import make_engine
from tests.architecture.tree import ROOT
from tests.support.processes import start_tied, stop

COMMAND = [sys.executable, "-m", "workers"]
PATIENCE_SECONDS = 120.0


@dataclass
class Place:
    """The folder, what the commands see in their environment, and the processes that run there."""

    folder: Path
    environment: dict[str, str]
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def database(self) -> str:
        """The register's URL."""
        default = f"sqlite:///{self.folder / 'var' / 'utskick.db'}"
        return self.environment.get("UTSKICK_DATABASE_URL", default)

    @property
    def log(self) -> Path:
        """What all started processes said."""
        return self.folder / "processes.log"

    def run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def ask(self, *arguments: str, given: str = "") -> dict[str, Any]:
        """The JSON answer of a command that must succeed."""
        done = self.run(*arguments, "--json", given=given)
        assert done.returncode == 0, f"utskick {' '.join(arguments)}: {done.stdout}{done.stderr}"
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command that runs on."""
        command = ["env", "-C", str(self.folder), *COMMAND, *arguments]
        child = start_tied(command, self.log, env=self.environment)
        self.running.append(child)
        return child

    def stop(self, child: subprocess.Popen[bytes], sign: signal.Signals = signal.SIGTERM) -> int:
        """End a started process and wait for it; its exit code."""
        stop(child, sign)
        return int(child.returncode)

    def accounts(self, campaign: int) -> dict[str, Any]:
        """The accounts of a campaign as the database has them now (the command costs a second of start-up)."""
        engine = make_engine(self.database)
        try:
            return accounts.show(engine, campaign)
        finally:
            engine.dispose()

    def campaigns(self) -> list[dict[str, Any]]:
        """All campaigns, the newest first."""
        engine = make_engine(self.database)
        try:
            return accounts.list_campaigns(engine)
        finally:
            engine.dispose()

    def completed(self, campaign: int, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """Wait until a campaign is completed; its accounts."""
        self.wait(lambda: self._status(campaign) == "completed", f"campaign {campaign} completed", seconds)
        return self.accounts(campaign)

    def wait(self, ready: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> float:
        """Wait for something; the seconds it took."""
        began = time.monotonic()
        while not ready():
            taken = time.monotonic() - began
            log = self.log.read_text("utf-8")[-3000:] if self.log.exists() else ""
            assert taken < seconds, f"waited {taken:.0f} s in vain for {what}:\n{log}"
            time.sleep(0.1)
        return time.monotonic() - began

    def _status(self, campaign: int) -> str:
        return next((item["status"] for item in self.campaigns() if item["id"] == campaign), "")


@contextmanager
def made_place(folder: Path, **settings: str) -> Iterator[Place]:
    """A new folder with the example's settings, overlaid with `UTSKICK_…`; all its processes end with it."""
    folder.mkdir()
    shutil.copy(ROOT / "utskick.example.toml", folder / "utskick.toml")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("UTSKICK_")},
        "PYTHONPATH": str(ROOT),
        **{f"UTSKICK_{name.upper()}": value for name, value in settings.items()},
    }
    place = Place(folder, environment)
    try:
        yield place
    finally:
        for child in reversed(place.running):
            stop(child, signal.SIGTERM)


def assert_closed(shown: dict[str, Any]) -> None:
    """The accounts add up and nothing waits any more."""
    named = ("accepted", "rejected", "withheld_total", "uncertain", "expired", "cancelled")
    open_ones = ("pending", "sending", "deferred")
    assert shown["recipients"] == sum(shown[name] for name in (*named, *open_ones))
    assert shown["withheld_total"] == sum(shown["withheld"].values())
    assert shown["status"] == "completed"
    assert [shown[name] for name in open_ones] == [0, 0, 0]
