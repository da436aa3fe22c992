"""Many callers in one transaction: each event once, each caller told about its own, nobody before it binds."""

import threading
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from campaigns.clock import boot_seconds
from campaigns.feedback.apply import apply_all, apply_reports
from campaigns.feedback.event import FeedbackEvent, Kind
from campaigns.principal import INBOUND, Level, Principal
from campaigns.register.permit import ANSWER_MS, wait_until
from campaigns.store import schema
from campaigns.store.engine import reading
from tests.support.register import Register

ONE, OTHER = (
    Principal("service:webhook-one", Level.REPORTER),
    Principal("service:webhook-other", Level.REPORTER),
)


def event(register: Register, kind: Kind, event_id: str, number: int = 1) -> FeedbackEvent:
    return FeedbackEvent("test", event_id, kind, register.claims(number))


def test_each_caller_is_told_about_its_own(register: Register) -> None:
    reports = [
        ([event(register, "delivered", "z"), event(register, "hard", "a")], ONE),
        ([], ONE),
        ([event(register, "hard", "a"), event(register, "complaint", "m", 2)], OTHER),
    ]
    outcome = apply_reports(register.engine, reports)
    assert outcome.consequences == [["recorded", "hard_bounce"], [], ["repeated", "complaint"]]
    with reading(register.engine) as connection:
        rows = connection.execute(sa.select(schema.suppression.c.kind, schema.suppression.c.recorded_by))
        assert set(map(tuple, rows)) == {("hard_bounce", ONE.name), ("complaint", OTHER.name)}


def test_an_answer_is_kept_back_until_the_no_binds(register: Register) -> None:
    before = boot_seconds()
    news = apply_reports(register.engine, [([event(register, "delivered", "1")], ONE)])
    assert news.binding.answer_at <= before
    no = apply_reports(register.engine, [([event(register, "hard", "2")], ONE)])
    assert no.binding.answer_at >= before + ANSWER_MS / 1000
    repeated = apply_reports(register.engine, [([event(register, "hard", "2")], ONE)])
    assert repeated.consequences == [["repeated"]]
    assert repeated.binding.answer_at > no.binding.answer_at
    wait_until(no.binding.answer_at)
    assert boot_seconds() >= no.binding.answer_at


def test_a_thousand_events_are_one_transaction(register: Register) -> None:
    events = [event(register, "delivered", f"{number:04}") for number in range(1_000)]
    assert apply_all(register.engine, events, INBOUND) == ["recorded"] * 1_000
    assert apply_all(register.engine, [*events, *events], INBOUND) == ["repeated"] * 2_000
    assert len(register.events()) == 1_000


def test_many_dead_addresses_take_no_more_statements_than_one(register: Register) -> None:
    counted = {"statements": 0}

    @sa.event.listens_for(register.engine, "before_cursor_execute")
    def _count(*_: object) -> None:
        counted["statements"] += 1

    def statements(*numbers: int) -> int:
        before = counted["statements"]
        dead = [event(register, "hard", f"dead {number} {len(numbers)}", number) for number in numbers]
        assert set(apply_all(register.engine, dead, ONE)) == {"hard_bounce"}
        return counted["statements"] - before

    # The audit's entries go one by one into SQLite, which does not tell whose of several new ids is which.
    more = 2 if register.engine.dialect.name == "sqlite" else 0
    assert statements(1) + more == statements(2, 3)
    audited = [
        row for row in register.contents()["audit"] if ":suppression:record" in row or ":datum:flag" in row
    ]
    assert len(audited) == 2 * 3


def test_the_same_news_in_opposite_orders_at_once_makes_no_circle(register: Register) -> None:
    events = [event(register, "delivered", str(number)) for number in range(3_000)]
    barrier = threading.Barrier(4)

    def hand_in(turn: int) -> list[str]:
        barrier.wait()
        return apply_all(register.engine, events if turn % 2 else events[::-1], INBOUND)

    with ThreadPoolExecutor(4) as callers:
        answers = list(callers.map(hand_in, range(4)))
    assert sum(answer.count("repeated") for answer in answers) == 3 * len(events)
    assert len(register.events()) == len(events)
