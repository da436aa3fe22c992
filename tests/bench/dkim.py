"""End to end with our own RSA-2048 signatures, on PostgreSQL, in turns with the same without them."""

import os
import re
import statistics
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.bench.rig import Rig, fill, rig
from tests.bench.sink import running_sink

PEOPLE: Final = int(os.environ.get("BENCH_PEOPLE", "20000"))
ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "3"))
PROCESSES, THREADS = 2, 2


def run() -> dict[str, Any]:
    """Messages per second and worker CPU per message, unsigned and signed in turns."""
    figures: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    with (
        TemporaryDirectory() as folder,
        running_sink(Path(folder)) as sink,
        rig("postgres", sink.port) as place,
    ):
        fill(place.installation, PEOPLE)
        place.utskick("dkim", "new", "main")
        for number in range(ROUNDS):
            for signed in (False, True):
                _sign(place, signed=signed)
                place.start_workers(PROCESSES, THREADS)
                before = place.cpu()
                accounts = place.send(f"dkim-{number}-{signed}")
                figures[signed].append((accounts["rate"], (place.cpu() - before) / PEOPLE * 1e6))
                place.stop_workers()
    told: dict[str, Any] = {"recipients": PEOPLE, "rounds": ROUNDS}
    for signed, name in ((False, "unsigned"), (True, "rsa_2048")):
        rates, cpus = zip(*figures[signed], strict=True)
        told[name] = {
            "messages_per_second": round(statistics.median(rates)),
            "range": [round(min(rates)), round(max(rates))],
            "worker_cpu_us_per_message": round(statistics.median(cpus), 1),
        }
    return told


def _sign(place: Rig, *, signed: bool) -> None:
    """Have the workers that are started next sign with RSA alone, or not at all."""
    file = place.folder / "utskick.toml"
    text = re.sub(r"^ed25519_selector.*\n", "", file.read_text(), flags=re.MULTILINE)
    file.write_text(
        re.sub(r"^(?:# )?dkim = ", "dkim = " if signed else "# dkim = ", text, flags=re.MULTILINE)
    )
