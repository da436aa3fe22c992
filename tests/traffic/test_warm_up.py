"""A warm-up's day: its cap grows, is counted in the database, and is never passed."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine

from campaigns.clock import utc_now
from campaigns.delivery import warm_up
from campaigns.delivery.warm_up import WarmUp
from campaigns.store.engine import make_engine
from campaigns.store.migrate import migrate
from tests.operations.place import Place
from tests.support.smtp_sink import SmtpSink
from tests.traffic.roads import limited, opened_room, send

RAMP = WarmUp(date(2026, 12, 1), 100, 1.5, 1_000)
DAY = date(2026, 12, 1)


@pytest.mark.parametrize("day,cap", [(30, 0), (1, 100), (2, 150), (3, 225), (6, 759), (7, None), (28, None)])
def test_a_ramp(day: int, cap: int | None) -> None:
    assert RAMP.cap(date(2026, 11 if day == 30 else 12, day)) == cap


def test_years_later_it_is_still_without_end() -> None:
    assert WarmUp(date(1999, 1, 1), 1, 1.01, 10**9).cap(date(2026, 1, 1)) is None


def test_many_together_take_no_more_than_the_cap(database_url: str) -> None:
    engine = make_engine(database_url)
    migrate(engine)
    shares: list[int] = []

    def work() -> None:
        shares.extend([warm_up.take(engine, "smarthost:main", DAY, 100, 7) for _ in range(8)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(shares) == 100
    warm_up.give_back(engine, "smarthost:main", DAY, 5)
    assert warm_up.take(engine, "smarthost:main", DAY, 100, 7) == 5
    assert warm_up.take(engine, "smarthost:main", DAY + timedelta(days=1), 150, 7) == 7
    assert warm_up.take(engine, "domain:kund.example", DAY, 100, 7) == 7
    engine.dispose()


@pytest.mark.parametrize("whose", ["smarthost", "sender"])
def test_what_is_too_much_for_today_goes_tomorrow(
    place: Place, sinks: tuple[SmtpSink, SmtpSink], whose: str
) -> None:
    ramp = {"starts": date(2026, 12, 1), "first_day": 5, "growth": 2, "ends_at": 1000}
    table = {"smarthosts": {"main": {"limits": {"warm_up": ramp}}}}
    growing = limited(place, table if whose == "smarthost" else {"senders": {"default": {"warm_up": ramp}}})
    place.people(12)
    with time_machine.travel(datetime(2026, 12, 1, 9, tzinfo=UTC), tick=True), opened_room(growing) as room:
        campaign = place.opened()
        report = send(room, campaign)
        assert report is not None
        assert report.paced_until is not None
        assert timedelta(hours=12) < report.paced_until - utc_now() < timedelta(hours=14), (
            "midnight in Helsinki"
        )
        assert place.counts(campaign) == {"accepted": 5, "pending": 7}
        assert place.show(campaign)["deferred"] == 0
    with time_machine.travel(datetime(2026, 12, 2, 9, tzinfo=UTC), tick=True), opened_room(growing) as room:
        send(room, campaign)
    assert place.counts(campaign) == {"accepted": 12}
    assert len(sinks[0].messages) == 12
    with growing.engine.connect() as connection:
        taken = connection.execute(sa.text("SELECT day, taken FROM warm_up_day ORDER BY day")).all()
    assert [tuple(row) for row in taken] == [("2026-12-01", 5), ("2026-12-02", 7)]
