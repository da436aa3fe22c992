"""Where the run's folders lie: in memory where the machine has enough, and where TMPDIR says if somebody has set it.

A database is some seven hundred files, made and dropped for every second test. ext4 passes over each inode that was
freed in the last minutes before it hands out another: on a disk a third of the run would go into that.
"""

import os
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
#: What must be free, in octets: several times what a whole run has there at once.
ROOM = 3 << 30


def choose_scratch() -> None:
    """Make the memory the temporary directory of this process and its children, unless one is named or it is small."""
    if any(name in os.environ for name in ("TMPDIR", "TEMP", "TMP")) or not fits(MEMORY):
        return
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None


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
