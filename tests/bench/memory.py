"""How much memory a worker process holds at the height of a small and of a large campaign, on PostgreSQL."""

import os
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.store import schema
from campaigns.store.engine import writing
from tests.bench.rig import Rig, fill, rig
from tests.bench.sink import resident_mb, running_sink

FEW: Final = 10_000
PEOPLE: Final = int(os.environ.get("BENCH_PEOPLE", "60000"))
PROCESSES, THREADS = 2, 2


def run() -> dict[str, Any]:
    """The largest resident memory of any worker, in MB, and by how much it grew; all workers live through both."""
    with (
        TemporaryDirectory() as folder,
        running_sink(Path(folder)) as sink,
        rig("postgres", sink.port) as place,
    ):
        fill(place.installation, PEOPLE)
        _choose_few(place)
        place.start_workers(PROCESSES, THREADS)
        # Once unmeasured: a process that has sent nothing yet has imported and compiled nothing either.
        place.send("warm-up", 'campaign.lists=["few"]')
        few, many = (_peak(place, name, f'campaign.lists=["{name}"]') for name in ("few", "news"))
    return {
        "recipients": [FEW, PEOPLE],
        "resident_mb": [round(few, 1), round(many, 1)],
        "growth_percent": round((many / few - 1) * 100, 1),
    }


def _choose_few(place: Rig) -> None:
    """A second list with the first few people."""
    lists, subscription = schema.mailing_list, schema.subscription
    with writing(place.installation.engine) as connection:
        few: int = connection.execute(
            sa.insert(lists)
            .values(
                key="few", kind="newsletter", name="Några", purpose="marketing", created_at=utc_now(),
                created_by="process:bench",
            )
            .returning(lists.c.id)
        ).scalar_one()  # fmt: skip
        names = ("contact_id", "status", "since", "changed_by")
        chosen = sa.select(sa.literal(few), *(subscription.c[name] for name in names)).where(
            subscription.c.contact_id <= FEW
        )
        connection.execute(sa.insert(subscription).from_select(["list_id", *names], chosen))


def _peak(place: Rig, edition: str, *settings: str) -> float:
    over, peak = threading.Event(), [0.0]

    def watch() -> None:
        while not over.wait(0.2):
            peak[0] = max(peak[0], *(resident_mb(child.pid) for child in place.workers))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        place.send(edition, *settings)
    finally:
        over.set()
        watcher.join()
    return peak[0]
