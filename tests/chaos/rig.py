"""The installation that is put to trouble: a place, its servers, its workers, and the judgement at the end."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from campaigns.store import schema
from campaigns.store.engine import reading
from tests.architecture.tree import ROOT
from tests.chaos.servers import Postgres, Sink, Valkey
from tests.operations.place import Place, made_place
from tests.support.folders import short_folder
from tests.support.processes import start_tied, stop
from workers.settings import load_settings
from workers.wiring import Installation

LONG = os.environ.get("CHAOS") == "long"
THREADS = 4
WORKER = str(ROOT / "tests" / "chaos" / "worker.py")
#: Retries soon enough for a test, and no brake; lines of the settings file.
SOON = {
    "first_waits_minutes": "[0.02, 0.02, 0.02]",
    "later_wait_minutes": "0.02",
    "later_spread_minutes": "0.01",
    "shortest_pause_seconds": "0.2",
    "longest_pause_seconds": "1",
    "hard_bounce_percent": "100",
}


@dataclass
class Rig:
    """Everything of one run."""

    place: Place
    sink: Sink
    database: Postgres | None
    queue: Valkey
    surroundings: dict[str, str] = field(default_factory=dict)
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    killed: int = 0
    dice: random.Random = field(default_factory=lambda: random.Random(11))

    @property
    def log(self) -> Path:
        """What all workers said."""
        return self.place.folder / "workers.log"

    def start(
        self, *before: str, program: tuple[str, ...] = (WORKER, str(THREADS))
    ) -> subprocess.Popen[bytes]:
        """Start a worker (or another program); `before` stands in front of the command."""
        environment = {
            **os.environ,
            **self.place.environment,
            **self.surroundings,
            "PYTHONPATH": str(ROOT),
        }
        command = [*before, "env", "-C", str(self.place.folder), sys.executable, *program]
        started = start_tied(command, self.log, env=environment)
        self.workers.append(started)
        return started

    def kill(self, victim: subprocess.Popen[bytes]) -> None:
        """kill -9."""
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        self.workers.remove(victim)
        self.killed += 1

    def freeze(self, seconds: float, victim: int = 0) -> None:
        """Stop a worker for a while, and wake it."""
        os.kill(self.workers[victim].pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self.workers[victim].pid, signal.SIGCONT)

    def stop_all(self) -> None:
        """End all workers."""
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
        for worker in self.workers:
            stop(worker, signal.SIGTERM)
        self.workers.clear()

    def complete(self, campaign: int, seconds: float = 180) -> dict[str, Any]:
        """Wait until a campaign is completed; its accounts."""
        self.until(
            lambda: self.place.show(campaign)["status"] == "completed",
            f"campaign {campaign} is completed",
            seconds,
        )
        return self.place.show(campaign)

    def until(self, true: Callable[[], bool], what: str, seconds: float = 120) -> None:
        """Wait for something."""
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                raise AssertionError(f"in vain: {what}\n{self.log.read_text()[-4000:]}")
            time.sleep(0.1)

    def judge(self, *campaigns: int, uncertain_at_most: int) -> str:
        """Hold the accounts against the sink; what was counted."""
        total: Counter[str] = Counter()
        for campaign in campaigns:
            total += self.place.counts(campaign)
        taken = Counter(item.message_id for item in self.sink.taken())
        people = sum(total.values())
        twice = sum(count - 1 for count in taken.values())
        counted = (
            f"{people} recipients, {self.killed} kills: {dict(sorted(total.items()))}; at the sink {len(taken)} "
            f"different messages, {twice} duplicates"
        )
        print(counted)
        assert twice == 0, counted
        waiting = total["pending"] + total["sending"] + total["deferred"]
        assert waiting == 0, counted
        # Every accepted one arrived; what arrived beyond that is uncertain, and nobody knows more of it than that.
        assert total["accepted"] <= len(taken) <= total["accepted"] + total["uncertain"], counted
        assert total["uncertain"] <= uncertain_at_most, counted
        for campaign in campaigns:
            self._nobody_is_lost(campaign)
        return counted

    def _nobody_is_lost(self, campaign: int) -> None:
        row, contact = schema.delivery.c, schema.contact.c
        statement = (
            sa.select(contact.email)
            .join_from(schema.delivery, schema.contact, contact.id == row.contact_id)
            .where(row.campaign_id == campaign, row.status == "accepted")
        )
        with reading(self.place.engine) as connection:
            accepted = set(connection.execute(statement).scalars())
        lost = accepted - {item.recipient for item in self.sink.taken()}
        assert not lost, f"{len(lost)} are called accepted and never arrived"


def hurry(place: Place) -> None:
    """Let the place's settings retry soon."""
    file = place.folder / "utskick.toml"
    lines = file.read_text().splitlines()
    changed = [
        f"{name} = {SOON[name]}" if (name := line.partition(" ")[0]) in SOON else line for line in lines
    ]
    file.write_text("\n".join(changed) + "\n")
    place.engine.dispose()
    place.installation = Installation(load_settings(place.folder, place.environment))


@contextmanager
def made_rig(
    folder: Path, *, people: int, sqlite: bool = False, besides: str = "", **rules: Any
) -> Iterator[Rig]:
    """A rig with so many people on its list; its servers listen `besides` on that address; `rules` are the sink's."""
    with ExitStack() as stack:
        servers = stack.enter_context(short_folder("cha"))
        for name in ("pg", "vk", "sink"):
            (servers / name).mkdir()
        servers.chmod(0o755)
        database = None if sqlite else Postgres(servers / "pg", besides)
        if database is not None:
            stack.callback(database.kill, signal.SIGQUIT)
        queue = Valkey(servers / "vk", besides)
        stack.callback(queue.kill)
        sink = Sink(servers / "sink", besides, **rules)
        stack.callback(sink.kill)
        url = database.url if database else f"sqlite:///{folder / 'var' / 'utskick.db'}"
        smarthost = f"smtp://127.0.0.1:{sink.port}"
        place = stack.enter_context(made_place(folder, url, smarthost, REDIS_URL=queue.url))
        hurry(place)
        stack.callback(place.engine.dispose)
        place.people(people)
        rig = Rig(place, sink, database, queue)
        try:
            yield rig
        finally:
            rig.stop_all()
