"""Workers that stand still past their lease, replies that do not come, wall clocks that jump."""

import time
from pathlib import Path

import pytest

from tests.chaos.rig import LONG, THREADS, made_rig

PEOPLE = 4_000 if LONG else 600
LEASE = 3.0


def test_a_worker_stopped_past_its_lease_and_woken(tmp_path: Path) -> None:
    """Others take over what it held; when it wakes, nothing of it goes out a second time."""
    with made_rig(tmp_path, people=PEOPLE, delay=0.01) as rig:
        rig.surroundings["CHAOS_LEASE"] = str(LEASE)
        campaign = rig.place.opened()
        rig.start()
        rig.start()
        rounds = 4 if LONG else 1
        for number in range(rounds):
            rig.sink.wait_for(PEOPLE * (number + 1) // (rounds + 2))
            rig.freeze(LEASE + 3)
        rig.complete(campaign)
        time.sleep(1)
        # What lay below the watermark of each connection when it was stopped, as far as no late reply settled it.
        rig.judge(campaign, uncertain_at_most=rounds * THREADS * 20)


@pytest.mark.long
def test_a_reply_that_does_not_come_until_the_lease_has_run_out(tmp_path: Path) -> None:
    with made_rig(tmp_path, people=200, hold=str(tmp_path / "hold")) as rig:
        rig.surroundings["CHAOS_LEASE"] = str(LEASE)
        (tmp_path / "hold").touch()
        campaign = rig.place.opened()
        rig.start()
        rig.sink.wait_for(1)
        rig.start()
        time.sleep(60 if LONG else LEASE + 2)
        (tmp_path / "hold").unlink()
        rig.complete(campaign)
        time.sleep(1)
        rig.judge(campaign, uncertain_at_most=2 * THREADS * 5)


@pytest.mark.long
def test_wall_clocks_that_jump(tmp_path: Path) -> None:
    """Two workers whose clocks disagree and jump back and forth by hours."""
    with made_rig(tmp_path, people=PEOPLE, delay=0.005) as rig:
        campaign = rig.place.opened()
        clocks = [tmp_path / "one", tmp_path / "two"]
        for clock in clocks:
            rig.surroundings["CHAOS_CLOCK"] = str(clock)
            rig.start()
        steps = (3600, -7200, 50, -50, 0)
        for number, wrong in enumerate(steps):
            rig.sink.wait_for(min(PEOPLE * (number + 1) // (len(steps) + 1), PEOPLE))
            clocks[number % 2].write_text(str(wrong))
        for clock in clocks:
            clock.write_text("0")
        rig.complete(campaign)
        rig.judge(campaign, uncertain_at_most=len(steps) * THREADS * 20)
