"""Wall-clock times as instants, also on the days when the clock is changed."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import InputError
from campaigns.planning import moments

HELSINKI = "Europe/Helsinki"
ZONES = st.sampled_from(["Europe/Helsinki", "Europe/London", "America/New_York", "Australia/Sydney", "UTC"])
WALL = st.datetimes(
    min_value=datetime.fromisoformat("2020-01-01"), max_value=datetime.fromisoformat("2036-01-01")
)


@pytest.mark.parametrize(
    "local, utc",
    [
        ("2026-11-26T09:00:00", "2026-11-26T07:00:00+00:00"),
        ("2026-07-01T09:00:00", "2026-07-01T06:00:00+00:00"),
        ("2027-03-28T03:30:00", "2027-03-28T01:30:00+00:00"),  # skipped: shown as 04:30
        ("2026-10-25T03:30:00", "2026-10-25T00:30:00+00:00"),  # twice: the first
        ("2026-11-26T09:00:00+05:30", "2026-11-26T03:30:00+00:00"),
    ],
)
def test_a_local_time_has_one_instant(local: str, utc: str) -> None:
    assert moments.instant(datetime.fromisoformat(local), HELSINKI) == datetime.fromisoformat(utc)


@given(local=WALL, zone_name=ZONES)
def test_it_is_shown_by_the_clocks_there_or_was_skipped_by_an_hour(local: datetime, zone_name: str) -> None:
    shown = moments.instant(local, zone_name).astimezone(ZoneInfo(zone_name)).replace(tzinfo=None)
    assert shown - local in (timedelta(0), timedelta(hours=1))


@given(first=WALL, second=WALL, zone_name=ZONES)
def test_later_on_the_same_clock_is_never_earlier_than_a_jump_allows(
    first: datetime, second: datetime, zone_name: str
) -> None:
    early, late = sorted([first, second])
    assert moments.instant(late, zone_name) - moments.instant(early, zone_name) >= timedelta(hours=-1)


@pytest.mark.parametrize("day", [date(2026, 10, 25), date(2027, 3, 28)])
@pytest.mark.parametrize("cron", ["30 3 * * *", "0 9 * * *", "0 3 * * *"])
def test_a_daily_schedule_fires_once_on_the_day_when_the_clock_is_changed(day: date, cron: str) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(HELSINKI)) - timedelta(seconds=1)
    fired = list(islice(moments.firings(cron, HELSINKI, midnight), 3))
    days = [moment.astimezone(ZoneInfo(HELSINKI)).date() for moment in fired]
    assert days == [day, day + timedelta(days=1), day + timedelta(days=2)]


def test_a_schedule_keeps_its_hour_through_the_year() -> None:
    fired = islice(moments.firings("0 9 1 * *", HELSINKI, datetime(2026, 1, 2, tzinfo=UTC)), 12)
    assert {moment.astimezone(ZoneInfo(HELSINKI)).hour for moment in fired} == {9}


def test_what_is_no_schedule_is_refused() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for text in ("", "often", "0 9 * *", "0 0 9 * * 2", "61 9 * * *", "0 9 31 2 *"):
        with pytest.raises(InputError):
            list(islice(moments.firings(text, HELSINKI, now), 1))
    assert moments.next_firing("0 9 * * *", HELSINKI, now, now + timedelta(hours=1)) is None
    assert moments.fires_too_often("*/5 * * * *", HELSINKI, now)
    assert not moments.fires_too_often("0 * * * *", HELSINKI, datetime(2026, 10, 24, 20, tzinfo=UTC))


def test_countries_are_known_by_code_and_by_name_in_three_languages() -> None:
    for text in ("SE", "se", "Sweden", " Sverige ", "RUOTSI"):
        assert moments.zone_of_country(text) == "Europe/Stockholm"
    assert moments.zone_of_country("Atlantis") is None
    assert moments.zone_of_country(None) is None


def test_every_zone_of_the_table_exists() -> None:
    local = datetime.fromisoformat("2026-12-01T09:00")
    assert moments.earliest_start(local, HELSINKI) == moments.instant(local, "Pacific/Auckland")
