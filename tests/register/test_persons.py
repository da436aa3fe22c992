"""Further addresses, positions over time, likely duplicates, and what was wrongly one person."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from campaigns.address import parse_email
from campaigns.errors import InputError, RefusedOperation
from campaigns.register import contacts, corrections, objections, parting, subscriptions
from campaigns.register.corrections import Correction
from campaigns.register.duplicates import likely
from campaigns.register.permit import answering_a_no
from campaigns.register.positions import Held, hold
from campaigns.register.subscriptions import Unsubscription
from campaigns.register.suppression import Asked, withholding_reason
from campaigns.store import schema
from campaigns.store.engine import reading
from tests.register.tables import HEADS, PEOPLE, added_list, counts, imported, person, subscribed, table
from tests.register.test_merging import objected, standing
from tests.support.register import TESTER, Register

ASA, OTHER = PEOPLE[0][4], "asa@hemma.example"


def told(**values: str) -> Correction:
    return Correction(values, "the person", "person", "letter of 3 May")


def why_not(register: Register, contact: int) -> Any:
    news = added_list(register)
    asked = Asked(sa.literal(news.id), sa.literal("email"), sa.literal("marketing"))
    with reading(register.engine) as connection:
        reason = sa.select(withholding_reason(asked)).where(schema.contact.c.id == contact)
        return connection.execute(reason).scalar_one()


@pytest.fixture
def asa(register: Register, tmp_path: Path) -> int:
    imported(register, tmp_path / "people.csv", table(HEADS, *PEOPLE))
    return int(person(register, ASA)["id"])


def added(register: Register, contact: int, address: str) -> bool:
    with answering_a_no(register.engine) as connection:
        return corrections.add_address(connection, register.ring, contact, told(email=address), TESTER)


def shown(register: Register, contact: int) -> dict[str, Any]:
    with reading(register.engine) as connection:
        return contacts.show(connection, contact)


def test_a_further_address_is_the_same_person(register: Register, asa: int, tmp_path: Path) -> None:
    assert added(register, asa, OTHER)
    assert not added(register, asa, OTHER.upper())
    assert not added(register, asa, ASA)
    with pytest.raises(RefusedOperation, match="belongs to contact"):
        added(register, asa, PEOPLE[1][4])
    report = imported(register, tmp_path / "b.csv", table(HEADS, (*PEOPLE[0][:4], OTHER, "sv", "Kalix")))
    assert counts(report) == (0, 1, 0, 0)
    assert (shown(register, asa)["email"], shown(register, asa)["city"]) == (ASA, "Kalix")
    with answering_a_no(register.engine) as connection:
        corrections.edit(connection, register.ring, asa, told(email=OTHER), TESTER)
    assert (shown(register, asa)["email"], shown(register, asa)["further_addresses"]) == (OTHER, [ASA])
    objected(register, asa)
    with answering_a_no(register.engine) as connection:
        said = ("letter", TESTER)
        assert corrections.remove_address(connection, register.ring, asa, ASA, said)
        assert not corrections.remove_address(connection, register.ring, asa, ASA, said)
    report = imported(register, tmp_path / "b.csv", table(HEADS, PEOPLE[0]))
    assert (counts(report), report.not_subscribed) == ((1, 0, 0, 0), 1)


def test_what_stood_against_a_further_address_stands_against_the_person(register: Register, asa: int) -> None:
    added(register, asa, OTHER)
    key = objections.address_key(register.ring, parse_email(OTHER))
    no = objections.No("complaint", key, objections.Scope(), "webhook", "")
    with answering_a_no(register.engine) as connection:
        objections.suppress(connection, no, TESTER)
    assert ("complaint", "address", 0) in standing(register, asa)


def test_who_leaves_a_company_needs_a_new_basis(register: Register, tmp_path: Path) -> None:
    news = added_list(register)
    imported(register, tmp_path / "a.csv", table(HEADS, *PEOPLE), basis="b2b_role", mailing_list=news)
    asa = person(register, ASA)["id"]
    assert why_not(register, asa) is None

    def holds(held: Held) -> dict[str, Any]:
        with answering_a_no(register.engine) as connection:
            return hold(connection, register.ring, asa, held, (told(), TESTER))

    left = datetime(2026, 10, 31, tzinfo=UTC)
    assert holds(Held("Saha Oy", "1234567-1", "vd", since=left))["bases_ended"] == []
    assert why_not(register, asa) is None
    assert holds(Held("", "FI01120389", until=left))["bases_ended"] == ["marketing"]
    assert why_not(register, asa) == "no_basis"
    career = [(it["company"], it["position"], it["ended_at"]) for it in shown(register, asa)["positions"]]
    assert career == [("Saha Oy", "vd", None), ("Sågen Ab", None, left)]
    at_saha = table(HEADS, ("Saha Oy", "1234567-1", *PEOPLE[0][2:]))
    imported(register, tmp_path / "b.csv", at_saha, basis="b2b_role", mailing_list=news)
    assert why_not(register, asa) is None
    with pytest.raises(InputError, match="names its company"):
        holds(Held("", ""))
    with pytest.raises(InputError, match="later than its end"):
        holds(Held("Saha Oy", since=datetime(2026, 11, 1, tzinfo=UTC), until=left))


def test_likely_duplicates_are_told_with_their_reasons(register: Register, tmp_path: Path) -> None:
    heads = (*HEADS, "phone")
    rows = (
        ("Sågen Ab", "", "Åsa", "Öberg", "asa.oberg@sagen.example", "", "", "+358 40 123 4567"),
        ("Sågen Ab", "", "ÅSA", "öberg", "asaoberg+nytt@sagen.example", "", "", "(040) 123-45 67"),
        ("Sågen Ab", "", "Bo", "Berg", "bo@sagen.example", "", "", "06 55"),
        ("", "", "Eva", "Ek", "eva@kund.example", "", "", "06 55"),
    )
    imported(register, tmp_path / "a.csv", table(heads, *rows))
    one, two = (person(register, row[4])["id"] for row in rows[:2])
    before = register.contents()
    with reading(register.engine) as connection:
        (found,) = likely(connection, 10)
    assert found.contacts == (one, two)
    assert [reason.split()[1] for reason in found.reasons] == ["telephone", "name", "address"]
    assert register.contents() == before


def test_who_is_split_off_has_said_what_the_one_contact_said(register: Register, asa: int) -> None:
    news = added_list(register).id
    added(register, asa, OTHER)
    with answering_a_no(register.engine) as connection:
        subscriptions.unsubscribe(connection, Unsubscription(asa, news, "link", ""), TESTER)
        done = parting.split_off(
            connection, register.ring, asa, told(first_name="Asta", last_name="Öberg", email=OTHER), TESTER
        )
    asta = done["new"]
    assert subscribed(register, OTHER) == "unsubscribed"
    assert standing(register, asta) == standing(register, asa) == {("unsubscribed", "address", news)}
    assert (shown(register, asta)["first_name"], shown(register, asa)["further_addresses"]) == ("Asta", [])
    for values, error in (({"email": ASA}, RefusedOperation), ({"first_name": "X"}, InputError)):
        with pytest.raises(error), answering_a_no(register.engine) as connection:
            parting.split_off(connection, register.ring, asa, told(**values), TESTER)
