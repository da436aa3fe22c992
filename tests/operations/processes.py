"""Real worker and scheduler processes of a place."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.architecture.tree import ROOT
from tests.operations.place import Place
from tests.support.processes import start_tied


@dataclass
class Staff:
    """The processes of one place; all are ended at the end of the test."""

    place: Place
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start `utskick …`."""
        environment = {**os.environ, **self.place.environment, "PYTHONPATH": str(ROOT)}
        log = self.place.folder / "processes.log"
        words = [sys.executable, "-m", "workers", *command]
        started = start_tied(["env", "-C", str(self.place.folder), *words], log, env=environment)
        self.running.append(started)
        return started

    def log(self) -> str:
        """What all of them said."""
        return (self.place.folder / "processes.log").read_text()


@contextmanager
def staff_of(place: Place) -> Iterator[Staff]:
    """Somebody to start processes with."""
    staff = Staff(place)
    try:
        yield staff
    finally:
        for process in staff.running:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait()


def eventually(true: Callable[[], bool], seconds: float = 60) -> float:
    """Wait until something is true; returns how long it took, in seconds."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "it never came true"
        time.sleep(0.05)
    return time.monotonic() - began
