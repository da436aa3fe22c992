"""The SMTP client against a real socket: envelopes, connections that come and go, and what a server can take."""

import itertools

import pytest

from campaigns.delivery.replies import Cause
from campaigns.delivery.transport import (
    Accepted,
    Deferred,
    Outcome,
    Rejected,
    Timeouts,
)
from tests.delivery.handing_over import (
    ONE,
    TWO,
    arrived,
    connect,
    hand_over,
    hand_over_all,
    sent_to,
)
from tests.support.letters import make_letter, message_id
from tests.support.smtp_sink import Answer, Rule, Script, SmtpSink, Stage

# The envelope.


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(
    "reply, expected",
    [
        (b"451 4.7.1 greylisted\r\n", Deferred(451, "4.7.1", "greylisted", "rcpt", spends_attempt=True)),
        (b"552 too many\r\n", Deferred(552, None, "too many", "rcpt", spends_attempt=True)),
        (b"552 5.2.2 full\r\n", Rejected(552, "5.2.2", "full", "rcpt")),
        (b"550 5.7.1 no\r\n", Rejected(550, "5.7.1", "no", "rcpt")),
        (b"550 no such user\r\n", Rejected(550, None, "no such user", "rcpt")),
    ],
)
def test_a_refused_recipient_is_followed_by_rset_on_the_same_connection(
    pipelining: bool, reply: bytes, expected: Outcome
) -> None:
    with SmtpSink() as sink:
        first, second = sent_to(sink, Rule("rcpt", Answer(reply), "kund1@"), pipelining=pipelining)
        assert first == expected
        assert isinstance(second, Accepted)
        assert arrived(sink) == [TWO]
        assert sink.lines.count(b"RSET") == 1
        assert len(sink.sessions) == 1


@pytest.mark.parametrize("announced", [False, True])
def test_a_refused_recipient_with_354_costs_the_connection_and_never_a_lone_dot(announced: bool) -> None:
    letters = (
        [make_letter(3), make_letter(1), make_letter(2)] if announced else [make_letter(1), make_letter(2)]
    )
    rules = (
        Rule("rcpt", Answer(b"550 5.1.1 nobody\r\n"), "kund1@"),
        Rule("data", Answer(b"354 go ahead all the same\r\n")),
    )
    with SmtpSink() as sink:
        outcomes = sent_to(sink, *rules, letters=letters)
        assert outcomes[-2] == Rejected(550, "5.1.1", "nobody", "rcpt")
        assert isinstance(outcomes[-1], Accepted)
        assert [message.content for message in sink.messages] == [
            letter.content for letter in letters if letter != make_letter(1)
        ]
        assert len(sink.sessions) == 2


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_refused_sender_says_nothing_about_the_address_nor_about_the_next_letter(pipelining: bool) -> None:
    refusal = Rule("mail", Answer(b"550 5.1.1 odd\r\n"), times=1)
    with SmtpSink() as sink:
        first, second = sent_to(
            sink, refusal, pipelining=pipelining, letters=[make_letter(1), make_letter(1)]
        )
        assert first == Rejected(550, "5.1.1", "odd", "mail")
        assert isinstance(first, Rejected)
        assert first.cause is not Cause.ADDRESS_DEAD
        assert isinstance(second, Accepted)


@pytest.mark.parametrize("pipelining", [True, False])
def test_data_refused_after_a_good_recipient_is_followed_by_rset(pipelining: bool) -> None:
    with SmtpSink() as sink:
        refusal = Rule("data", Answer(b"451 4.3.0 not now\r\n"), times=1)
        first, second = sent_to(sink, refusal, pipelining=pipelining)
        assert first == Deferred(451, "4.3.0", "not now", "data", spends_attempt=True)
        assert isinstance(second, Accepted)
        assert sink.lines.count(b"RSET") == 1


