"""Child processes that cannot outlive the test run, not even when the run itself is killed."""

import ctypes
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def _die_with_parent() -> None:
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)  # a shell's background jobs ignore it
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def start_tied(
    command: Sequence[str], log: Path, *, user: str | None = None, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a child whose output goes to `log`; the kernel ends it (SIGQUIT) when the starting thread is gone.

    With `user` (root only) the child runs as that user.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
            preexec_fn=_die_with_parent,  # runs after the change of user, which would clear it
            **run_as(user),
        )


def run_as(user: str | None) -> dict[str, Any]:
    """The arguments that make subprocess run as `user`; none for the present user."""
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": "/"}


def wait_until(
    ready: Callable[[], bool], child: subprocess.Popen[bytes], log: Path, *, seconds: float = 30
) -> None:
    """Ask `ready` until it says yes; RuntimeError with the log's end when the child dies or time is up."""
    deadline = time.monotonic() + seconds
    while not ready():
        if child.poll() is not None or time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{child.args!r} did not become ready (exit {child.returncode}):\n{tail}")
        time.sleep(0.02)


def stop(child: subprocess.Popen[bytes], sign: signal.Signals) -> None:
    """End a child and wait for it; after ten seconds without mercy."""
    if child.poll() is None:
        child.send_signal(sign)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def is_root() -> bool:
    """Whether the tests run as root."""
    return os.geteuid() == 0
