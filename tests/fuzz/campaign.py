"""Running the coverage-guided harnesses: each is a module of this folder that libFuzzer drives in a process of its own.

A harness that fails leaves the input in `var/fuzz/NAME/`; write a small message that shows the same fault by hand into
`regressions/NAME/`, where every run begins. Coverage guidance comes from atheris, which has wheels for Linux on x86-64
and Python below 3.14; elsewhere the property tests alone look for faults.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.architecture.tree import ROOT

HERE = Path(__file__).parent
#: The harnesses, by their modules.
HARNESSES: Final = ("mail_reader", "webhooks")
INPUT_OCTETS: Final = 20_000
#: One input may take so long and a process so much memory.
INPUT_SECONDS, MEGABYTES = 5, 1_500


def can_be_guided() -> bool:
    """Whether atheris is there."""
    return importlib.util.find_spec("atheris") is not None


def run(
    harness: str, seconds: int, folder: Path, seeds: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Look for faults for so long; the exit code is 0 where none was found. `folder` keeps what was learned."""
    learned, found = folder / "learned", folder / "found"
    for place in (learned, found):
        place.mkdir(parents=True, exist_ok=True)
    begin = [str(place) for place in (HERE / "regressions" / harness, seeds) if place and place.is_dir()]
    command = [
        sys.executable, "-m", f"tests.fuzz.{harness}", f"-max_total_time={seconds}", f"-max_len={INPUT_OCTETS}",
        f"-timeout={INPUT_SECONDS}", f"-rss_limit_mb={MEGABYTES}", f"-artifact_prefix={found}/", "-print_final_stats=1",
        str(learned), *begin,
    ]  # fmt: skip
    return subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=seconds + 120,
    )
