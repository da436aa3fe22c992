"""What follows from each kind of news, and that neither order nor repetition matters."""

import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.address import EmailAddress, parse_email
from campaigns.clock import utc_now
from campaigns.errors import NotFound
from campaigns.feedback import cases, listing
from campaigns.feedback.apply import apply_all, apply_reports
from campaigns.feedback.consequences import hints
from campaigns.feedback.event import FeedbackEvent, Kind
from campaigns.feedback.ingest import events_of, ingest
from campaigns.principal import INBOUND
from campaigns.register import outdated
from campaigns.register.objections import address_key
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from campaigns.tokens import TokenClaims
from tests.feedback.reports import report
from tests.support.register import CAMPAIGN, LIST_ID, MOMENT, PEOPLE, TESTER, Register

SOFT_NO = ("soft_bounces", "email", 0)
MAIL = Path(__file__).parent / "mail"


def outing(register: Register, days_ago: float, contact: int = 1, status: str = "accepted") -> TokenClaims:
    """A delivery of an earlier campaign to somebody's present address."""
    at = utc_now() - timedelta(days=days_ago)
    with writing(register.engine) as connection:
        table = schema.campaign
        old = connection.execute(sa.select(table).where(table.c.id == CAMPAIGN)).mappings().one()
        taken = connection.execute(sa.select(sa.func.max(table.c.id))).scalar_one()
        new = {**old, "id": taken + 1, "submission_id": f"earlier-{taken}"}
        connection.execute(sa.insert(table).values(new))
        key = connection.execute(
            sa.select(schema.contact.c.email_key).where(schema.contact.c.id == contact)
        ).scalar_one()
        connection.execute(
            sa.insert(schema.delivery).values(
                campaign_id=taken + 1, number=1, channel="email", contact_id=contact, list_id=LIST_ID, language="sv",
                address_key=key, status=status, attempt=1, expanded_at=MOMENT, settled_at=at,
                handed_over_at=at if status == "accepted" else None,
            )
        )  # fmt: skip
    return TokenClaims(taken + 1, 1, LIST_ID, contact)


def news(kind: Kind, claims: TokenClaims, name: str = "") -> FeedbackEvent:
    return FeedbackEvent("test", name or f"{kind}-{claims.campaign}-{claims.number}", kind, claims)


def told(register: Register, *events: FeedbackEvent) -> list[str]:
    """Apply without waiting until it binds."""
    return apply_reports(register.engine, [(events, INBOUND)]).consequences[0]


def standing(register: Register) -> set[tuple[str, str, int]]:
    table = schema.suppression.c
    with reading(register.engine) as connection:
        rows = connection.execute(
            sa.select(table.kind, table.channel, table.list_id).where(table.lifted_at.is_(None))
        )
        return {(row.kind, row.channel, row.list_id) for row in rows}


def flags(register: Register) -> list[tuple[str, str]]:
    with reading(register.engine) as connection:
        return [(row["field"], row["reason"]) for row in outdated.flags_of(connection, 1)]


def test_a_dead_address_is_flagged_as_outdated_once(register: Register) -> None:
    claims = register.claims()
    assert told(register, news("hard", claims), news("hard", claims, "again")) == ["hard_bounce"] * 2
    assert flags(register) == [("email", "hard_bounce")]
    register.move(1, "anna@ny.example")
    assert flags(register) == []


def test_three_failures_over_more_than_two_weeks_are_enough(register: Register) -> None:
    first, second = outing(register, 20), outing(register, 4)
    events = [news("soft", first), news("network", second)]
    assert told(register, *events) == ["recorded", "recorded"]
    assert told(register, news("other", register.claims())) == ["soft_bounces"]
    assert standing(register) == {SOFT_NO}


