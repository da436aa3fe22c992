"""A campaign halts by itself when too much bounces, too many complain, or our own authentication is wrong."""

from typing import Any

import pytest
import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.delivery import brakes, control
from campaigns.delivery.brakes import Brakes, Tally, verdict
from campaigns.principal import WORKER
from campaigns.store import schema
from campaigns.store.engine import writing
from tests.operations.place import KAJ, Place
from tests.support.smtp_sink import Answer, Rule, SmtpSink
from tests.traffic.roads import limited, opened_room, send

Sinks = tuple[SmtpSink, SmtpSink]
GONE = Answer(b"550 5.1.1 no such user\r\n")


@pytest.mark.parametrize(
    "tally,reason",
    [
        (Tally(), None),
        (Tally(199, 199), None),
        (Tally(200, 4), None),
        (Tally(200, 5), "hard_bounces"),
        (Tally(10_000, 200), None),
        (Tally(10_000, 201), "hard_bounces"),
        (Tally(200, 0, 1), None),
        (Tally(200, 0, 2), "complaints"),
        (Tally(10_000, 0, 30), None),
        (Tally(10_000, 0, 31), "complaints"),
        (Tally(4, 0, 0, 4), None),
        (Tally(5, 0, 0, 5), "authentication"),
    ],
)
def test_when_to_halt(tally: Tally, reason: str | None) -> None:
    assert verdict(Brakes(), tally) == reason


def careful(place: Place, **values: Any) -> Place:
    return limited(place, {"brakes": {"after": 4, "hard_bounce_percent": 40, **values}})


def test_too_many_dead_addresses_halt_it_until_a_person_lets_it_go_on(place: Place, sinks: Sinks) -> None:
    main, _ = sinks
    main.script.rules.append(Rule("rcpt", GONE, times=3))
    place.people(6)
    campaign = place.opened()
    with opened_room(careful(place)) as room:
        send(room, campaign)
        shown = place.show(campaign)
        assert (shown["status"], shown["rejected"]) == ("halted", 3)
        assert ("process:worker", "register:campaign:halt") in place.tags()
        control.resume(place.engine, campaign, KAJ)
        assert brakes.tally(place.engine, campaign) == Tally(), "what the person saw is not judged again"
        room.tend()
        assert place.show(campaign)["status"] == "sending"


def test_refusals_of_our_own_authentication_halt_it_at_once_and_blame_no_address(
    place: Place, sinks: Sinks
) -> None:
    main, _ = sinks
    main.script.rules.append(Rule("dot", Answer(b"550 5.7.515 Access denied, sending domain\r\n"), times=2))
    place.people(5)
    campaign = place.opened()
    with opened_room(careful(place, authentication=2)) as room:
        send(room, campaign)
    shown = place.show(campaign)
    assert shown["status"] == "halted"
    assert brakes.tally(place.engine, campaign) == Tally(), "halted and counted anew"
    with place.engine.connect() as connection:
        table = schema.campaign.c
        assert connection.execute(sa.select(table.hold_reason)).scalar_one() == "authentication"
        assert (
            connection.execute(sa.select(sa.func.count()).select_from(schema.suppression)).scalar_one() == 0
        )


def test_complaints_and_bounces_that_come_later_halt_it_too(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.people(6)
    campaign = place.opened()
    with opened_room(careful(place, complaint_percent=30)) as room:
        send(room, campaign)
        place.change(schema.campaign, status="sending", closed_at=None)
        for number in (1, 2):
            event(place, campaign, number, verified=number == 1)
        room._braking._written_at.clear()
        room.tend()
        assert place.show(campaign)["status"] == "sending", "one verified complaint is a single case"
        event(place, campaign, 3, verified=True)
        room._braking._written_at.clear()
        room.tend()
        assert place.show(campaign)["status"] == "halted"


def test_what_nobody_knows_or_what_is_over_is_not_halted(place: Place) -> None:
    place.people(2)
    campaign = place.opened()
    brakes.note(place.engine, campaign, Tally(5, 5, 0, 9))
    control.cancel(place.engine, campaign, KAJ)
    assert brakes.halt_if_needed(place.engine, campaign, Brakes(), WORKER) is None
    assert brakes.halt_if_needed(place.engine, 999, Brakes(), WORKER) is None


def event(place: Place, campaign: int, number: int, *, verified: bool) -> None:
    with writing(place.engine) as connection:
        connection.execute(
            sa.insert(schema.feedback_event).values(
                source="fbl", event_id=f"e{number}", kind="complaint", campaign_id=campaign, number=number,
                received_at=utc_now(), verified=verified, consequence="recorded",
            )
        )  # fmt: skip
