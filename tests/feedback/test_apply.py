"""From news to the register: once, on evidence, in any order."""

from itertools import permutations

import pytest
import sqlalchemy as sa

from campaigns.errors import Unreachable
from campaigns.feedback.apply import apply
from campaigns.feedback.event import FeedbackEvent, Kind
from campaigns.feedback.ingest import ingest
from campaigns.principal import INBOUND
from campaigns.store import schema
from campaigns.store.engine import make_engine
from tests.feedback.reports import block, report
from tests.support.register import LIST_ID, UNATTEMPTED, Register

HARD_NO = ("hard_bounce", "email", 0)


def event(register: Register, kind: Kind, event_id: str = "e1", number: int = 1) -> FeedbackEvent:
    return FeedbackEvent("test", event_id, kind, register.claims(number))


def take(register: Register, raw: bytes, recipient: str | None = None) -> list[str]:
    return ingest(register.engine, register.tokens, raw, recipient, INBOUND)


def test_a_hard_bounce_stands_against_the_address_in_e_mail_only(register: Register) -> None:
    assert take(register, report("x@y.example"), register.return_path()) == ["hard_bounce"]
    assert register.noes() == {HARD_NO}
    assert register.status() == "subscribed"


def test_a_complaint_reaches_everything(register: Register) -> None:
    assert apply(register.engine, event(register, "complaint"), INBOUND) == "complaint"
    assert register.noes() == {("complaint", "", 0)}


def test_an_unsubscription_ends_the_subscription_and_stays(register: Register) -> None:
    assert apply(register.engine, event(register, "unsubscribe"), INBOUND) == "unsubscribed"
    assert register.status() == "unsubscribed"
    assert register.noes() == {("unsubscribed", "", LIST_ID)}


@pytest.mark.parametrize("kind", ["soft", "policy", "full", "other", "delivered", "delayed", "auto-reply"])
def test_whatever_else_is_only_recorded(register: Register, kind: Kind) -> None:
    assert apply(register.engine, event(register, kind), INBOUND) == "recorded"
    assert register.noes() == set()
    assert register.events() == [(kind, "recorded")]


@pytest.mark.parametrize("place", ["header", "message-id", "envelope in capitals"])
def test_the_token_is_found_where_mail_systems_leave_it(register: Register, place: str) -> None:
    raw = {
        "header": report(register.return_path()),
        "message-id": report("x@y.example", returned=f"Message-ID: {register.message_id()}\n"),
        "envelope in capitals": report("x@y.example"),
    }[place]
    envelope = register.return_path().upper() if place == "envelope in capitals" else None
    assert take(register, raw, envelope) == ["hard_bounce"]


def test_a_forged_report_changes_nothing(register: Register) -> None:
    genuine = register.return_path()
    forged = genuine.replace(genuine[2:6], "aaaa" if genuine[2:6] != "aaaa" else "bbbb", 1)
    returned = f"Message-ID: {register.message_id()[:-30]}aaaaa@mail.timmero.example>\n"
    for raw in (report("x@y.example"), report(forged), report("x@y.example", returned=returned)):
        assert take(register, raw) == ["hint"]
    assert register.noes() == set()
    assert {consequence for _, consequence in register.events()} == {"hint"}


def test_a_token_of_another_purpose_does_not_act(register: Register) -> None:
    swapped = "b-" + register.leaving_address().removeprefix("u-")
    assert take(register, report("x@y.example"), swapped) == ["hint"]


def test_what_was_never_attempted_cannot_bounce(register: Register) -> None:
    assert apply(register.engine, event(register, "hard", number=UNATTEMPTED), INBOUND) == "hint"
    assert register.noes() == set()


def test_an_old_address_does_not_stain_the_new_one(register: Register) -> None:
    register.move(1, "anna@ny.example")
    assert apply(register.engine, event(register, "hard"), INBOUND) == "outdated"
    assert register.noes() == set()


def test_a_report_about_several_names_whom_it_means(register: Register) -> None:
    raw = report("x@y.example", recipient="nobody@else.example", more=[block("also@else.example", "5.1.1")])
    assert take(register, raw, register.return_path()) == ["others", "others"]
    assert register.noes() == set()


def test_the_same_message_again_is_the_same_event(register: Register) -> None:
    raw = report("x@y.example")
    assert take(register, raw, register.return_path()) == ["hard_bounce"]
    before = register.noes(), register.events()
    assert take(register, raw.replace(b"\r\n", b"\n"), register.return_path()) == ["repeated"]
    assert (register.noes(), register.events()) == before


def test_replay_in_any_order_gives_the_same(register: Register) -> None:
    """Every order, each with a repetition, on a register that is emptied in between."""
    kinds: tuple[Kind, ...] = ("hard", "delivered", "unsubscribe")
    outcomes = set()
    for turn, order in enumerate(permutations(kinds)):
        _forget(register)
        for kind in (*order, order[0]):
            apply(register.engine, event(register, kind, f"{turn}-{kind}"), INBOUND)
        outcomes.add((frozenset(register.noes()), register.status(), frozenset(register.events())))
    assert len(outcomes) == 1
    assert next(iter(outcomes))[0] == {HARD_NO, ("unsubscribed", "", LIST_ID)}


def test_a_no_raises_the_epoch_and_news_does_not(register: Register) -> None:
    epoch = _epoch(register)
    apply(register.engine, event(register, "delivered", "e0"), INBOUND)
    assert _epoch(register) == epoch
    apply(register.engine, event(register, "hard"), INBOUND)
    assert _epoch(register) > epoch


def test_a_database_that_is_away_is_never_a_success(register: Register) -> None:
    nowhere = make_engine("postgresql://nobody@/none?host=/nonexistent")
    with pytest.raises(Unreachable):
        ingest(nowhere, register.tokens, report("x@y.example"), register.return_path(), INBOUND)


def _epoch(register: Register) -> int:
    with register.engine.connect() as connection:
        return int(connection.execute(sa.select(schema.gate.c.epoch)).scalar_one())


def _forget(register: Register) -> None:
    with register.engine.begin() as connection:
        connection.execute(sa.delete(schema.suppression))
        connection.execute(sa.delete(schema.feedback_event))
        connection.execute(sa.update(schema.subscription).values(status="subscribed"))