def test_other_failures_never_count_against_the_person(register: Register) -> None:
    claims = [outing(register, days) for days in (29, 20, 10)] + [register.claims()]
    kinds: tuple[Kind, ...] = ("full", "policy", "content", "delayed", "auto-reply", "challenge", "receipt")
    events = [news(kind, it) for kind in kinds for it in claims]
    assert set(told(register, *events)) == {"recorded"}
    assert standing(register) == set()


def test_failures_close_together_are_not_enough(register: Register) -> None:
    claims = [outing(register, days) for days in (13, 9, 5)] + [register.claims()]
    assert set(told(register, *(news("soft", it) for it in claims))) == {"recorded"}


def test_a_success_between_them_and_a_long_silence_break_the_row(register: Register) -> None:
    failed = [outing(register, days) for days in (29, 25, 1)]
    outing(register, 15)  # nothing was heard of this one: it arrived
    assert set(told(register, *(news("soft", it) for it in failed))) == {"recorded"}
    more = [outing(register, days, contact=2) for days in (29, 25, 15, 1)]
    mixed = [news("soft", more[0]), news("soft", more[1]), news("delivered", more[2]), news("soft", more[3])]
    assert set(told(register, *mixed)) == {"recorded"}


def test_a_success_lifts_it(register: Register) -> None:
    claims = [outing(register, days) for days in (29, 20)] + [register.claims()]
    told(register, *(news("soft", it) for it in claims))
    assert standing(register) == {SOFT_NO}
    assert told(register, news("delivered", claims[1])) == ["lifted"]
    assert standing(register) == set()


def test_a_report_after_its_time_is_late(register: Register) -> None:
    old = outing(register, 31)
    assert told(register, news("hard", old), news("complaint", old)) == ["late", "complaint"]
    assert standing(register) == {("complaint", "", 0)}


def test_news_settles_an_uncertain_delivery(register: Register) -> None:
    kinds: tuple[Kind, ...] = ("hard", "full", "delivered", "complaint", "auto-reply")
    table = schema.delivery.c
    for kind in kinds:
        claims = outing(register, 1, status="uncertain")
        told(register, news(kind, claims))
        with reading(register.engine) as connection:
            found = sa.select(table.status, table.handed_over_at).where(table.campaign_id == claims.campaign)
            row = connection.execute(found).one()
        assert (row.status, row.handed_over_at is not None) == ("accepted", True), kind
    with reading(register.engine) as connection:
        tags = list(connection.execute(sa.select(schema.audit.c.tag)).scalars())
    assert tags.count("register:delivery:settle") == len(kinds)


def test_a_reply_that_asks_to_stop_withholds_and_asks(register: Register) -> None:
    raw = (
        (MAIL / "stop-sv.eml")
        .read_bytes()
        .replace(b"<abc123@mail.timmero.example>", register.message_id().encode())
    )
    assert ingest(register.engine, register.tokens, raw, None, INBOUND) == ["withheld"]
    assert standing(register) == {("manual", "", 0)}
    (case,) = cases.cases(register.engine, TESTER)
    assert (case["kind"], case["contact_id"]) == ("stop", 1)
    cases.close_case(register.engine, case["id"], "left all lists", TESTER)
    assert cases.cases(register.engine, TESTER) == []
    assert len(cases.cases(register.engine, TESTER, closed=True)) == 1
    with pytest.raises(NotFound):
        cases.close_case(register.engine, case["id"], "again", TESTER)


def test_everything_is_an_objection(register: Register) -> None:
    raw = b"From: anna.lind@kund.example\nSubject: unsubscribe\n\nUnsubscribe from all lists, please.\n"
    assert ingest(register.engine, register.tokens, raw, register.leaving_address(), INBOUND) == ["objection"]
    assert standing(register) == {("objection", "", 0)}


def test_being_subscribed_again_elsewhere_lifts_nothing(register: Register) -> None:
    told(register, news("objection", register.claims()))
    assert told(register, news("resubscribe", register.claims())) == ["recorded"]
    assert standing(register) == {("objection", "", 0)}


