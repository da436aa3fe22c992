"""Run benchmarks by name, or all of them, and keep what they found as var/bench/NAME.json."""

import importlib
import json
import os
import pkgutil
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tests.bench as room

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "var" / "bench"


def main(names: list[str]) -> int:
    """Run them one after another; 2 for a name that there is none of."""
    known = [found.name for found in pkgutil.iter_modules(room.__path__) if has_run(found.name)]
    unknown = sorted(set(names) - set(known))
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    RESULTS.mkdir(parents=True, exist_ok=True)
    for name in names or known:
        print(f"== {name}", flush=True)
        figures = {
            "machine": machine(),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            **importlib.import_module(f"tests.bench.{name}").run(),
        }
        (RESULTS / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n")
        for key, value in figures.items():
            print(f"   {key}: {value}")
    return 0


def has_run(name: str) -> bool:
    """Whether a module of this folder is a benchmark."""
    return not name.startswith("_") and hasattr(importlib.import_module(f"tests.bench.{name}"), "run")


def machine() -> dict[str, Any]:
    """What the figures were measured on, and how busy it was already."""
    return {
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


if __name__ == "__main__":
    sys.exit(main([name for name in sys.argv[1:] if name]))
