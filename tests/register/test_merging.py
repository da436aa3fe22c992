"""Contacts that are one person: merged without losing a no, and parted again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from campaigns.delivery import one_person
from campaigns.errors import NotFound, RefusedOperation
from campaigns.register import contacts, merging, objections, subscriptions
from campaigns.register.merging import Pair
from campaigns.register.permit import answering_a_no
from campaigns.register.subscriptions import Unsubscription
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.register.tables import HEADS, added_list, counts, imported, person, subscribed, table
from tests.support.register import CAMPAIGN, TESTER, UNATTEMPTED, Register, made_register

MOST = (*HEADS, "phone", "street", "postal_code", "position")
OLD, NEW = "anna.lind@kund.example", "anna@lind.example"
ANNA = ("Kund Ab", "", "Anna", "Lind", OLD, "sv", "Vasa", "", "", "", "chef")
ALSO = ("Lind Konsult", "", "Anna", "Lind", NEW, "", "Vasa", "+358 40 1234567", "Gatan 1", "65100", "konsult")


def merged(register: Register, kept: int, other: int, *, dry_run: bool = False) -> one_person.Merged:
    pair = Pair(kept, other)
    return one_person.merge(register.engine, register.ring, pair, "phoned", TESTER, dry_run=dry_run)


def parted(register: Register, contact: int) -> dict[str, Any]:
    with answering_a_no(register.engine) as connection:
        return merging.part(connection, register.ring, contact, "two cousins", TESTER)


def objected(register: Register, contact: int) -> None:
    with answering_a_no(register.engine) as connection:
        subscriptions.object_to_marketing(connection, contact, "letter", "", TESTER)


def standing(register: Register, contact: int) -> set[tuple[str, str, int]]:
    """Kind, subject and list of what stands against the addresses of a contact itself."""
    row, no = schema.contact.c, schema.suppression.c
    with reading(register.engine) as connection:
        keys = connection.execute(sa.select(row.email_key, row.postal_key).where(row.id == contact)).one()
        found = connection.execute(
            sa.select(no.kind, no.subject, no.list_id).where(
                no.subject_key.in_([key for key in keys if key]), no.lifted_at.is_(None)
            )
        )
        return {(it.kind, it.subject, it.list_id) for it in found}


@pytest.fixture
def both(register: Register, tmp_path: Path) -> tuple[int, int]:
    """Anna twice: under her firm's address and under her own."""
    imported(register, tmp_path / "people.csv", table(MOST, ANNA, ALSO))
    return person(register, OLD)["id"], person(register, NEW)["id"]


def test_the_kept_contact_gets_what_it_lacks(register: Register, both: tuple[int, int]) -> None:
    kept, other = both
    report = merged(register, kept, other)
    assert report.got["fields"] == ["phone"]  # it has a town, so no address of the other one is mixed in
    with reading(register.engine) as connection:
        shown = contacts.show(connection, other)
    assert (shown["id"], shown["email"], shown["phone"]) == (kept, OLD, "+358 40 1234567")
    assert [work["position"] for work in shown["positions"]] == ["chef", "konsult"]
    assert shown["merged"] == [{"id": other, "email": NEW}]
    with reading(register.engine) as connection:
        origins = connection.execute(
            sa.select(schema.provenance.c.fields).where(schema.provenance.c.contact_id == kept)
        ).scalars()
        assert "phone" in next(iter(origins))


def test_a_dry_run_tells_the_same_and_changes_nothing(register: Register, both: tuple[int, int]) -> None:
    objected(register, both[1])
    before = register.contents()
    told = merged(register, *both, dry_run=True)
    assert register.contents() == before
    done = merged(register, *both)
    for name in ("fields", "noes", "left", "subscriptions"):
        assert told.got[name] == done.got[name]


def test_a_no_of_either_stands_for_both_and_after_parting(register: Register, both: tuple[int, int]) -> None:
    kept, other = both
    objected(register, other)
    merged(register, kept, other)
    assert ("objection", "address", 0) in standing(register, kept)
    parted(register, other)
    assert ("objection", "address", 0) in standing(register, kept)
    assert ("objection", "address", 0) in standing(register, other)


def test_a_no_said_later_stands_for_both(register: Register, both: tuple[int, int]) -> None:
    kept, other = both
    merged(register, kept, other)
    news = added_list(register).id
    with answering_a_no(register.engine) as connection:
        wish = Unsubscription(other, news, "link", "")
        assert subscriptions.unsubscribe(connection, wish, TESTER)
    assert subscribed(register, OLD) == subscribed(register, NEW) == "unsubscribed"
    key = objections.SubjectKey("address", 1, person(register, OLD)["email_key"])
    no = objections.No("complaint", key, objections.Scope(), "webhook", "")
    with answering_a_no(register.engine) as connection:
        assert objections.suppress(connection, no, TESTER)
        assert not objections.suppress(connection, no, TESTER)
    assert standing(register, other) == {
        (kind, subject, number)
        for kind, number in (("complaint", 0), ("unsubscribed", news))
        for subject in ("address", "postal")
    }


def test_the_strictest_subscription_and_basis_stand(register: Register, tmp_path: Path) -> None:
    imported(register, tmp_path / "a.csv", table(MOST, ANNA, ALSO))
    other_list = added_list(register, "other", "events")
    imported(register, tmp_path / "b.csv", table(MOST, ALSO), mailing_list=other_list)
    kept, other, news = person(register, OLD)["id"], person(register, NEW)["id"], added_list(register).id
    with answering_a_no(register.engine) as connection:
        subscriptions.unsubscribe(connection, Unsubscription(other, news, "", ""), TESTER)
        connection.execute(
            sa.update(schema.contact_basis)
            .where(schema.contact_basis.c.contact_id == other, schema.contact_basis.c.purpose == "marketing")
            .values(ended_at=sa.func.current_timestamp(), ended_by="x")
        )
    merged(register, kept, other)
    assert subscribed(register, OLD) == "unsubscribed"
    assert subscribed(register, OLD, "other") == "subscribed"
    basis = schema.contact_basis.c
    with reading(register.engine) as connection:
        rows = connection.execute(
            sa.select(basis.purpose, basis.ended_at.is_(None)).where(basis.contact_id == kept)
        )
        assert {tuple(row) for row in rows} == {("marketing", False), ("events", True)}