@pytest.mark.parametrize(
    "stage, raw",
    [
        *itertools.product(("mail", "rcpt"), (b"what?\r\n", b"354 eh\r\n", b"100 eh\r\n")),
        *itertools.product(("data",), (b"what?\r\n", b"250 eh\r\n", b"100 eh\r\n")),
    ],
)
def test_nonsense_in_the_envelope_defers_and_delivers_nothing(stage: Stage, raw: bytes) -> None:
    with SmtpSink() as sink:
        rule = Rule(stage, Answer(raw), times=1)
        first, second = sent_to(sink, rule)
        assert isinstance(first, Deferred)
        assert not first.spends_attempt
        assert isinstance(second, Accepted)
        assert arrived(sink) == [TWO]


# Connections come and go.


@pytest.mark.parametrize(
    "goodbye", [Answer(b"421 4.7.0 enough\r\n", cut=True), Answer(cut=True), Answer(reset=True)]
)
@pytest.mark.parametrize("pipelining", [True, False])
def test_a_server_that_has_had_enough_messages_is_called_again_at_once(
    goodbye: Answer, pipelining: bool
) -> None:
    letters = [make_letter(number) for number in range(9)]
    rules = [Rule("mail", goodbye, skip=2 + n * 3, times=1) for n in range(3)]
    with SmtpSink() as sink:
        outcomes = sent_to(sink, *rules, letters=letters, pipelining=pipelining)
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        assert arrived(sink) == [message_id(letter) for letter in letters]
        assert len(sink.sessions) == 4


def test_a_connection_that_the_server_closed_while_idle_is_made_anew() -> None:
    with SmtpSink(Script(rules=[Rule("dot", Answer(b"250 ok\r\n", cut=True))])) as sink:
        transport = connect(sink)
        for number in (1, 2):
            assert isinstance(hand_over(transport, make_letter(number)), Accepted)
            sink.wait_until("quit", number - 1)
        transport.close()
        assert arrived(sink) == [ONE, TWO]


def test_a_server_that_closes_every_connection_is_called_twice_and_no_more() -> None:
    with SmtpSink(Script(rules=[Rule("mail", Answer(b"421 4.3.2 no\r\n", cut=True), skip=1)])) as sink:
        transport = connect(sink)
        assert isinstance(hand_over(transport, make_letter(1)), Accepted)
        assert hand_over(transport, make_letter(2)) == Deferred(
            421, "4.3.2", "no", "connect", spends_attempt=False
        )
        transport.close()
        assert len(sink.sessions) == 2


@pytest.mark.parametrize(
    "rule",
    [
        Rule("connect", Answer(b"554 5.7.1 go away\r\n")),
        Rule("connect", Answer(b"421 4.3.2 not now\r\n", cut=True)),
        Rule("connect", Answer(cut=True)),
        Rule("connect", Answer(b"SSH-2.0-sink\r\n")),
        Rule("ehlo", Answer(b"550 5.7.1 go away\r\n")),
        Rule("ehlo", Answer(cut=True)),
        Rule("mail", Answer(b"451 4.3.0 trouble\r\n")),
    ],
    ids=lambda rule: f"{rule.stage} {rule.answer.raw[:3]!r}",
)
def test_a_smarthost_that_does_not_serve_spends_nobodys_attempt(rule: Rule) -> None:
    with SmtpSink() as sink:
        outcomes = sent_to(sink, rule)
        assert all(isinstance(outcome, Deferred) and not outcome.spends_attempt for outcome in outcomes)
        assert sink.messages == []
        assert not any(line.startswith(b"DATA") for line in sink.lines if rule.stage != "mail")


def test_a_smarthost_that_is_down_defers() -> None:
    with SmtpSink() as sink:
        pass
    outcome = hand_over(connect(sink), make_letter(1))
    assert isinstance(outcome, Deferred)
    assert (outcome.code, outcome.spends_attempt) == (None, False)
    assert "cannot be reached" in outcome.text


def test_a_smarthost_that_falls_silent_is_not_called_again_at_once() -> None:
    with SmtpSink(Script(rules=[Rule("mail", Answer(), skip=1)], pipelining=False)) as sink:
        transport = connect(sink, Timeouts(mail=0.1))
        assert isinstance(hand_over(transport, make_letter(1)), Accepted)
        assert isinstance(hand_over(transport, make_letter(2)), Deferred)
        transport.close()
        assert len(sink.sessions) == 1


