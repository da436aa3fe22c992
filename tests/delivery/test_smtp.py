"""The SMTP client against a real socket: a message up to its dot and after it, whatever the smarthost does."""

import threading

import pytest

from campaigns.delivery.transport import (
    Accepted,
    Deferred,
    Outcome,
    Rejected,
    Timeouts,
    Uncertain,
)
from tests.delivery.handing_over import (
    ONE,
    TWO,
    arrived,
    connect,
    hand_over,
    hand_over_all,
    sent_to,
    waiting_gate,
)
from tests.support.gate import Gate, clearance_for
from tests.support.letters import make_letter
from tests.support.smtp_sink import Answer, Rule, Script, SmtpSink


def test_a_thousand_messages_over_one_connection_arrive_once_each_and_byte_for_byte() -> None:
    letters = [make_letter(number, octets=2_000) for number in range(1_000)]
    with SmtpSink() as sink:
        transport = connect(sink)
        assert all(isinstance(outcome, Accepted) for outcome in hand_over_all(transport, letters))
        transport.close()
        assert [message.content for message in sink.messages] == [letter.content for letter in letters]
        assert set(sink.count().values()) == {1}
        assert len(sink.sessions) == 1
        assert sink.sessions[0].lines[-1] == b"QUIT"


def test_threads_with_a_transport_each_do_not_mix_their_messages() -> None:
    def work(sink: SmtpSink, first: int) -> None:
        transport = connect(sink)
        hand_over_all(transport, [make_letter(number) for number in range(first, first + 100)])
        transport.close()

    with SmtpSink() as sink:
        threads = [threading.Thread(target=work, args=(sink, start)) for start in (0, 1_000, 2_000, 3_000)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expected = {make_letter(start + n).content for start in (0, 1_000, 2_000, 3_000) for n in range(100)}
        assert len(sink.messages) == 400
        assert {message.content for message in sink.messages} == expected


def test_envelope_and_recipient_are_those_of_the_letter() -> None:
    with SmtpSink() as sink:
        sent_to(sink)
        assert [(message.sender, message.recipient) for message in sink.messages] == [
            (letter.envelope.sender, letter.envelope.recipient) for letter in (make_letter(1), make_letter(2))
        ]


def test_commands_go_in_groups_only_where_the_server_offers_it() -> None:
    with SmtpSink() as grouped, SmtpSink() as single:
        sent_to(grouped, pipelining=True)
        sent_to(single, pipelining=False)
        assert grouped.sessions[0].eager > 0
        assert single.sessions[0].eager == 0


def test_replies_may_come_octet_by_octet() -> None:
    dripping = [
        Rule("mail", Answer(b"250-2.1.0 one\r\n250 2.1.0 two\r\n", drip=True)),
        Rule("rcpt", Answer(b"250 2.1.5 ok\r\n", drip=True)),
        Rule("data", Answer(b"354 go\r\n", drip=True)),
        Rule("dot", Answer(b"250-2.0.0 taken\r\n250 2.0.0 as 4711\r\n", drip=True)),
    ]
    with SmtpSink() as sink:
        outcomes = sent_to(sink, *dripping)
        assert outcomes == [Accepted(250, "2.0.0", "taken\nas 4711")] * 2
        assert arrived(sink) == [ONE, TWO]


# Before the dot: certainly not delivered.


def test_a_connection_that_breaks_before_the_dot_defers_without_spending_an_attempt() -> None:
    with SmtpSink(Script(rules=[Rule("body", Answer(reset=True), times=1)])) as sink:
        letter = make_letter(1, octets=200_000)
        transport = connect(sink)
        gate = waiting_gate(letter, lambda: sink.wait_until("quit"))
        outcome = transport.hand_over(letter, clearance_for(letter), gate)
        assert isinstance(outcome, Deferred)
        assert (outcome.code, outcome.stage, outcome.spends_attempt) == (None, "data", False)
        assert isinstance(hand_over(transport, make_letter(2)), Accepted)
        transport.close()
        assert arrived(sink) == [TWO]


def test_a_connection_that_breaks_within_the_body_defers_without_spending_an_attempt() -> None:
    with SmtpSink() as sink:
        letters = [make_letter(1, octets=20_000_000), make_letter(2)]
        outcome, second = sent_to(sink, Rule("body", Answer(reset=True), times=1), letters=letters)
        assert isinstance(outcome, Deferred)
        assert not outcome.spends_attempt
        assert isinstance(second, Accepted)
        assert arrived(sink) == [TWO]


def test_a_refusal_in_the_middle_of_the_body_counts() -> None:
    refusal = Answer(b"552 5.3.4 far too big\r\n", cut=True)
    with SmtpSink() as sink:
        letters = [make_letter(1, octets=20_000_000), make_letter(2)]
        outcome, second = sent_to(sink, Rule("body", refusal, times=1), letters=letters)
        assert outcome == Rejected(552, "5.3.4", "far too big", "data")
        assert isinstance(second, Accepted)
        assert arrived(sink) == [TWO]


def test_a_withheld_message_leaves_no_dot_no_rset_and_no_quit() -> None:
    with SmtpSink() as sink:
        letter = make_letter(1)
        transport = connect(sink)
        transport.hand_over(letter, clearance_for(letter), Gate(letter, "yes", "no"))
        sink.wait_until("quit")
        transport.close()
        assert sink.messages == []
        assert sink.sessions[0].lines[-1] == b"DATA"
        assert letter.content.startswith(sink.sessions[0].unfinished)


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_reply_out_of_turn_ends_the_connection_before_the_body(pipelining: bool) -> None:
    spoken = Rule("data", Answer(b"354 go\r\n250 2.0.0 already queued\r\n"), times=1)
    with SmtpSink() as sink:
        first, second = sent_to(sink, spoken, pipelining=pipelining, letters=[make_letter(1), make_letter(2)])
        assert isinstance(first, Deferred)
        assert not first.spends_attempt
        assert isinstance(second, Accepted)
        assert arrived(sink) == [TWO]


def test_no_letter_ever_travels_in_the_envelope_announced_for_another() -> None:
    with SmtpSink() as sink:
        transport = connect(sink)
        for number in range(5):
            assert isinstance(hand_over(transport, make_letter(number), make_letter(number + 100)), Accepted)
        transport.close()
        for number, message in enumerate(sink.messages):
            letter = make_letter(number)
            assert (message.recipient, message.content) == (letter.envelope.recipient, letter.content)


def test_an_announced_message_is_called_off_by_hanging_up() -> None:
    with SmtpSink() as sink:
        transport = connect(sink)
        hand_over(transport, make_letter(1), make_letter(2))
        transport.close()
        sink.wait_until("quit")
        # A connection that is reset may take with it what the server had not read yet.
        assert sink.sessions[0].lines[-1].startswith((b"MAIL FROM:", b"RCPT TO:", b"DATA"))
        assert sink.sessions[0].unfinished == b""


def test_a_clearance_that_ran_out_does_not_even_open_a_connection_before_the_gate_was_asked() -> None:
    with SmtpSink() as sink:
        letter = make_letter(1)
        connect(sink).hand_over(letter, clearance_for(letter, -1), Gate(letter, "no"))
        assert sink.sessions == []


# After the dot.


def test_a_connection_that_breaks_after_the_dot_is_uncertain_and_not_tried_again() -> None:
    with SmtpSink() as sink:
        first, second = sent_to(sink, Rule("dot", Answer(cut=True), times=1))
        assert isinstance(first, Uncertain)
        assert isinstance(second, Accepted)
        assert arrived(sink) == [ONE, TWO]
        assert len(sink.sessions) == 2


@pytest.mark.parametrize(
    "garbage",
    [
        b"HELLO\r\n",
        b"199 one\r\n",
        b"600 six\r\n",
        b"2500 ok\r\n",
        b"25\r\n",
        b"354 go on\r\n",
        b"\r\n",
        b"250 " + b"x" * 10_000 + b"\r\n",
        b"250-on\r\n" * 200,
        b"x" * 100_000,
        bytes(range(256)) + b"\n",
    ],
    ids=lambda garbage: repr(garbage[:12]),
)
def test_garbage_after_the_dot_is_uncertain(garbage: bytes) -> None:
    with SmtpSink() as sink:
        first, second = sent_to(sink, Rule("dot", Answer(garbage), times=1))
        assert isinstance(first, Uncertain)
        assert isinstance(second, Accepted)
        assert sink.count() == {ONE: 1, TWO: 1}
        assert len(sink.sessions) == 2


def test_silence_after_the_dot_is_uncertain() -> None:
    with SmtpSink(Script(rules=[Rule("dot", Answer(), times=1)])) as sink:
        transport = connect(sink, Timeouts(dot=0.1))
        assert isinstance(hand_over(transport, make_letter(1)), Uncertain)
        transport.close()


def test_a_reply_that_trickles_runs_out_of_the_time_for_the_whole() -> None:
    trickle = Answer(b"250 2.0.0 " + b"x" * 100 + b"\r\n", drip=True, pause=0.02)
    with SmtpSink(Script(rules=[Rule("dot", trickle, times=1)])) as sink:
        transport = connect(sink, Timeouts(dot=0.3))
        assert isinstance(hand_over(transport, make_letter(1)), Uncertain)
        transport.close()


@pytest.mark.parametrize(
    "reply, expected",
    [
        (b"451 4.7.1 later\r\n", Deferred(451, "4.7.1", "later", "dot", spends_attempt=True)),
        (b"452 4.3.1 full\r\n", Deferred(452, "4.3.1", "full", "dot", spends_attempt=False)),
        (b"554 5.7.1 spam\r\n", Rejected(554, "5.7.1", "spam", "dot")),
        (b"550 5.1.1 nobody\r\n", Rejected(550, "5.1.1", "nobody", "dot")),
        (b"250\r\n", Accepted(250, None, "")),
        (b"250 OK\n", Accepted(250, None, "OK")),
        (b"250 tack f\xf6r brevet\r\n", Accepted(250, None, "tack f\N{REPLACEMENT CHARACTER}r brevet")),
    ],
)
def test_an_answer_to_the_dot_is_an_answer_and_the_connection_goes_on(
    reply: bytes, expected: Outcome
) -> None:
    with SmtpSink() as sink:
        first, second = sent_to(sink, Rule("dot", Answer(reply), times=1))
        assert first == expected
        assert isinstance(second, Accepted)
        assert len(sink.sessions) == 1


def test_421_to_the_dot_defers_and_ends_the_connection() -> None:
    with SmtpSink() as sink:
        first, second = sent_to(sink, Rule("dot", Answer(b"421 4.3.2 closing\r\n"), times=1))
        assert first == Deferred(421, "4.3.2", "closing", "dot", spends_attempt=False)
        assert isinstance(second, Accepted)
        assert arrived(sink) == [TWO]
        assert len(sink.sessions) == 2
