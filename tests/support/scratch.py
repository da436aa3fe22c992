"""Where the run's folders lie: in memory where the machine has enough, and where TMPDIR says if somebody has set it.

A database is some seven hundred files, made and dropped for every second test. ext4 passes over each inode that was
freed in the last minutes before it hands out another: on a disk a third of the run would go into that.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

import pytest

MEMORY = Path("/dev/shm")
#: What must be free, in octets: several times what a whole run has there at once.
ROOM = 3 << 30
_OURS: Final = pytest.StashKey[Path | None]()


def pytest_configure(config: pytest.Config) -> None:
    """Make a folder in memory the temporary directory of this process and its children, unless one is named."""
    if any(name in os.environ for name in ("TMPDIR", "TEMP", "TMP")) or not fits(MEMORY):
        return
    folder = Path(tempfile.mkdtemp(prefix="ut-", dir=MEMORY))
    folder.chmod(0o1777)  # as every temporary directory is: servers run as users of their own
    config.stash[_OURS] = folder
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """What failed may want to be looked at: its folder stays."""
    if exitstatus != pytest.ExitCode.OK:
        session.config.stash[_OURS] = None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing of a run in which all went well."""
    folder = config.stash.get(_OURS, None)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def fits(folder: Path, room: int = ROOM) -> bool:
    """Whether a run has room in that folder and in memory, and programs may be started there (some servers are)."""
    try:
        there = os.statvfs(folder)
        available = int(
            next(
                line.split()[1]
                for line in Path("/proc/meminfo").read_text("ascii").splitlines()
                if line.startswith("MemAvailable:")
            )
        )
    except (OSError, StopIteration):
        return False
    return (
        os.access(folder, os.W_OK | os.X_OK)
        and not there.f_flag & os.ST_NOEXEC
        and min(there.f_bavail * there.f_frsize, available * 1024) >= room
    )
