"""The mail entrance on loopback: what it takes, what it answers, and when."""

from collections.abc import Iterator

import pytest

from campaigns.feedback.mime import MESSAGE_OCTETS
from campaigns.store.engine import make_engine
from tests.feedback.reports import report
from tests.inbound.dialogue import Dialogue
from tests.support.register import LIST_ID, MAIL_DOMAIN, Register
from workers.inbound import InboundContext, InboundListener, start_inbound

NOTE = b"From: anna.lind@kund.example\r\nSubject: unsubscribe\r\n\r\nTack.\r\n"


@pytest.fixture
def listener(register: Register) -> Iterator[InboundListener]:
    made = start_inbound(InboundContext(register.engine, register.tokens, MAIL_DOMAIN), "127.0.0.1", 0)
    yield made
    made.stop()


@pytest.mark.parametrize("hello", ["EHLO", "LHLO"])
def test_a_bounce_stands_when_it_is_answered(
    register: Register, listener: InboundListener, hello: str
) -> None:
    with Dialogue(listener.port, hello) as client:
        assert client.offers.startswith("250")
        assert client.hand_in(register.return_path(), report("x@y.example")).startswith("250 ")
        assert register.noes() == {("hard_bounce", "email", 0)}


@pytest.mark.parametrize("hello", ["EHLO", "LHLO"])
def test_mail_to_the_leaving_address_unsubscribes(
    register: Register, listener: InboundListener, hello: str
) -> None:
    with Dialogue(listener.port, hello) as client:
        assert client.hand_in(register.leaving_address().upper(), NOTE).startswith("250 ")
        assert register.status() == "unsubscribed"
        assert register.noes() == {("unsubscribed", "", LIST_ID)}


def test_an_absence_note_to_the_return_path_does_nothing(
    register: Register, listener: InboundListener
) -> None:
    note = b"Auto-Submitted: auto-replied\r\n" + NOTE
    with Dialogue(listener.port) as client:
        assert client.hand_in(register.return_path(), note).startswith("250 ")
    assert register.events() == [("auto-reply", "recorded")]
    assert register.noes() == set()


def test_only_addresses_of_ours_are_mailboxes(register: Register, listener: InboundListener) -> None:
    genuine = register.return_path()
    flipped = genuine[:4] + ("a" if genuine[4] != "a" else "b") + genuine[5:]
    wrong = [
        flipped,
        "info@" + MAIL_DOMAIN,
        genuine.replace(MAIL_DOMAIN, "other.example"),
        "b-" + register.leaving_address()[2:],
        "u-" + genuine[2:],
        genuine[2:],
        "b-" + "a" * 55 + "@" + MAIL_DOMAIN,
    ]
    with Dialogue(listener.port) as client:
        assert client.say("MAIL FROM:<>").startswith("250")
        answers = {client.say(f"RCPT TO:<{address}>") for address in wrong}
        assert {answer[:3] for answer in answers} == {"550"}
        assert len(answers) == 1
        assert client.say("DATA").startswith("503")


@pytest.mark.parametrize("ending", [b"\n.\n", b"\r.\r\n", b"\n.\r\n", b"\r\n.\n", b"\r\n.\r"])
def test_nothing_after_a_bare_line_end_passes_for_a_command(
    register: Register, listener: InboundListener, ending: bytes
) -> None:
    hidden = f"MAIL FROM:<>\r\nRCPT TO:<{register.leaving_address()}>\r\nDATA\r\n".encode() + NOTE + b".\r\n"
    with Dialogue(listener.port) as client:
        client.say("MAIL FROM:<>")
        client.say(f"RCPT TO:<{register.return_path()}>")
        client.say("DATA")
        answer = client.put(b"Subject: x\r\n\r\ntext" + ending + hidden)
        assert answer.startswith("5")
        assert client.reply() == ""
    assert register.events() == []
    assert register.status() == "subscribed"


def test_dots_are_taken_away_once(register: Register, listener: InboundListener) -> None:
    stuffed = NOTE + b"..\r\n"
    with Dialogue(listener.port) as client:
        assert client.hand_in(register.leaving_address(), stuffed).startswith("250")
        assert client.say("NOOP").startswith("250")


def test_a_message_over_the_limit_is_refused_and_the_next_one_taken(
    register: Register, listener: InboundListener
) -> None:
    too_much = (b"a" * 998 + b"\r\n") * (MESSAGE_OCTETS // 1000 + 1)
    with Dialogue(listener.port) as client:
        assert client.hand_in(register.leaving_address(), too_much).startswith("552")
        assert register.events() == []
        assert client.hand_in(register.leaving_address(), NOTE).startswith("250")


@pytest.mark.parametrize(
    "content", [b"\r\n", b"\0\xff\xfe\r\n", b"Content-Type: multipart/report\r\n\r\n--\r\n"]
)
def test_what_cannot_be_read_ends_nothing(
    register: Register, listener: InboundListener, content: bytes
) -> None:
    with Dialogue(listener.port) as client:
        assert client.hand_in(register.return_path(), content).startswith("250")
        assert client.hand_in(register.return_path(), report("x@y.example")).startswith("250")
    assert register.noes() == {("hard_bounce", "email", 0)}


def test_a_database_that_is_away_is_answered_try_again(register: Register) -> None:
    nowhere = make_engine("postgresql://nobody@/none?host=/nonexistent")
    made = start_inbound(InboundContext(nowhere, register.tokens, MAIL_DOMAIN), "127.0.0.1", 0)
    try:
        with Dialogue(made.port) as client:
            assert client.hand_in(register.leaving_address(), NOTE).startswith("451")
            assert client.say("NOOP").startswith("250")
    finally:
        made.stop()
    assert register.status() == "subscribed"


def test_a_failure_of_ours_is_answered_try_again_without_its_words(
    register: Register, listener: InboundListener
) -> None:
    """The table of events is gone: an error that nobody foresaw."""
    with register.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE feedback_event RENAME TO hidden_event")
    with Dialogue(listener.port) as client:
        answer = client.hand_in(register.leaving_address(), NOTE)
        assert answer == "451 4.3.0 Try again later"
        with register.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE hidden_event RENAME TO feedback_event")
        assert client.hand_in(register.leaving_address(), NOTE).startswith("250")
