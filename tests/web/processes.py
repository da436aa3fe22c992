"""The entrances as the processes that an operator starts."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.tree import ROOT
from tests.support.processes import start_tied, stop, wait_until
from tests.support.register import MAIL_DOMAIN, Register

COMMAND = [sys.executable, "-m", "workers"]


@dataclass(frozen=True)
class Running:
    """A process that listens."""

    child: subprocess.Popen[bytes]
    port: int
    log: Path

    def told_to_stop(self) -> int:
        """SIGTERM; its exit code."""
        stop(self.child, signal.SIGTERM)
        return int(self.child.returncode)


def environment(register: Register) -> dict[str, str]:
    """What the commands see: the example's settings, this register, a sender that its campaign names."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("UTSKICK_")},
        "PYTHONPATH": str(ROOT),
        "UTSKICK_DATABASE_URL": register.url,
        "UTSKICK_SECRETS_DIR": str(register.secrets_dir),
        "UTSKICK_MAIL_DOMAIN": MAIL_DOMAIN,
        "UTSKICK_SENDERS__NEWS__NAME": "Från sågen",
        "UTSKICK_SENDERS__NEWS__ADDRESS": "news@timmero.example",
    }


def settings_folder(folder: Path) -> Path:
    """A new folder with the example's settings."""
    folder.mkdir()
    shutil.copy(ROOT / "utskick.example.toml", folder / "utskick.toml")
    return folder


@contextmanager
def running(register: Register, entrance: str, folder: Path) -> Iterator[Running]:
    """`utskick web` or `utskick inbound` on a free port of loopback."""
    log = settings_folder(folder) / "log"
    command = ["env", "-C", str(folder), *COMMAND, entrance, "--port", "0"]
    child = start_tied(command, log, env=environment(register))
    try:
        wait_until(lambda: _port(log, entrance) > 0, child, log)
        yield Running(child, _port(log, entrance), log)
    finally:
        stop(child, signal.SIGKILL)


def _port(log: Path, entrance: str) -> int:
    """The port that the log names; 0 while it names none."""
    for line in log.read_text("utf-8").splitlines():
        if f'"{entrance} started"' in line and line.endswith("}"):
            return int(json.loads(line)["port"])
    return 0
