"""Disks that are full: of the journals, of the database. Sending stops with a clear error, and goes on afterwards."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos.rig import LONG, THREADS, Rig, made_rig

PEOPLE = 3_000 if LONG else 1_500
pytestmark = [pytest.mark.needs_root, pytest.mark.long]


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[None]:
    """A disk of that size in place of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k,mode=700", "tmpfs", str(folder)], check=True
    )
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Fill the disk; the file that does."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65_536, 4_096):
            while True:
                try:
                    if not file.write(b"\0" * size):
                        break
                except OSError:
                    break
    return filler


def test_the_disk_of_the_journals(tmp_path: Path) -> None:
    journals = tmp_path / "var" / "journal"
    with small_disk(journals, 256), made_rig(tmp_path, people=PEOPLE, delay=0.01) as rig:
        campaign = rig.place.opened()
        rig.start()
        rig.sink.wait_for(50)
        filler = fill(journals)
        # A journal has its room from the start of its batch on; a worker that begins now finds none.
        rig.kill(rig.workers[0])
        rig.start()
        stood = stands_still(rig)
        assert "No space left" in rig.log.read_text()
        filler.unlink()
        rig.complete(campaign)
        print(f"stood still after {stood} messages")
        rig.judge(campaign, uncertain_at_most=THREADS)


def test_the_disk_of_the_database(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "var", 40_000),
        made_rig(tmp_path, people=PEOPLE, sqlite=True, delay=0.01) as rig,
    ):
        campaign = rig.place.opened()
        rig.start()
        rig.sink.wait_for(50)
        filler = fill(tmp_path / "var")
        stood = stands_still(rig)
        assert "full" in rig.log.read_text()
        filler.unlink()
        rig.complete(campaign)
        print(f"stood still after {stood} messages")
        rig.judge(campaign, uncertain_at_most=THREADS)


def stands_still(rig: Rig) -> int:
    """Wait until nothing arrives any more; how many messages had."""
    seen = [-1, -2]

    def still() -> bool:
        seen.append(rig.sink.count())
        return len(seen) > 25 and len(set(seen[-20:])) == 1

    rig.until(still, "it stands still", 60)
    assert seen[-1] < PEOPLE
    return seen[-1]
