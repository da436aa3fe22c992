"""Several machines: each worker in a network of its own; one is cut off in the middle of its work and comes back."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos.rig import LONG, THREADS, made_rig

PEOPLE = 4_000 if LONG else 1_500
HOST = "10.77.0.1"
LEASE = 3.0
pytestmark = [pytest.mark.needs_root, pytest.mark.long]


def ip(*words: str) -> None:
    """Run `ip`."""
    subprocess.run(["ip", *words], check=True)


@contextmanager
def machines(*names: str) -> Iterator[None]:
    """Network namespaces, each with a cable to this machine's bridge."""
    ip("link", "add", "chaos0", "type", "bridge")
    try:
        ip("addr", "add", f"{HOST}/24", "dev", "chaos0")
        ip("link", "set", "chaos0", "up")
        for number, name in enumerate(names, start=2):
            ip("netns", "add", name)
            ip("link", "add", f"{name}-out", "type", "veth", "peer", "name", "inside", "netns", name)
            ip("link", "set", f"{name}-out", "master", "chaos0", "up")
            ip("-n", name, "addr", "add", f"10.77.0.{number}/24", "dev", "inside")
            ip("-n", name, "link", "set", "inside", "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False)
        ip("link", "del", "chaos0")


def test_a_machine_cut_off_in_the_middle_and_back_again(tmp_path: Path) -> None:
    with machines("chaos-a", "chaos-b"), made_rig(tmp_path, people=PEOPLE, besides=HOST, delay=0.01) as rig:
        rig.surroundings["CHAOS_LEASE"] = str(LEASE)
        assert rig.database is not None
        rig.surroundings["UTSKICK_DATABASE_URL"] = rig.database.url_at(HOST)
        rig.surroundings["UTSKICK_REDIS_URL"] = rig.queue.url_at(HOST)
        rig.surroundings["UTSKICK_SMARTHOST"] = f"smtp://{HOST}:{rig.sink.port}?tls=none"
        campaign = rig.place.opened()
        for name in ("chaos-a", "chaos-b"):
            # The journals are each machine's own.
            rig.surroundings["UTSKICK_DATA_DIR"] = str(tmp_path / f"var-{name}")
            rig.start("ip", "netns", "exec", name)
        rounds = 3 if LONG else 1
        for number in range(rounds):
            rig.sink.wait_for(PEOPLE * (number + 1) // (rounds + 2))
            ip("link", "set", "chaos-b-out", "down")
            time.sleep(LEASE + 4)
            ip("link", "set", "chaos-b-out", "up")
        rig.complete(campaign)
        time.sleep(8)
        # What was open below the watermark of each connection when the cable was pulled, as far as nothing settled it:
        # a 250 in a journal does, and so does the proof that nothing was begun (which comes too late for a campaign
        # that is completed: those rows are `expired`).
        rig.judge(campaign, uncertain_at_most=rounds * THREADS * 20)
