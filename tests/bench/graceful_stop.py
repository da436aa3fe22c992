"""How long workers at full speed take to end in order, and that nothing is left in doubt, on PostgreSQL."""

import os
import signal
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import sqlalchemy as sa

from campaigns.store import schema
from campaigns.store.engine import reading
from tests.bench.rig import ROOT, Rig, fill, rig
from tests.bench.sink import running_sink

PEOPLE: Final = int(os.environ.get("BENCH_PEOPLE", "60000"))
ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "5"))
PROCESSES, THREADS = 2, 2


def run() -> dict[str, Any]:
    """Seconds from SIGTERM to the end of the last worker; rows that were in doubt or in hand afterwards."""
    seconds, left = [], []
    with (
        TemporaryDirectory() as folder,
        running_sink(Path(folder)) as sink,
        rig("postgres", sink.port) as place,
    ):
        fill(place.installation, PEOPLE)
        place.utskick(
            "campaigns", "submit", str(ROOT / "examples" / "newsletter.toml"), "--submission-id", "stop",
            "--set", 'campaign.lists=["news"]',
        )  # fmt: skip
        for _ in range(ROUNDS):
            place.start_workers(PROCESSES, THREADS)
            _more_are_accepted(place)
            began = time.monotonic()
            for child in place.workers:
                child.send_signal(signal.SIGTERM)
            codes = [child.wait(60) for child in place.workers]
            seconds.append(time.monotonic() - began)
            place.workers.clear()
            if any(codes):
                raise RuntimeError(f"workers ended with {codes}")
            counts = _counts(place)
            left.append(counts.get("uncertain", 0) + counts.get("sending", 0))
    return {
        "rounds": ROUNDS,
        "seconds": round(statistics.median(seconds), 2),
        "range": [round(min(seconds), 2), round(max(seconds), 2)],
        "uncertain_or_in_hand": sum(left),
    }


def _more_are_accepted(place: Rig) -> None:
    before, deadline = _counts(place).get("accepted", 0), time.monotonic() + 120
    while _counts(place).get("accepted", 0) < before + 2_000:
        if time.monotonic() > deadline:
            raise RuntimeError("nothing is handed over; give it more people (BENCH_PEOPLE)")
        time.sleep(0.2)


def _counts(place: Rig) -> dict[str, int]:
    row = schema.delivery.c
    with reading(place.installation.engine) as connection:
        rows = connection.execute(sa.select(row.status, sa.func.count()).group_by(row.status)).all()
    return {status: count for status, count in rows}  # noqa: C416 (rows are no pairs to mypy)
