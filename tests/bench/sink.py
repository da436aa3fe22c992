"""The yardstick: Debian's smtp-sink, which throws mail away, and smtp-source, which sends it as fast as C can."""

import re
import resource
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import start_tied, stop, wait_until

SESSIONS = 10


class ToolMissing(Exception):
    """smtp-sink or smtp-source is not installed: `make test-tools` as root brings them (Debian's postfix)."""


@dataclass(frozen=True)
class Sink:
    """A running smtp-sink on a port of loopback."""

    port: int
    process: subprocess.Popen[bytes]

    def source(self, messages: int, octets: int) -> float:
        """Messages per second of smtp-source into this sink: ten sessions, connections kept."""
        return self.measured_source(messages, octets)[0]

    def measured_source(self, messages: int, octets: int) -> tuple[float, float]:
        """The same, and how many microseconds of CPU it took for each message: the measure of the machine."""
        command = [
            *(tool("smtp-source"), "-d", "-s", str(SESSIONS), "-m", str(messages), "-l", str(octets)),
            *("-f", "sender@source.example", "-t", "recipient@sink.example", f"127.0.0.1:{self.port}"),
        ]
        began, before = time.monotonic(), _children_cpu()
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        return messages / (time.monotonic() - began), (_children_cpu() - before) / messages * 1e6


def tool(name: str) -> str:
    """The path of a program of the postfix package.

    Raises:
        ToolMissing: it is not installed.
    """
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if found is None:
        raise ToolMissing(f"{name} is missing; run `make test-tools` as root (Debian's package postfix)")
    return found


@contextmanager
def running_sink(folder: Path) -> Iterator[Sink]:
    """An smtp-sink on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    log = folder / "sink.log"
    child = start_tied([tool("smtp-sink"), "-u", "nobody", f"127.0.0.1:{port}", "1000"], log)
    try:
        wait_until(lambda: _listens(port), child, log)
        yield Sink(port, child)
    finally:
        stop(child, signal.SIGTERM)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and of its children that have ended, in seconds (10 ms grain)."""
    text = Path(f"/proc/{pid}/stat").read_text()
    fields = re.sub(r"^.*\) ", "", text).split()
    return sum(int(fields[place]) for place in (11, 12, 13, 14)) / 100


def resident_mb(pid: int) -> float:
    """Resident memory of a process, in MB."""
    text = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", text)
    return int(found[1]) / 1024 if found else 0.0
