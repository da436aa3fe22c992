"""What a person's own word takes back: their own noes wherever they stand, and nobody else's under a typed address."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.principal import Principal
from campaigns.register import contacts, corrections, own_words, subscriptions
from campaigns.register.objections import No, Scope, SubjectKey, suppress
from campaigns.register.permit import answering_a_no
from campaigns.rights import erasure, requests
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.gate.test_older_keys import second_key
from tests.support.register import LIST_ID, TESTER, Register, made_register

PLACE = {
    "first_name": "Bo",
    "last_name": "Berg",
    "street": "Ågatan 2",
    "postal_code": "65100",
    "city": "Vasa",
}
MALLORY, BO = 1, 2


@pytest.fixture
def register(sqlite_url: str, tmp_path: Path) -> Iterator[Register]:
    with made_register(sqlite_url, tmp_path / "secrets") as made:
        yield made


def lives_there(register: Register, contact: int) -> None:
    correction = corrections.Correction(PLACE, "preference page", "person", "link")
    with answering_a_no(register.engine) as connection:
        corrections.edit(connection, register.ring, contact, correction, Principal(f"contact:{contact}"))


def objects(register: Register, contact: int, proof: str = "link of delivery 7.1") -> None:
    with answering_a_no(register.engine) as connection:
        principal = Principal(f"contact:{contact}")
        subscriptions.object_to_marketing(connection, contact, "link", proof, principal)


def erased(register: Register, contact: int) -> None:
    with writing(register.engine) as connection:
        asked = requests.Asked(kind="erasure", came_by="operator", contact_id=contact, evidence="letter")
        number = requests.open_request(connection, asked, TESTER)
    requests.identify(register.engine, number, requests.Identification("mailbox"), TESTER)
    erasure.erase(register.engine, register.ring, number, TESTER)


def takeable(register: Register, contact: int) -> list[str]:
    """The subjects of what may be taken back."""
    table = schema.suppression.c
    with reading(register.engine) as connection:
        own = own_words.takeable(connection, subscriptions.keys_of(connection, contact))
        rows = connection.execute(sa.select(table.subject).where(table.id.in_(own)))
        return sorted(rows.scalars())


@pytest.mark.parametrize("first", ["typed", "erased"])
def test_whoever_types_the_address_of_a_forgotten_person_takes_nothing_back(
    register: Register, first: str
) -> None:
    lives_there(register, BO)
    objects(register, BO, "link of delivery 7.2")
    if first == "typed":
        lives_there(register, MALLORY)
    erased(register, BO)
    if first == "erased":
        lives_there(register, MALLORY)
    objects(register, MALLORY)
    assert takeable(register, MALLORY) == ["address"]


def test_what_was_said_at_once_or_carried_over_is_taken_back_everywhere(register: Register) -> None:
    objects(register, BO)
    lives_there(register, BO)
    assert takeable(register, BO) == ["address", "postal"], "carried over to the postal address"
    with answering_a_no(register.engine) as connection:
        leaving = subscriptions.Unsubscription(BO, LIST_ID, "office", "a call")
        subscriptions.unsubscribe(connection, leaving, TESTER)
    assert takeable(register, BO) == ["address", "address", "postal", "postal"]


def test_under_another_fingerprint_key_too(register: Register) -> None:
    lives_there(register, BO)
    with answering_a_no(register.engine) as connection:
        leaving = subscriptions.Unsubscription(BO, LIST_ID, "office", "a call")
        subscriptions.unsubscribe(connection, leaving, TESTER)
    ring = second_key(register)
    renewed = corrections.Correction({"first_name": "Bo Erik"}, "phone", "person", "call")
    with answering_a_no(register.engine) as connection:
        corrections.edit(connection, ring, BO, renewed, TESTER)
    assert set(takeable(register, BO)) == {"address", "postal"}
    with reading(register.engine) as connection:
        keys = subscriptions.keys_of(connection, BO)
        assert {key.key_id for key in keys} == {2}
        own = own_words.takeable(connection, keys)
        table = schema.suppression.c
        stands = sa.select(table.id).where(table.subject_key.in_([key.key for key in keys]))
        assert own == set(connection.execute(stands).scalars())


def test_who_has_no_mailbox_takes_back_what_they_said_themselves(register: Register) -> None:
    lives_there(register, BO)
    with writing(register.engine) as connection:
        table = schema.contact
        connection.execute(sa.update(table).where(table.c.id == BO).values(email=None, email_key=None))
    objects(register, BO)
    assert takeable(register, BO) == ["postal"]
    (key,) = postal(register, BO)
    with answering_a_no(register.engine) as connection:
        suppress(connection, No("manual", key, Scope(), "office", "a call"), TESTER)
    assert takeable(register, BO) == ["postal"]


def test_equal_words_on_another_day_are_another_act(register: Register) -> None:
    with answering_a_no(register.engine) as connection:
        leaving = subscriptions.Unsubscription(BO, LIST_ID, "office", "a call")
        subscriptions.unsubscribe(connection, leaving, TESTER)
    with writing(register.engine) as connection:
        table = schema.suppression
        earlier = utc_now() - timedelta(days=1)
        connection.execute(sa.update(table).values(recorded_at=earlier))
        key = register.ring.fingerprint("postal", contacts.postal_text(PLACE))
        at_home = SubjectKey("postal", 1, key)
    with answering_a_no(register.engine) as connection:
        scope = Scope(list_id=LIST_ID)
        suppress(connection, No("unsubscribed", at_home, scope, "office", "a call"), TESTER)
    lives_there(register, BO)
    assert takeable(register, BO) == ["address"]


def postal(register: Register, contact: int) -> list[SubjectKey]:
    with reading(register.engine) as connection:
        return [it for it in subscriptions.keys_of(connection, contact) if it.subject == "postal"]
