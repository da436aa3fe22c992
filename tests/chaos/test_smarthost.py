"""A smarthost that cuts connections after the final dot, refuses, and answers with garbage."""

from pathlib import Path
from typing import Any

import pytest

from tests.chaos.rig import LONG, made_rig

PEOPLE = 5_000 if LONG else 300
SHARE = 0.02


@pytest.mark.parametrize(
    "sqlite", [False, pytest.param(True, marks=pytest.mark.long)], ids=["postgres", "sqlite"]
)
def test_a_smarthost_that_does_everything_wrong(tmp_path: Path, sqlite: bool) -> None:
    rules: Any = {"cut": SHARE, "garbage": SHARE, "421": SHARE / 8, "451": SHARE, "552": SHARE}
    with made_rig(tmp_path, people=PEOPLE, sqlite=sqlite, **rules) as rig:
        campaign = rig.place.opened()
        rig.start()
        shown = rig.complete(campaign, 600)
        counts = rig.place.counts(campaign)
        taken = rig.sink.count()
        rig.judge(campaign, uncertain_at_most=PEOPLE // 10)
        # Exactly what was cut after the dot, or answered by nonsense, is uncertain; exactly what was refused, rejected.
        assert taken == counts["accepted"] + counts["uncertain"]
        assert counts["rejected"] == PEOPLE - taken
        assert counts["uncertain"] > 0
        assert counts["rejected"] > 0
        assert shown["expired"] == 0
