"""Several smarthosts: the first that is well and allowed carries the mail, and nothing is sent by two of them."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine

from campaigns.clock import utc_now
from campaigns.delivery.policy import Retries
from campaigns.errors import GuardRefused
from tests.operations.place import Place
from tests.support.smtp_sink import Answer, Rule, SmtpSink
from tests.traffic.roads import attempts, limited, opened_room, send
from workers.routes import Inspection, Routes

Sinks = tuple[SmtpSink, SmtpSink]
BUSY = Answer(b"421 4.3.2 shutting down\r\n", cut=True)


def test_the_next_smarthost_takes_over_and_the_first_takes_back(place: Place, sinks: Sinks) -> None:
    main, backup = sinks
    place.people(6)
    campaign = place.opened()
    main.script.rules.append(Rule("mail", BUSY, skip=2, times=2))
    with opened_room(place) as room:
        report = send(room, campaign)
        assert report is not None
        assert report.smarthost_away
        assert report.due_at is not None
        assert report.due_at <= utc_now(), "the other one can take over at once"
        send(room, campaign)
        assert (len(main.messages), len(backup.messages)) == (2, 4)
        later = place.opened("second")
        with time_machine.travel(utc_now() + timedelta(seconds=30), tick=True):
            send(room, later)
        assert (len(main.messages), len(backup.messages)) == (8, 4)
    used = Counter((row.smarthost, row.outcome) for row in attempts(place, campaign))
    assert used == {("main", "accepted"): 2, ("backup", "accepted"): 4}
    assert place.show(campaign)["accepted"] == 6


def test_what_was_refused_for_good_is_not_tried_by_another(place: Place, sinks: Sinks) -> None:
    main, backup = sinks
    place.people(4)
    campaign = place.opened()
    main.script.rules.append(Rule("rcpt", Answer(b"550 5.7.1 no\r\n"), times=1))
    main.script.rules.append(Rule("mail", BUSY, skip=2))
    with opened_room(place) as room:
        for _ in range(3):
            send(room, campaign)
    assert place.counts(campaign) == {"rejected": 1, "accepted": 3}
    refused = {row.number for row in attempts(place, campaign) if row.outcome == "rejected"}
    assert len(refused) == 1
    sent = Counter(message.recipient for message in [*main.messages, *backup.messages])
    assert set(sent.values()) == {1}
    assert len(sent) == 3


def test_nothing_goes_to_a_processor_whose_contract_ended_after_the_start(place: Place, sinks: Sinks) -> None:
    main, backup = sinks
    far = limited(
        place,
        {
            "smarthosts": {
                "main": {"url": f"smtp://mail.kund.example:{main.port}", "processor": "mail-operator"}
            }
        },
    )
    place.people(3)
    campaign = place.opened()
    with opened_room(far) as room, time_machine.travel(datetime(2032, 1, 1, 12, tzinfo=UTC), tick=True):
        send(room, campaign)
        assert (len(main.messages), len(backup.messages)) == (0, 3)
    only = limited(far, {"senders": {"default": {"smarthost": "main"}}})
    other = place.opened("second")
    with opened_room(only) as room, time_machine.travel(datetime(2032, 1, 1, 12, tzinfo=UTC), tick=True):
        report = send(room, other)
        assert report is not None
        assert report.smarthost_away
        assert report.due_at is not None
        assert report.due_at - utc_now() > timedelta(minutes=4)
    assert len(main.messages) == 0


class World:
    """Which smarthosts are up or forbidden, and how often they were probed."""

    def __init__(self) -> None:
        self.down: set[str] = set()
        self.forbidden: set[str] = set()
        self.probed: list[str] = []

    def guard(self, key: str, today: date) -> None:
        if key in self.forbidden:
            raise GuardRefused(f"{key} on {today}")

    def probe(self, key: str) -> str | None:
        self.probed.append(key)
        return "down" if key in self.down else None

    def routes(self, **retries: Any) -> Routes:
        return Routes(Inspection(self.guard, self.probe, lambda: date(2026, 12, 1)), Retries(**retries))


def test_one_outage_counts_once_and_rests_grow() -> None:
    world = World()
    routes, route = world.routes(), ("main", "backup")
    with time_machine.travel(datetime(2026, 12, 1, tzinfo=UTC), tick=False) as clock:
        began = utc_now()
        for _ in range(4):
            routes.failed("main", began - timedelta(seconds=1))
        assert routes.choose(route) == "backup"
        assert routes.choose(("main",)) == utc_now() + timedelta(seconds=5)
        world.down.add("main")
        clock.shift(5)
        assert routes.choose(("main",)) == utc_now() + timedelta(seconds=10)
        clock.shift(9)
        assert routes.choose(route) == "backup"
        assert world.probed == ["main"]
        clock.shift(1)
        world.down.clear()
        assert routes.choose(route) == "main"
        assert world.probed == ["main", "main"]
        assert routes.choose(route) == "main"
        assert world.probed == ["main", "main"]


def test_while_one_probes_the_others_stay_away() -> None:
    world = World()
    routes = world.routes()
    seen: list[object] = []
    inner = world.probe

    def probing(key: str) -> str | None:
        seen.append(routes.choose(("main", "backup")))
        return inner(key)

    world.probe = probing  # type: ignore[method-assign]  # looked at in between
    routes = world.routes()
    with time_machine.travel(datetime(2026, 12, 1, tzinfo=UTC), tick=False) as clock:
        routes.failed("main", utc_now())
        clock.shift(6)
        assert routes.choose(("main", "backup")) == "main"
    assert seen == ["backup"]


def test_a_forbidden_smarthost_is_passed_over_without_a_probe() -> None:
    world = World()
    world.forbidden.add("main")
    routes = world.routes()
    assert routes.choose(("main", "backup")) == "backup"
    assert not routes.another(("main", "backup"), "backup")
    until = routes.choose(("main",))
    assert isinstance(until, datetime)
    assert world.probed == []


@pytest.mark.parametrize("well", [True, False])
def test_whether_another_can_take_over(well: bool) -> None:
    routes = World().routes()
    if not well:
        routes.failed("backup", utc_now())
    assert routes.another(("main", "backup"), "main") is well