def test_hints_are_counted_for_a_person_and_suppress_nothing(register: Register) -> None:
    for number in range(hints.LIMIT):
        raw = report(f"x{number}@y.example", recipient=PEOPLE[1][0])
        events = events_of(register.tokens, raw, None, register.ring)
        assert apply_all(register.engine, events, INBOUND) == ["hint"]
        assert len(cases.cases(register.engine, TESTER)) == (number + 1 >= hints.LIMIT)
    assert standing(register) == set()
    (case,) = cases.cases(register.engine, TESTER)
    assert (case["kind"], case["contact_id"]) == ("hints", 1)


def test_a_flood_of_forged_reports_raises_an_alarm_and_changes_nothing(register: Register) -> None:
    before = register.contents()
    victim = address_key(register.ring, an_address()).key
    forged = [
        FeedbackEvent("mail", f"forged-{number}", "hard", None, "5.1.1", about=victim)
        for number in range(500)
    ]
    assert listing.alarms(register.engine) == []
    assert set(told(register, *forged)) == {"hint"}
    (alarm,) = listing.alarms(register.engine)
    assert alarm["hints"] == 500
    after = register.contents()
    changed = {name for name, rows in after.items() if rows != before[name]}
    assert changed <= {"feedback_event", "feedback_case", "audit", "audit_value"}
    assert len(listing.events(register.engine, kind="hard", limit=7)) == 7


def an_address() -> EmailAddress:
    return parse_email(PEOPLE[2][0])


KINDS: Sequence[Kind] = (
    "hard", "soft", "network", "full", "policy", "complaint", "unsubscribe", "objection", "delivered", "delayed",
    "auto-reply", "stop", "resubscribe",
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=12)
@given(
    picked=st.lists(
        st.tuples(st.sampled_from(KINDS), st.integers(0, 3)), min_size=2, max_size=7, unique=True
    ),
    seed=st.integers(0, 2**32),
)
def test_no_order_and_no_repetition_changes_what_stands(
    register: Register, picked: list[tuple[Kind, int]], seed: int
) -> None:
    _forget(register)
    claims = [outing(register, days) for days in (29, 20, 9)] + [register.claims()]
    events = [news(kind, claims[place]) for kind, place in picked]
    outcomes = []
    for turn in range(3):
        order = list(events)
        random.Random(f"{seed}-{turn}").shuffle(order)
        for event in [*order, order[0], order[-1]]:
            told(register, event)
        outcomes.append((standing(register), register.status(), flags(register), _heard(register)))
        _forget_news(register)
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_a_failure_of_another_kind_counts_neither_before_nor_after_those_that_count(
    register: Register,
) -> None:
    claims = [outing(register, days) for days in (29, 20, 9)] + [register.claims()]
    failures = [news("soft", claims[place]) for place in (0, 2, 3)]
    for other in ("hard", "full", "policy"):
        for order in ([news(other, claims[1]), *failures], [*failures, news(other, claims[1])]):
            _forget_news(register)
            told(register, *order[:1])
            for event in order[1:]:
                told(register, event)
            assert SOFT_NO not in standing(register)


def _heard(register: Register) -> set[tuple[str, str]]:
    with reading(register.engine) as connection:
        table = schema.feedback_event.c
        return set(map(tuple, connection.execute(sa.select(table.kind, table.event_id))))


def _forget_news(register: Register) -> None:
    with writing(register.engine) as connection:
        for table in (schema.suppression, schema.feedback_event, schema.datum_flag, schema.feedback_case):
            connection.execute(sa.delete(table))
        connection.execute(sa.update(schema.subscription).values(status="subscribed"))


def _forget(register: Register) -> None:
    _forget_news(register)
    with writing(register.engine) as connection:
        connection.execute(sa.delete(schema.delivery).where(schema.delivery.c.campaign_id != CAMPAIGN))
        connection.execute(sa.delete(schema.campaign).where(schema.campaign.c.id != CAMPAIGN))