@pytest.mark.parametrize("stage", ["connect", "ehlo", "mail", "rcpt", "data"])
def test_a_silent_smarthost_runs_out_of_the_time_of_that_command(stage: Stage) -> None:
    with SmtpSink(Script(rules=[Rule(stage, Answer())])) as sink:
        transport = connect(sink, Timeouts(greeting=0.1, ehlo=0.1, mail=0.1, rcpt=0.1, data=0.1))
        outcome = hand_over(transport, make_letter(1))
        transport.close()
        assert isinstance(outcome, Deferred)
        assert not outcome.spends_attempt
        assert "no answer in time" in outcome.text
        assert len(sink.sessions) == 1


def test_the_standard_waits_are_those_of_rfc_5321() -> None:
    waits = Timeouts()
    assert (waits.greeting, waits.mail, waits.rcpt, waits.data, waits.block, waits.dot) == (
        300,
        300,
        300,
        120,
        180,
        600,
    )


# What the server can take.


def test_the_size_is_declared_and_a_letter_beyond_the_limit_is_refused_here() -> None:
    small, large = make_letter(1, octets=500), make_letter(2, octets=5_000)
    with SmtpSink(Script(size=2_000)) as sink:
        transport = connect(sink)
        outcomes = hand_over_all(transport, [small, large, make_letter(3)])
        transport.close()
        assert outcomes[1] == Rejected(552, "5.3.4", "larger than the smarthost takes (2000 octets)", "local")
        assert isinstance(outcomes[1], Rejected)
        assert outcomes[1].cause is Cause.TOO_BIG
        assert arrived(sink) == [message_id(small), message_id(make_letter(3))]
        assert f"MAIL FROM:<{small.envelope.sender}> SIZE={len(small.content)}".encode() in sink.lines


@pytest.mark.parametrize("size", [None, 0])
def test_without_a_limit_every_size_goes(size: int | None) -> None:
    with SmtpSink(Script(size=size)) as sink:
        transport = connect(sink)
        assert isinstance(hand_over(transport, make_letter(1, octets=50_000)), Accepted)
        transport.close()
        declared = [line for line in sink.lines if b"SIZE=" in line]
        assert bool(declared) == (size is not None)


@pytest.mark.parametrize("announced", [False, True])
def test_an_address_beyond_ascii_goes_only_where_it_is_offered(announced: bool) -> None:
    letters = [make_letter(1, "åsa@mottagare.example")]
    letters = [make_letter(3), *letters] if announced else letters
    with SmtpSink(Script(smtputf8=True)) as able, SmtpSink() as unable:
        for sink in (able, unable):
            transport = connect(sink)
            outcomes = hand_over_all(transport, [*letters, make_letter(2)])
            transport.close()
            assert isinstance(outcomes[-1], Accepted)
            if sink is able:
                assert isinstance(outcomes[-2], Accepted)
            else:
                assert outcomes[-2] == Rejected(
                    553, "5.6.7", "the smarthost does not take addresses beyond ASCII", "local"
                )
        assert "RCPT TO:<åsa@mottagare.example>".encode() in able.lines
        assert any(line.endswith(b" SMTPUTF8") for line in able.lines)
        assert not any(b"\xc3" in line for line in unable.lines)


def test_lmtp_greets_with_lhlo_and_takes_one_answer_per_letter() -> None:
    with SmtpSink(Script(lmtp=True, rules=[Rule("dot", Answer(b"550 5.1.1 nobody\r\n"), "kund1@")])) as sink:
        transport = connect(sink, scheme="lmtp")
        first, second = hand_over_all(transport, [make_letter(1), make_letter(2)])
        transport.close()
        assert isinstance(first, Rejected)
        assert first.cause is Cause.ADDRESS_DEAD
        assert isinstance(second, Accepted)
        assert sink.lines[0] == b"LHLO utskick.example"