def test_parting_takes_back_what_came_of_the_merge(register: Register, both: tuple[int, int]) -> None:
    kept, other = both
    with writing(register.engine) as connection:
        connection.execute(
            sa.update(schema.contact).where(schema.contact.c.id == kept).values(city=None, postal_key=None)
        )
    before = register.contents()
    merged(register, kept, other)
    with reading(register.engine) as connection:
        assert contacts.show(connection, kept)["street"] == "Gatan 1"
    assert set(parted(register, other)["fields"]) == {"phone", "street", "postal_code", "city"}
    after = register.contents()
    same = (
        "position",
        "subscription",
        "contact_basis",
        "contact_field",
        "event",
        "provenance",
        "suppression",
    )
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    with reading(register.engine) as connection:
        assert contacts.show(connection, kept)["phone"] is None
    merged(register, other, kept)  # and it may be merged again, the other way round


def test_the_audit_log_files_no_value_of_the_other_under_the_kept_one(
    register: Register, both: tuple[int, int]
) -> None:
    kept, other = both
    merged(register, kept, other)
    parted(register, other)
    value = schema.audit_value.c
    with reading(register.engine) as connection:
        rows = connection.execute(sa.select(value.contact_id, value.old, value.new)).all()
    of_kept = [str(row) for row in rows if row.contact_id == kept]
    assert of_kept
    assert not [row for row in of_kept for word in ("1234567", "Gatan 1") if word in row]
    assert any("Gatan 1" in str(row.old) for row in rows if row.contact_id == other)


def test_what_came_in_meanwhile_finds_the_kept_contact(
    register: Register, both: tuple[int, int], tmp_path: Path
) -> None:
    kept, other = both
    merged(register, kept, other)
    report = imported(register, tmp_path / "b.csv", table(MOST, (*ALSO[:6], "Åbo", *ALSO[7:])))
    assert counts(report) == (0, 1, 0, 0)
    assert person(register, OLD)["city"] == "Åbo"
    assert person(register, NEW)["city"] == "Vasa"


def test_merges_have_an_order(sqlite_register: Register, tmp_path: Path) -> None:
    register = sqlite_register
    rows = [
        ("", "", "Anna", "Lind", f"a{number}@kund.example", "sv", "", "", "", "", "") for number in (1, 2, 3)
    ]
    imported(register, tmp_path / "people.csv", table(MOST, *rows))
    one, two, three = (person(register, row[4])["id"] for row in rows)
    merged(register, two, three)
    merged(register, one, two)
    objected(register, three)
    assert standing(register, one) == standing(register, two) == standing(register, three) != set()
    for wrong in ((one, two), (two, one), (one, one)):
        with pytest.raises(RefusedOperation):
            merged(register, *wrong)
    with pytest.raises(NotFound):
        merged(register, one, 99)
    with pytest.raises(RefusedOperation, match="part those two first"):
        parted(register, three)
    with pytest.raises(RefusedOperation, match="was not merged"):
        parted(register, one)
    parted(register, two)
    parted(register, three)


@pytest.fixture
def sending(database_url: str, tmp_path: Path) -> Iterator[Register]:
    """A campaign whose deliveries 1 to 3 are accepted and whose fourth waits."""
    with made_register(database_url, tmp_path / "secrets") as made:
        yield made


def statuses(register: Register) -> dict[int, tuple[str, str | None]]:
    row = schema.delivery.c
    with reading(register.engine) as connection:
        return {
            it.number: (it.status, it.reason)
            for it in connection.execute(sa.select(row.number, row.status, row.reason))
        }


def put(register: Register, number: int, **values: Any) -> None:
    with writing(register.engine) as connection:
        row = schema.delivery
        connection.execute(sa.update(row).where(row.c.number == number).values(**values))


WAITS = {"status": "pending", "handed_over_at": None, "settled_at": None}


def test_whoever_was_written_to_is_not_written_to_again(sending: Register) -> None:
    before = statuses(sending)
    assert merged(sending, UNATTEMPTED, 1, dry_run=True).withheld == [f"{CAMPAIGN}.{UNATTEMPTED}"]
    assert statuses(sending) == before
    merged(sending, UNATTEMPTED, 1)
    assert statuses(sending) == {**before, UNATTEMPTED: ("withheld", "duplicate_contact")}


def test_of_two_who_wait_the_kept_one_is_written_to(sending: Register) -> None:
    put(sending, 1, **WAITS)
    assert merged(sending, UNATTEMPTED, 1).withheld == [f"{CAMPAIGN}.1"]
    assert statuses(sending)[UNATTEMPTED] == ("pending", None)


def test_two_messages_in_the_air_are_waited_for(sending: Register) -> None:
    put(sending, 1, status="sending", handed_over_at=None, settled_at=None)
    with pytest.raises(RefusedOperation, match="being handed over"):
        merged(sending, 1, 2)
    with writing(sending.engine) as connection:
        connection.execute(sa.update(schema.campaign).values(status="expanding", expanded_at=None))
    with pytest.raises(RefusedOperation, match="being worked out"):
        merged(sending, 1, 2)
