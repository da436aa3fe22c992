"""Letters that plainly ask for a right become cases, once, from the moment they came."""

import pytest
import sqlalchemy as sa

from campaigns.errors import NotFound, RefusedOperation
from campaigns.feedback.ingest import ingest
from campaigns.rights import asked_by_mail, listing
from campaigns.rights.taking_up import TakingUp, take_up
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.support.register import PEOPLE, TESTER, Register


def letter(sender: str, text: str, subject: str = "Hej", to: str = "register@nordhamn.example") -> bytes:
    head = f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    return (head + text.replace("\n", "\r\n")).encode()


@pytest.mark.parametrize(
    "text, kind",
    [
        ("Jag vill ha ett registerutdrag.", "access"),
        ("Hei,\nmitä tietoja teillä on minusta?\nT. Eero", "access"),
        ("This is a subject access request.", "access"),
        ("Vänligen radera alla uppgifter om mig.", "erasure"),
        ("Poistakaa tietoni rekisteristänne, ja lähettäkää kopio tiedoistani.", "erasure"),
        ("I invoke my right to be forgotten.", "erasure"),
        ("Korjatkaa tietoni: uusi numero.", "rectification"),
        ("Please restrict the processing.", "restriction"),
        ("Under Article 20 I ask for data portability.", "portability"),
        ("Tack för ett fint nyhetsbrev!", None),
        ("Tack!\n\nOn Monday Kaj wrote:\n> write to us for a copy of my data", None),
        ("word " * 400 + "registerutdrag", None),
    ],
)
def test_what_is_plainly_asked_is_understood(text: str, kind: str | None) -> None:
    assert asked_by_mail.read(letter("a@b.example", text)) == kind


def test_a_letter_becomes_one_case_of_its_sender(register: Register) -> None:
    anna = PEOPLE[1][0]
    for sender in (anna, "stranger@elsewhere.example"):
        mail = letter(sender, "Jag vill ha ett registerutdrag.")
        ingest(register.engine, register.tokens, mail, None, TESTER, register.ring)
    answer = letter("other@elsewhere.example", "Radera alla uppgifter om mig.", to=register.return_path(2))
    ingest(register.engine, register.tokens, answer, register.return_path(2), TESTER, register.ring)
    thanks = letter(anna, "Tack!")
    ingest(register.engine, register.tokens, thanks, None, TESTER, register.ring)
    letters = TakingUp(register.engine, TESTER)
    assert len(letters.look()) == 3
    assert letters.look() == []
    TakingUp(register.engine, TESTER).look()  # another scheduler, after a restart
    with reading(register.engine) as connection:
        found = listing.requests(connection)
    assert [(it["kind"], it["contact_id"], it["came_by"]) for it in found] == [
        ("access", 1, "mail"),
        ("access", None, "mail"),
        ("erasure", 2, "mail"),
    ]


def test_a_person_takes_up_what_no_rule_understood(sqlite_register: Register) -> None:
    register = sqlite_register
    mail = letter(PEOPLE[1][0], "Vad vet ni?")
    ingest(register.engine, register.tokens, mail, None, TESTER, register.ring)
    with writing(register.engine) as connection:
        assert take_up(connection, 1, "access", TESTER) == take_up(connection, 1, "access", TESTER) == 1
        with pytest.raises(NotFound):
            take_up(connection, 9, "access", TESTER)
        connection.execute(sa.update(schema.parked_mail).values(about_key=None, digest="other"))
        with pytest.raises(RefusedOperation, match="whose it is"):
            take_up(connection, 1, "access", TESTER)
