"""Rectification and restriction: they reach what is queued and what a worker holds, and everybody who got the data."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.delivery import ledger
from campaigns.delivery.ledger import BatchRef
from campaigns.errors import InputError, RefusedOperation
from campaigns.register import corrections, subscriptions
from campaigns.register.clearance import Withheld
from campaigns.register.corrections import Correction
from campaigns.register.permit import answering_a_no
from campaigns.register.suppression import Gate
from campaigns.rights import deadlines, erasure, incident, reach, rectification, requests, telling
from campaigns.rights.requests import Identification
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.rights.filling import ANNA, EERO, fill
from tests.rights.test_erasure import REF, queued, statuses
from tests.rights.test_requests import opened
from tests.support.register import CAMPAIGN, PEOPLE, TESTER, Register

NEW = "anna.berg@ny.example"
OLD = PEOPLE[ANNA][0]


def asked(register: Register, kind: str, contact: int = ANNA) -> int:
    request = opened(register, kind=kind, contact_id=contact)
    requests.identify(register.engine, request, Identification("mailbox"), TESTER)
    return request


def addresses(register: Register, ref: BatchRef = REF) -> dict[int, str | None]:
    hand = ledger.claim(register.engine, ref, "worker")
    assert hand is not None
    return {row.contact: row.address for row in hand.rows}


def told_of(register: Register, what: str) -> set[tuple[str, tuple[str, ...]]]:
    with reading(register.engine) as connection:
        found = telling.tellings(connection)
    return {(it["recipient"], tuple(it["fields"])) for it in found if it["what"] == what}


def test_what_is_queued_goes_to_the_new_address_only(register: Register) -> None:
    queued(register)
    request = asked(register, "rectification")
    changed = rectification.rectify(register.engine, register.ring, request, {"email": NEW}, TESTER)
    assert changed == {"email": NEW}
    claimed = addresses(register)
    assert OLD not in claimed.values()
    assert claimed[ANNA] == NEW


def test_what_a_worker_holds_for_the_old_address_is_not_sent(register: Register) -> None:
    queued(register)
    hand = ledger.claim(register.engine, REF, "worker")
    assert hand is not None
    anna = next(row for row in hand.rows if row.contact == ANNA)
    rectification.rectify(
        register.engine, register.ring, asked(register, "rectification"), {"email": NEW}, TESTER
    )
    verdict = Gate(register.engine).clear(hand.in_hand, anna.delivery, OLD)
    assert isinstance(verdict, Withheld)
    assert verdict.reason == "address_changed"


def test_a_correction_is_told_on_whoever_asked_for_it(register: Register) -> None:
    fill(register)
    request = asked(register, "rectification")
    rectification.rectify(register.engine, register.ring, request, {"city": "Vasa", "title": "VD"}, TESTER)
    fields = ("city", "title")
    assert told_of(register, "correction") >= {("processor:post", fields), ("Tryckeriet Ab", fields)}
    with answering_a_no(register.engine) as connection:
        said = Correction({"city": "Esbo"}, "the controller", "company", "returned post")
        rectification.correct(connection, register.ring, ANNA, said, TESTER)
        again = rectification.correct(connection, register.ring, ANNA, said, TESTER)
    assert again == {}
    assert told_of(register, "correction") >= {("processor:post", ("city",)), ("Tryckeriet Ab", ("city",))}


def test_who_is_restricted_is_kept_and_gets_nothing_until_told_and_freed(register: Register) -> None:
    queued(register)
    rectification.restrict(register.engine, register.ring, asked(register, "restriction"), TESTER)
    assert ANNA not in addresses(register)
    assert statuses(register)[ANNA] == ("withheld", "restricted")
    assert register.noes() == {("restricted", "", 0)}
    tomorrow = deadlines.local_day(utc_now()) + timedelta(days=2)
    with pytest.raises(InputError, match="told before"), answering_a_no(register.engine) as connection:
        rectification.lift_restriction(connection, register.ring, ANNA, tomorrow, TESTER)
    yesterday = deadlines.local_day(utc_now()) - timedelta(days=1)
    with answering_a_no(register.engine) as connection:
        assert rectification.lift_restriction(connection, register.ring, ANNA, yesterday, TESTER) == 1
    with (
        pytest.raises(RefusedOperation, match="no restriction"),
        answering_a_no(register.engine) as connection,
    ):
        rectification.lift_restriction(connection, register.ring, ANNA, yesterday, TESTER)
    with reading(register.engine) as connection:
        live = schema.suppression.c.lifted_at.is_(None)
        assert connection.execute(sa.select(sa.func.count()).where(live)).scalar_one() == 0


def test_a_wrong_send_names_whom_it_concerned(register: Register) -> None:
    found = incident.concerned(register.engine, incident.Wrong(CAMPAIGN))
    assert (found["contacts"], found["people"], found["by_status"]) == ([1, 2, 3], 3, {"accepted": 3})
    now = utc_now()
    assert incident.concerned(register.engine, incident.Wrong(since=now + timedelta(hours=1)))["people"] == 0
    spanned = incident.Wrong(CAMPAIGN, now - timedelta(hours=1), now + timedelta(hours=1))
    assert incident.concerned(register.engine, spanned)["people"] == 3
    rows = list(incident.with_addresses(register.engine, incident.Wrong(CAMPAIGN), TESTER))
    assert [row["email"] for row in rows] == [PEOPLE[number][0] for number in (1, 2, 3)]
    notices = incident.drafts(found, {"name": "Nordhamn", "email": "register@nordhamn.example"})
    assert set(notices) == {"sv", "fi", "en"}
    assert all(
        "register@nordhamn.example" in text and found["first_at"][:10] in text for text in notices.values()
    )
    with reading(register.engine) as connection:
        tags = connection.execute(sa.select(schema.audit.c.tag)).scalars().all()
    assert tags.count("contact:incident:read") == 1
    with pytest.raises(InputError, match="which sends"):
        incident.Wrong()
    with pytest.raises(RefusedOperation, match="no campaign"):
        incident.concerned(register.engine, incident.Wrong(99))


def test_who_got_nothing_was_not_concerned(sqlite_register: Register) -> None:
    with writing(sqlite_register.engine) as connection:
        gone = {"status": "cancelled", "handed_over_at": None, "settled_at": utc_now()}
        connection.execute(sa.update(schema.delivery).values(gone))
    assert incident.concerned(sqlite_register.engine, incident.Wrong(CAMPAIGN))["contacts"] == []


def handed_on(register: Register) -> None:
    """Anna, who was written to at it, leaves the mailbox of her office; Eero takes it over."""
    for contact, address in ((ANNA, NEW), (EERO, OLD)):
        with answering_a_no(register.engine) as connection:
            said = Correction({"email": address}, "phone", "company", "call")
            corrections.edit(connection, register.ring, contact, said, TESTER)


def test_lifting_a_restriction_lifts_nobody_elses(register: Register) -> None:
    handed_on(register)
    for contact in (ANNA, EERO):
        request = asked(register, "restriction", contact)
        rectification.restrict(register.engine, register.ring, request, TESTER)
    with answering_a_no(register.engine) as connection:
        today = deadlines.local_day(utc_now())
        lifted = rectification.lift_restriction(connection, register.ring, ANNA, today, TESTER)
    assert lifted >= 1
    no = schema.suppression.c
    standing = sa.select(no.subject_key).where(no.kind == "restricted", no.lifted_at.is_(None))
    with reading(register.engine) as connection:
        of_eero = [key.key for key in subscriptions.keys_of(connection, EERO)]
        assert set(of_eero) <= {bytes(key) for key in connection.execute(standing).scalars()}


def test_a_mailbox_handed_on_is_no_more_the_earlier_persons(register: Register) -> None:
    handed_on(register)
    with reading(register.engine) as connection:
        of_eero = {key.key for key in subscriptions.keys_of(connection, EERO)}
        before = reach.person(connection, register.ring, ANNA)
    assert not of_eero.intersection(before.fingerprints)
    erasure.erase(register.engine, register.ring, asked(register, "erasure"), TESTER)
    no = schema.suppression.c
    with reading(register.engine) as connection:
        said = sa.select(no.id).where(no.kind == "objection", no.subject_key.in_(of_eero))
        assert connection.execute(said).all() == []
