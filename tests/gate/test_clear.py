"""What the gate answers for a delivery in hand, when something changed since it was claimed."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from campaigns.address import parse_email
from campaigns.clock import utc_now
from campaigns.register import objections, subscriptions
from campaigns.register.clearance import Clearance, DeliveryRef, Withheld
from campaigns.register.permit import answering_a_no
from campaigns.register.suppression import Gate, InHand
from campaigns.store import schema
from tests.support.register import CAMPAIGN, LIST_ID, MOMENT, PEOPLE, TESTER, UNATTEMPTED, Register

DELIVERY = DeliveryRef(CAMPAIGN, UNATTEMPTED)
ADDRESS = PEOPLE[UNATTEMPTED][0]
Change = Callable[[sa.Connection, Register], None]


def suppressed(connection: sa.Connection, register: Register) -> None:
    key = objections.address_key(register.ring, parse_email(ADDRESS))
    no = objections.No("objection", key, objections.Scope(), "test", "test")
    objections.suppress(connection, no, TESTER)


def domain_suppressed(connection: sa.Connection, register: Register) -> None:
    key = objections.domain_key(register.ring, "kund.example")
    connection.execute(
        sa.update(schema.contact).where(schema.contact.c.id == UNATTEMPTED).values(domain_key=key.key)
    )
    objections.suppress(connection, objections.No("manual", key, objections.Scope(), "test", "test"), TESTER)


def company_suppressed(connection: sa.Connection, _: Register) -> None:
    made = {"created_at": MOMENT, "created_by": "test"}
    connection.execute(sa.insert(schema.company).values(id=1, name="Sågen", company_key=b"c" * 16, **made))
    connection.execute(
        sa.insert(schema.position).values(
            id=1, contact_id=UNATTEMPTED, company_id=1, started_at=MOMENT, created_by="test"
        )
    )
    key = objections.SubjectKey("company", 1, b"c" * 16)
    objections.suppress(
        connection, objections.No("restricted", key, objections.Scope(), "test", "test"), TESTER
    )


def left_the_list(connection: sa.Connection, _: Register) -> None:
    wish = subscriptions.Unsubscription(UNATTEMPTED, LIST_ID, "test", "test")
    assert subscriptions.unsubscribe(connection, wish, TESTER)


def erased(connection: sa.Connection, _: Register) -> None:
    connection.execute(
        sa.update(schema.contact)
        .where(schema.contact.c.id == UNATTEMPTED)
        .values(erased_at=utc_now(), email=None, email_key=None, last_name=None)
    )


def moved(connection: sa.Connection, register: Register) -> None:
    key = objections.address_key(register.ring, parse_email("ny@kund.example")).key
    connection.execute(
        sa.update(schema.contact)
        .where(schema.contact.c.id == UNATTEMPTED)
        .values(email="ny@kund.example", email_key=key)
    )


def paused(connection: sa.Connection, _: Register) -> None:
    connection.execute(sa.update(schema.campaign).values(status="paused"))


def nothing(_: sa.Connection, __: Register) -> None:
    pass


def ask(register: Register, in_hand: InHand, gate: Gate | None = None) -> Clearance | Withheld:
    """Ask for the delivery in hand."""
    return (gate or Gate(register.engine)).clear(in_hand, DELIVERY, ADDRESS)


def test_a_yes_names_the_delivery_and_the_address(register: Register, in_hand: InHand) -> None:
    verdict = ask(register, in_hand)
    assert isinstance(verdict, Clearance)
    assert (verdict.delivery, verdict.address) == (DELIVERY, ADDRESS)


@pytest.mark.parametrize(
    "change, reason, final",
    [
        (suppressed, "objection", True),
        (domain_suppressed, "manual", True),
        (company_suppressed, "restricted", True),
        (left_the_list, "unsubscribed", True),
        (erased, "objection", True),
        (moved, "address_changed", False),
        (paused, "paused", False),
    ],
)
def test_what_changed_since_the_claim_is_heeded(
    register: Register, in_hand: InHand, change: Change, reason: str, final: bool
) -> None:
    gate = Gate(register.engine)
    assert isinstance(ask(register, in_hand, gate), Clearance)
    with answering_a_no(register.engine) as connection:
        change(connection, register)
    assert ask(register, in_hand, gate) == Withheld(DELIVERY, reason, final)


def test_leaving_another_list_changes_nothing(register: Register, in_hand: InHand) -> None:
    with answering_a_no(register.engine) as connection:
        key = objections.address_key(register.ring, parse_email(ADDRESS))
        other = objections.Scope(list_id=LIST_ID + 1)
        objections.suppress(connection, objections.No("unsubscribed", key, other, "test", "test"), TESTER)
    assert isinstance(ask(register, in_hand), Clearance)


def test_a_moved_epoch_is_asked_about_once(
    register: Register, in_hand: InHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, asked = Gate(register.engine), []
    real = gate._ask_again

    def counted(hand: InHand) -> None:
        asked.append(hand)
        real(hand)

    monkeypatch.setattr(gate, "_ask_again", counted)
    with answering_a_no(register.engine) as connection:
        nothing(connection, register)
    for _ in range(20):
        ask(register, in_hand, gate)
    assert len(asked) == 1


def test_what_was_asked_under_a_newer_epoch_than_the_permits_is_enough(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(register.engine)
    monkeypatch.setattr(gate, "_ask_again", lambda _: pytest.fail("no need to ask"))
    assert isinstance(ask(register, InHand(CAMPAIGN, 1, UNATTEMPTED, 5), gate), Clearance)
