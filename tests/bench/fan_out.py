"""From a list to the ledger, then through it: expansion with exclusions, and what claiming and recording cost per row.

Of the people some are forbidden by address or by company, some have left the list, some share an address. The second
half goes through the whole ledger without sending anything: claim a batch, record its results as a sender does.
"""

import itertools
import os
import time
from typing import Any, Final

import sqlalchemy as sa

from campaigns.delivery import ledger
from campaigns.delivery.ledger import BatchRef
from campaigns.delivery.results import Carrier, Result
from campaigns.planning import expansion
from campaigns.planning.campaign import receive
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.bench.rig import ROOT, Rig, fill, rig
from tests.bench.sink import cpu_seconds
from workers.cli.documents import read_submission

PEOPLE: Final = int(os.environ.get("BENCH_PEOPLE", "100000"))
DATABASES: Final = os.environ.get("BENCH_DATABASES", "postgres sqlite").split()
CARRIER: Final = Carrier("main", "self")

#: Whom the gate's predicate withholds: two of a hundred by their address, one by the company, three left the list.
EXCLUSIONS: Final = (
    """INSERT INTO suppression (kind, subject, subject_key, key_id, origin, evidence, recorded_at, recorded_by)
    SELECT 'hard_bounce', 'address', email_key, key_id, 'operator', '', created_at, created_by
    FROM contact WHERE id % 50 = 0""",
    """INSERT INTO suppression (kind, subject, subject_key, key_id, origin, evidence, recorded_at, recorded_by)
    SELECT 'objection', 'company', company_key, 1, 'operator', '', created_at, created_by
    FROM company WHERE id % 100 = 0""",
    "UPDATE subscription SET status = 'unsubscribed' WHERE contact_id % 33 = 0",
    """UPDATE contact SET (email, email_key) = (SELECT other.email, other.email_key FROM contact AS other
    WHERE other.id = contact.id - 1) WHERE id % 101 = 0""",
)


def run() -> dict[str, Any]:
    """Seconds and microseconds per row, on both databases."""
    figures: dict[str, Any] = {"people": PEOPLE}
    for kind in DATABASES:
        with rig(kind, 9) as place:
            fill(place.installation, PEOPLE)
            _exclude(place)
            campaign, figures[kind] = _expanded(place)
            figures[kind].update(_gone_through(place, campaign))
    return figures


def _exclude(place: Rig) -> None:
    engine = place.installation.engine
    with writing(engine) as connection:
        for statement in EXCLUSIONS:
            connection.execute(sa.text(statement))
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))


def _expanded(place: Rig) -> tuple[int, dict[str, Any]]:
    document = read_submission(str(ROOT / "examples" / "newsletter.toml"), ['campaign.lists=["news"]'])
    document["submission_id"] = "fan-out"
    campaign = receive(place.installation.planning, document).campaign_id
    if campaign is None:
        raise RuntimeError("the example was refused")
    marks, before = [time.perf_counter()], _cpu(place.installation.engine)

    def between() -> bool:
        marks.append(time.perf_counter())
        return False

    made = expansion.expand(place.installation.engine, campaign, between)
    marks.append(time.perf_counter())
    if made is None or made.recipients != PEOPLE:
        raise RuntimeError(f"not everybody has a row: {made}")
    chunks = [later - earlier for earlier, later in itertools.pairwise(marks[1:])]
    return campaign, {
        "fan_out_seconds": round(marks[-1] - marks[0], 2),
        "fan_out_us_per_row": round((marks[-1] - marks[0]) / PEOPLE * 1e6, 1),
        "fan_out_cpu_us_per_row": round((_cpu(place.installation.engine) - before) / PEOPLE * 1e6, 1),
        "longest_chunk_seconds": round(max(chunks), 2),
        "withheld": place.utskick("campaigns", "show", str(campaign))["withheld"],
    }


def _gone_through(place: Rig, campaign: int) -> dict[str, Any]:
    """What a row costs in microseconds: in the first tenth of the ledger, between, and in the last tenth."""
    engine, batch = place.installation.engine, schema.batch.c
    with reading(engine) as connection:
        numbers = list(
            connection.execute(
                sa.select(batch.batch_no).where(batch.campaign_id == campaign).order_by(batch.batch_no)
            ).scalars()
        )
    tenth = max(1, len(numbers) // 10)
    marks = [(time.perf_counter(), _cpu(engine))]
    rows = []
    for part in (numbers[:tenth], numbers[tenth:-tenth], numbers[-tenth:]):
        rows.append(sum(_one_batch(engine, BatchRef(campaign, number)) for number in part))
        marks.append((time.perf_counter(), _cpu(engine)))
    wall, cpu = (
        [
            (later[kind] - earlier[kind]) / count * 1e6
            for (earlier, later), count in zip(pairs, rows, strict=True)
        ]
        for kind, pairs in ((kind, list(itertools.pairwise(marks))) for kind in (0, 1))
    )
    return {
        "claim_and_record_us_per_row": [round(cost, 1) for cost in wall],
        "claim_and_record_cpu_us_per_row": [round(cost, 1) for cost in cpu],
        "last_to_first": round(wall[-1] / wall[0], 2),
        "last_to_first_cpu": round(cpu[-1] / cpu[0], 2),
    }


def _cpu(engine: sa.Engine) -> float:
    """CPU seconds of this process and of the database's, for what a busy machine does to the clock on the wall."""
    spent = time.process_time()
    if engine.dialect.name == "postgresql":
        with reading(engine) as connection:
            activity = sa.table("pg_stat_activity", *map(sa.column, ("pid", "datname", "backend_type")))
            pids = connection.execute(
                sa.select(activity.c.pid).where(
                    activity.c.datname == sa.func.current_database(),
                    activity.c.backend_type == "client backend",
                )
            ).scalars()
            spent += sum([cpu_seconds(pid) for pid in pids])
    return spent


def _one_batch(engine: sa.Engine, ref: BatchRef) -> int:
    """Claim and record one batch; how many rows that were."""
    hand = ledger.claim(engine, ref, "bench")
    if hand is None:
        raise RuntimeError(f"batch {ref.batch_no} could not be claimed")
    results = [
        Result(
            row.delivery.number,
            row.attempt,
            "accepted",
            code=250,
            enhanced="2.0.0",
            reply="queued",
            at=time.time(),
        )
        for row in hand.rows
    ]
    half = len(results) // 2
    ledger.open_rows(engine, hand, hand.in_hand.last_number, CARRIER, results[:half])
    ledger.let_go(engine, hand, CARRIER, results[half:])
    return len(results)
