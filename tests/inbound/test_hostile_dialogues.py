"""Clients that are broken, greedy or ill-meaning: each gets a clear reply, none gets anything through."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from campaigns.clock import boot_seconds
from campaigns.register.permit import ANSWER_MS
from tests.feedback.reports import report
from tests.inbound.dialogue import Dialogue
from tests.support.register import LIST_ID, MAIL_DOMAIN, Register
from workers.inbound import InboundContext, InboundListener, start_inbound
from workers.inbound_dialogue import Limits

NOTE = b"From: anna.lind@kund.example\r\nSubject: unsubscribe\r\n\r\nTack.\r\n"
Starts = Callable[..., InboundListener]


@pytest.fixture
def start(register: Register) -> Iterator[Starts]:
    """Listeners with limits of their own."""
    with ExitStack() as stack:

        def start(**limits: Any) -> InboundListener:
            context = InboundContext(
                register.engine, register.tokens, MAIL_DOMAIN, register.ring, Limits(**limits)
            )
            listener = start_inbound(context, "127.0.0.1", 0)
            stack.callback(listener.stop)
            return listener

        yield start


def test_lmtp_answers_for_each_recipient(register: Register, start: Starts) -> None:
    with Dialogue(start().port, "LHLO") as client:
        wanted = [register.leaving_address(1), "nobody@" + MAIL_DOMAIN, register.leaving_address(2)]
        assert [reply[:3] for reply in client.begin(*wanted)] == ["250", "550", "250"]
        started = boot_seconds()
        assert [reply[:3] for reply in client.content(NOTE, replies=2)] == ["250", "250"]
        assert boot_seconds() - started >= ANSWER_MS / 1000
        assert {register.status(1), register.status(2)} == {"unsubscribed"}
        assert client.say("NOOP").startswith("250")


def test_smtp_answers_once_for_all_recipients(register: Register, start: Starts) -> None:
    with Dialogue(start().port) as client:
        assert {reply[:3] for reply in client.begin(*map(register.leaving_address, (1, 2, 3)))} == {"250"}
        assert [reply[:3] for reply in client.content(NOTE)] == ["250"]
        assert {register.status(number) for number in (1, 2, 3)} == {"unsubscribed"}
        assert client.say("NOOP").startswith("250")


def test_a_client_that_changes_its_greeting_is_answered_by_the_last(
    register: Register, start: Starts
) -> None:
    with Dialogue(start().port, "LHLO") as client:
        assert client.say("EHLO relay.example").startswith("250")
        client.begin(register.leaving_address(1), register.leaving_address(2))
        assert [reply[:3] for reply in client.content(NOTE)] == ["250"]
        assert client.say("NOOP").startswith("250")


def test_the_same_recipient_twice_is_one_event(register: Register, start: Starts) -> None:
    with Dialogue(start().port, "LHLO") as client:
        client.begin(register.leaving_address(), register.leaving_address())
        assert [reply[:3] for reply in client.content(NOTE, replies=2)] == ["250", "250"]
    assert register.events() == [("unsubscribe", "unsubscribed")]
    assert register.noes() == {("unsubscribed", "", LIST_ID)}


def test_more_recipients_than_a_message_may_have_are_put_off(register: Register, start: Starts) -> None:
    with Dialogue(start(recipients=2).port) as client:
        replies = client.begin(*map(register.leaving_address, (1, 2, 3)))
        assert [reply[:3] for reply in replies] == ["250", "250", "452"]
        assert client.content(NOTE)[0].startswith("250")
    assert register.status(3) == "subscribed"


@pytest.mark.parametrize(
    "octets",
    [b"NOOP\n", b"NOOP\rRSET\r\n", b"\n", b"EHLO x\nMAIL FROM:<>\r\n", b"NOOP\r\r\n"],
    ids=["LF", "CR inside", "LF alone", "LF inside", "CR CR LF"],
)
def test_a_command_with_a_bare_line_end_ends_the_connection(start: Starts, octets: bytes) -> None:
    with Dialogue(start().port) as client:
        assert client.put(octets).startswith("521 ")
        assert client.reply() == ""


def test_nothing_is_smuggled_past_the_end_of_data(register: Register, start: Starts) -> None:
    """A second message hidden behind each of the eight ends of data that others take for one."""
    port = start().port
    address = register.leaving_address()
    hidden = f"MAIL FROM:<>\r\nRCPT TO:<{address}>\r\nDATA\r\n".encode() + NOTE + b".\r\n"
    for before in (b"\n", b"\r", b"\r\n", b"\r\r\n"):
        for after in (b"\n", b"\r", b"\r\n", b"\0\r\n"):
            if (before, after) == (b"\r\n", b"\r\n"):
                continue  # the true one
            with Dialogue(port) as client:
                client.begin(register.return_path())
                client.say("DATA")
                reply = client.put(b"Subject: x\r\n\r\ntext" + before + b"." + after + hidden)
                # Behind a NUL the dot is content like any other, and so is all that follows up to the true end.
                assert reply[:3] == ("250" if (before, after) == (b"\r\n", b"\0\r\n") else "521")
    assert register.status() == "subscribed"
    assert register.noes() == set()


def test_unknown_mailboxes_are_asked_for_only_so_often(register: Register, start: Starts) -> None:
    with Dialogue(start(unknown_recipients=3).port) as client:
        replies = client.begin("a@b.example", register.return_path()[:-4] + "x", "c@" + MAIL_DOMAIN)
        assert [reply[:3] for reply in replies] == ["550", "550", "421"]
        assert client.reply() == ""


def test_a_connection_has_its_share_of_messages(register: Register, start: Starts) -> None:
    with Dialogue(start(messages=2).port) as client:
        for number in (1, 2):
            assert client.hand_in(register.leaving_address(number), NOTE).startswith("250")
        assert client.say("MAIL FROM:<>").startswith("421")
        assert client.reply() == ""
    assert register.status(3) == "subscribed"


def test_what_is_more_than_can_be_held_is_put_off(register: Register, start: Starts) -> None:
    listener = start(message_octets=40_000, octets_in_hand=50_000)
    large = NOTE + b"x" * 998 + b"\r\n"
    with Dialogue(listener.port) as slow, Dialogue(listener.port) as other:
        slow.begin(register.leaving_address(1))
        slow.say("DATA")
        slow.start(NOTE + (b"x" * 998 + b"\r\n") * 38)
        _until(lambda: listener.octets_in_hand > 38_000)
        assert other.hand_in(register.leaving_address(2), large * 15).startswith("452")
        assert other.hand_in(register.leaving_address(2), NOTE).startswith("250")
        assert slow.put(b".\r\n").startswith("250")
        assert other.hand_in(register.leaving_address(3), large * 15).startswith("250")
    _until(lambda: listener.octets_in_hand == 0)


def test_a_client_that_leaves_in_the_middle_leaves_nothing(register: Register, start: Starts) -> None:
    listener = start()
    for cut in (b"Subj", NOTE, NOTE + b".", NOTE + b".\r"):
        with Dialogue(listener.port) as client:
            client.begin(register.leaving_address())
            client.say("DATA")
            client.start(cut)
    _until(lambda: not listener.connections)
    assert listener.octets_in_hand == 0
    assert register.events() == []


def test_a_silent_client_is_let_go(start: Starts) -> None:
    listener = start(patience_seconds=0.3)
    with Dialogue(listener.port) as client:
        assert client.reply() == ""
    _until(lambda: not listener.connections)


def test_more_callers_than_are_taken_hear_so(start: Starts) -> None:
    port = start(connections=3).port
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(Dialogue(port))
        with socket.create_connection(("127.0.0.1", port), timeout=30) as late:
            assert late.makefile("rb").read().startswith(b"421 ")


def test_one_caller_leaves_room_for_others(register: Register, start: Starts) -> None:
    listener = start(connections_of_one=2)
    with Dialogue(listener.port) as first, Dialogue(listener.port):
        with socket.create_connection(("127.0.0.1", listener.port), timeout=30) as third:
            assert third.makefile("rb").read().startswith(b"421 ")
        other = ("127.0.0.2", 0)
        with socket.create_connection(("127.0.0.1", listener.port), 30, source_address=other) as neighbour:
            assert neighbour.makefile("rb").readline().startswith(b"220 ")
        first.close()
        _until(lambda: len(listener.connections) <= 1)
        with Dialogue(listener.port) as again:
            assert again.hand_in(register.leaving_address(), NOTE).startswith("250")


@pytest.mark.parametrize(
    "line",
    [
        "MAIL FROM:<a@b.example> SIZE=99999999",
        "MAIL FROM:<a@b.example> BODY=BINARYMIME",
        "MAIL",
        "RCPT TO:<u@x.example>",
        "DATA",
        "BDAT 10 LAST",
        "AUTH PLAIN AGFAYgBj",
        "STARTTLS",
        "ETRN x",
        "TURN",
        "EXPN all",
        "\x00\x01\x02",
        "å" * 300,
        "NOOP " + "x" * 3_000,
        "x" * 200_000,
        "",
    ],
)
def test_a_wrong_command_is_refused_and_the_next_one_heard(
    register: Register, start: Starts, line: str
) -> None:
    with Dialogue(start().port) as client:
        assert client.say(line)[0] in {"4", "5"}
        assert client.hand_in(register.leaving_address(), NOTE).startswith("250")


def test_commands_that_do_no_work_come_to_an_end(start: Starts) -> None:
    with Dialogue(start().port) as client:
        replies = [client.say("NOOP")[:3] for _ in range(201)]
        assert (replies.index("421"), client.reply()) == (200, "")


def test_pipelined_commands_are_answered_in_order(register: Register, start: Starts) -> None:
    with Dialogue(start().port) as client:
        recipients = f"RCPT TO:<{register.leaving_address()}>\r\nRCPT TO:<nobody@{MAIL_DOMAIN}>\r\n"
        first = client.put(f"MAIL FROM:<>\r\n{recipients}DATA\r\n".encode())
        replies = [first, *(client.reply() for _ in range(3))]
        assert [reply[:3] for reply in replies] == ["250", "250", "550", "354"]
        both = NOTE + b".\r\n" + f"MAIL FROM:<>\r\nRCPT TO:<{register.return_path(2)}>\r\nDATA\r\n".encode()
        replies = [client.put(both), *(client.reply() for _ in range(3))]
        assert [reply[:3] for reply in replies] == ["250", "250", "250", "354"]
        assert client.put(report("x@y.example") + b".\r\n").startswith("250")
    assert register.noes() == {("unsubscribed", "", LIST_ID), ("hard_bounce", "email", 0)}


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
