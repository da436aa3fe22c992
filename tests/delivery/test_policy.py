"""When to try again, and when to give up."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from campaigns.delivery.policy import Retries

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
CHANCE = st.floats(min_value=0, max_value=1)


@given(chance=CHANCE)
def test_the_first_waits_are_those_listed_stretched_by_a_tenth_at_most(chance: float) -> None:
    for tries, minutes in enumerate((15, 30, 60), start=1):
        wait = Retries().next_try(tries, NOW, chance) - NOW
        assert timedelta(minutes=minutes) <= wait <= timedelta(minutes=minutes * 1.1)


@given(tries=st.integers(min_value=4, max_value=10_000), chance=CHANCE)
def test_all_later_waits_are_two_to_three_hours(tries: int, chance: float) -> None:
    assert timedelta(hours=2) <= Retries().next_try(tries, NOW, chance) - NOW <= timedelta(hours=3)


def test_a_campaigns_deadline_is_the_last_moment_else_four_days_after_expansion() -> None:
    assert Retries().last_moment(NOW, None) == NOW + timedelta(days=4)
    assert Retries().last_moment(NOW, NOW + timedelta(hours=1)) == NOW + timedelta(hours=1)


@given(failures=st.integers(min_value=1, max_value=100_000))
def test_a_smarthost_rests_from_five_seconds_doubling_to_five_minutes(failures: int) -> None:
    rest = Retries().smarthost_pause(failures)
    assert rest == min(timedelta(seconds=5 * 2 ** min(failures - 1, 20)), timedelta(minutes=5))


def test_everything_can_be_configured() -> None:
    eager = Retries((), timedelta(minutes=1), timedelta(0), timedelta(hours=1))
    assert eager.next_try(1, NOW, 1) == NOW + timedelta(minutes=1)
    assert eager.last_moment(NOW, None) == NOW + timedelta(hours=1)
