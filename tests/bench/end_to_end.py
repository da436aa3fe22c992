"""End to end: submission to ledger through real workers into smtp-sink, beside smtp-source at the same size."""

import os
import statistics
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.bench.rig import Rig, fill, rig
from tests.bench.sink import Sink, running_sink

RECIPIENTS: Final = int(os.environ.get("BENCH_RECIPIENTS", "100000"))
ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "5"))
#: A process for each of two cores; one alone leaves much of the second idle.
PROCESSES, THREADS = int(os.environ.get("BENCH_PROCESSES", "2")), int(os.environ.get("BENCH_THREADS", "2"))
DATABASES: Final = os.environ.get("BENCH_DATABASES", "postgres sqlite").split()


def run() -> dict[str, Any]:
    """Rates, ratios and worker CPU per message on both databases; medians of interleaved rounds."""
    figures: dict[str, Any] = {
        "recipients": RECIPIENTS,
        "rounds": ROUNDS,
        "workers": f"{PROCESSES} x {THREADS}",
    }
    for kind in DATABASES:
        with (
            TemporaryDirectory() as folder,
            running_sink(Path(folder)) as sink,
            rig(kind, sink.port) as place,
        ):
            fill(place.installation, RECIPIENTS)
            figures[kind] = _rounds(place, sink)
    return figures


def _rounds(place: Rig, sink: Sink) -> dict[str, Any]:
    place.start_workers(PROCESSES, THREADS)
    rates, cpus, references, source_cpus = [], [], [], []
    octets = 36_000
    for number in range(ROUNDS):
        before = place.cpu()
        accounts = place.send(f"bench-{number}")
        cpus.append((place.cpu() - before) / accounts["accepted"] * 1e6)
        rates.append(accounts["rate"])
        if accounts["accepted"] != RECIPIENTS:
            raise RuntimeError(f"the accounts are wrong: {accounts}")
        octets = place.message_octets(accounts["id"])
        reference, source_cpu = sink.measured_source(min(RECIPIENTS, 50_000), octets)
        references.append(reference)
        source_cpus.append(source_cpu)
    ratios = [rate / reference for rate, reference in zip(rates, references, strict=True)]
    return {
        "octets": octets,
        "messages_per_second": round(statistics.median(rates)),
        "range": [round(min(rates)), round(max(rates))],
        "smtp_source_per_second": round(statistics.median(references)),
        "smtp_source_range": [round(min(references)), round(max(references))],
        "smtp_source_cpu_us_per_message": round(statistics.median(source_cpus), 1),
        "ratio": round(statistics.median(ratios), 2),
        "ratio_range": [round(min(ratios), 2), round(max(ratios), 2)],
        "worker_cpu_us_per_message": round(statistics.median(cpus), 1),
        "worker_cpu_range": [round(min(cpus), 1), round(max(cpus), 1)],
    }
