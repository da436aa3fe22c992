"""Watching a campaign: one consistent look after the other, until it ends or is held."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from campaigns.delivery import accounts, control
from tests.operations.place import KAJ, Place
from tests.traffic.roads import opened_room, send
from workers.cli.watch import done, told, watch


def looks(place: Place, campaign: int) -> Callable[[], dict[str, Any]]:
    """Hands something over between one look and the next."""
    seen = 0

    def look() -> dict[str, Any]:
        nonlocal seen
        seen += 1
        if seen == 2:
            with opened_room(place) as room:
                send(room, campaign)
        if seen == 3:
            control.pause(place.engine, campaign, KAJ)
        return accounts.show(place.engine, campaign)

    return look


def test_programs_get_a_line_per_look(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.people(6)
    campaign = place.opened()
    watch(looks(place, campaign), as_json=True, seconds=0.05)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["status"], line["accepted"]) for line in lines] == [
        ("sending", 0),
        ("sending", 6),
        ("paused", 6),
    ]
    assert lines[0]["rate_now"] is None
    assert lines[1]["rate_now"] > 0
    assert lines[1]["seconds_left"] == 0


def test_people_get_a_bar(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.people(6)
    campaign = place.opened()
    watch(looks(place, campaign), as_json=False, seconds=0.05)
    shown = capsys.readouterr().out
    assert "paused" in shown
    assert "6/6" in shown


def test_what_is_told() -> None:
    found = {"status": "sending",
             "recipients": 100_000, "pending": 60_000, "sending": 250, "deferred": 3, "rejected": 12, "uncertain": 0,
             "withheld_total": 1_234, "rate_now": 4321.4, "seconds_left": 3_725}  # fmt: skip
    assert done(found) == 39_747
    assert told(found) == "4,321/s, 1:02:05 left, 12 rejected, 3 deferred, 1,234 withheld"
