"""A short look for faults with every run of the tests; `make fuzz` looks for five minutes each."""

from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.fuzz.campaign import HARNESSES, HERE, can_be_guided, run

SECONDS = 20
SEEDS = {"mail_reader": ROOT / "tests" / "feedback" / "mail"}


@pytest.mark.parametrize("harness", HARNESSES)
def test_twenty_seconds_find_no_fault(harness: str, tmp_path: Path) -> None:
    if not can_be_guided():
        return
    done = run(harness, SECONDS, tmp_path, SEEDS.get(harness))
    assert done.returncode == 0, done.stderr[-3_000:]
    assert "stat::number_of_executed_units" in done.stderr


@pytest.mark.parametrize("harness", HARNESSES)
def test_each_harness_has_its_folder_of_regressions(harness: str) -> None:
    assert list((HERE / "regressions" / harness).iterdir()) != []
