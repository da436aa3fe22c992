"""kill -9 of random workers, and everything around them killed and started again."""

import signal
import time
from pathlib import Path

from tests.chaos.rig import LONG, THREADS, made_rig

PEOPLE = 20_000 if LONG else 1_500
KILLS = 200 if LONG else 5


def test_workers_killed_at_random(tmp_path: Path) -> None:
    with made_rig(tmp_path, people=PEOPLE) as rig:
        campaigns = [rig.place.opened("1")]
        for _ in range(2):
            rig.start()
        while rig.killed < KILLS:
            target = rig.sink.count() + rig.dice.randrange(20, 180)
            while rig.sink.count() < target:
                done = rig.place.show(campaigns[-1])["status"] == "completed"
                if done:
                    campaigns.append(rig.place.opened(str(len(campaigns) + 1)))
                time.sleep(0.02)
            rig.kill(rig.dice.choice(rig.workers))
            rig.start()
        for campaign in campaigns:
            rig.complete(campaign, 600)
        rig.judge(*campaigns, uncertain_at_most=THREADS * KILLS)


def test_servers_killed_in_the_middle_of_a_send(tmp_path: Path) -> None:
    """Valkey flushed and killed, PostgreSQL killed and stopped, two schedulers, every queue message twice."""
    with made_rig(tmp_path, people=PEOPLE, delay=0.002) as rig:
        rig.surroundings["CHAOS_TWICE"] = "1"
        campaign = rig.place.opened()
        rig.start()
        rig.start()
        for _ in range(2):
            rig.start(program=("-m", "workers", "scheduler"))
        assert rig.database is not None
        rig.sink.wait_for(PEOPLE // 6)
        rig.queue.flush()
        rig.sink.wait_for(PEOPLE * 2 // 6)
        rig.queue.kill()
        time.sleep(0.5)
        rig.queue.start()
        rig.sink.wait_for(PEOPLE * 3 // 6)
        rig.database.kill(signal.SIGINT)
        time.sleep(0.5)
        rig.database.start()
        rig.sink.wait_for(PEOPLE * 4 // 6)
        rig.database.kill(signal.SIGQUIT)
        rig.database.start()
        rig.complete(campaign)
        # No worker was killed: each has its journal and its memory, so nothing is uncertain.
        rig.judge(campaign, uncertain_at_most=0)
