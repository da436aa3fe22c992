"""Handing letters over to a sink that is told how to behave."""

from collections.abc import Callable

from campaigns.delivery.smarthost import open_transport
from campaigns.delivery.smarthost_url import parse_smarthost_url
from campaigns.delivery.transport import (
    Letter,
    Outcome,
    Timeouts,
    Transport,
)
from campaigns.register.clearance import Verdict
from tests.support.gate import Gate, always, clearance_for
from tests.support.letters import make_letter, message_id
from tests.support.smtp_sink import Rule, Script, SmtpSink


def connect(sink: SmtpSink, timeouts: Timeouts | None = None, scheme: str = "smtp") -> Transport:
    return open_transport(
        parse_smarthost_url(f"{scheme}://127.0.0.1:{sink.port}"),
        ehlo_name="utskick.example",
        begun=lambda _: None,
        timeouts=timeouts,
    )


def hand_over(transport: Transport, letter: Letter, following: Letter | None = None) -> Outcome:
    upcoming = following.envelope if following is not None else None
    return transport.hand_over(letter, clearance_for(letter), always(letter), upcoming=upcoming)


def hand_over_all(transport: Transport, letters: list[Letter]) -> list[Outcome]:
    followings: list[Letter | None] = [*letters[1:], None]
    return [hand_over(transport, *pair) for pair in zip(letters, followings, strict=True)]


def sent_to(
    sink: SmtpSink, *rules: Rule, letters: list[Letter] | None = None, **script: bool
) -> list[Outcome]:
    """What becomes of the letters (two if not said) at a sink with these rules."""
    sink.script = Script(rules=list(rules), **script)  # type: ignore[arg-type]  # names of switches
    transport = connect(sink)
    outcomes = hand_over_all(transport, letters or [make_letter(1), make_letter(2)])
    transport.close()
    for session in range(len(sink.sessions)):
        sink.wait_until("quit", session)
    return outcomes


def arrived(sink: SmtpSink) -> list[str]:
    return [message.message_id for message in sink.messages]


ONE, TWO = message_id(make_letter(1)), message_id(make_letter(2))


def waiting_gate(letter: Letter, wait: Callable[[], None]) -> Callable[[], Verdict]:
    """A gate that, when asked the second time (before the dot), first waits for something at the sink."""
    gate = Gate(letter)

    def recheck() -> Verdict:
        if gate.asked == 1:
            wait()
        return gate()

    return recheck
