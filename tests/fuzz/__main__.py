"""`python -m tests.fuzz [SECONDS] [HARNESS...]`: run the harnesses one by one; five minutes each by default."""

import sys

from tests.architecture.tree import ROOT
from tests.fuzz.campaign import HARNESSES, can_be_guided, run


def main() -> int:
    """The number of harnesses that found a fault."""
    if not can_be_guided():
        print("atheris is not here; only the property tests looked for faults")
        return 0
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    faults = 0
    for harness in sys.argv[2:] or HARNESSES:
        done = run(harness, seconds, ROOT / "var" / "fuzz" / harness)
        print(f"{harness}: {'no fault' if done.returncode == 0 else 'FAULT'} in {seconds} s")
        print(done.stderr[-3_000:])
        faults += done.returncode != 0
    return faults


if __name__ == "__main__":
    sys.exit(main())
