"""Starting processes that end with the one that started them, however it ends.

Promise: a child gets SIGTERM when the thread that started it is gone, also after SIGKILL; start children from the main
thread.
"""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Final

_PR_SET_PDEATHSIG: Final = 1


def start_child(command: Sequence[str], **more: Any) -> subprocess.Popen[bytes]:
    """Start a program as a child (the further arguments are those of `subprocess.Popen`)."""
    libc = ctypes.CDLL(None)

    def die_with_parent() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return subprocess.Popen(command, preexec_fn=die_with_parent, **more)


def start_utskick(*arguments: str) -> subprocess.Popen[bytes]:
    """Start a command of `utskick` as a child."""
    return start_child([sys.executable, "-m", "workers", *arguments])
