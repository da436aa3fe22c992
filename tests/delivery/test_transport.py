"""Envelopes and letters: what may go on the wire."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.delivery.smarthost import open_transport
from campaigns.delivery.smarthost_url import parse_smarthost_url
from campaigns.delivery.transport import Accepted, ContentFault, Envelope, checked_letter, wire_fault
from campaigns.errors import AddressFault
from campaigns.register.clearance import DeliveryRef
from tests.support.gate import always, clearance_for
from tests.support.letters import make_letter
from tests.support.smtp_sink import Script, SmtpSink

GOOD = "kund@mottagare.example"
FAULTY = [
    "", "kund", "@mottagare.example", "kund@", "kund@mottagare.example\r\n", "ku\rnd@mottagare.example",
    "ku\nnd@mottagare.example", "ku nd@mottagare.example", "kund@mottagare.example>", "<kund@mottagare.example",
    "kund@mottagare.example> SIZE=1", "kund@a@mottagare.example", "ku\0nd@mottagare.example", '"a"@m.example',
    "kund@mottagare.example,annan@mottagare.example", "ku\u2028nd@mottagare.example", "ku\u00a0nd@mottagare.example",
    "ku\x7fnd@mottagare.example", "kund@[127.0.0.1]", "kund@-mottagare.example", "kund@mottagare.example.",
    "kund@möttagare.example", "a" * 65 + "@mottagare.example", "å" * 33 + "@mottagare.example",
    "kund@" + "a." * 125 + "example", "ku\ud800nd@mottagare.example", "@a.example:kund@mottagare.example",
]  # fmt: skip


@pytest.mark.parametrize("address", FAULTY, ids=ascii)
def test_an_address_that_could_be_more_than_one_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(AddressFault) as fault:
        Envelope(GOOD, address)
    assert not address or address not in str(fault.value)
    if address:
        with pytest.raises(AddressFault):
            Envelope(address, GOOD)


@pytest.mark.parametrize(
    "address",
    [
        GOOD,
        "a" * 64 + "@mottagare.example",
        "o'brien+nyhet=1@xn--mttagare-n4a.example",
        "å" * 32 + "@m.example",
        "a@b",
        "a@" + "b" * 252,
        ".a..b.@mottagare.example",
    ],
)
def test_plain_addresses_are_taken_as_they_are(address: str) -> None:
    assert Envelope("", address).recipient == address
    assert Envelope(address, GOOD).sender == address


@pytest.mark.parametrize(
    "sender, recipient, needs",
    [(GOOD, GOOD, False), ("", GOOD, False), ("", "åsa@m.example", True), ("åsa@m.example", GOOD, True)],
)
def test_smtputf8_is_needed_for_local_parts_beyond_ascii(sender: str, recipient: str, needs: bool) -> None:
    assert Envelope(sender, recipient).needs_smtputf8 is needs


@given(st.text(max_size=40), st.sampled_from(["@mottagare.example", "", ">"]))
def test_no_address_can_end_its_command(local: str, rest: str) -> None:
    try:
        envelope = Envelope("", local + rest)
    except AddressFault:
        return
    assert not re.search(r"[\x00-\x20<>\x7f]", envelope.recipient)


SMUGGLING = [
    b"\r\n.\r\n", b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\r\n.\n", b"\n.\r", b"\r.\n",
]  # fmt: skip


@pytest.mark.parametrize("end", SMUGGLING, ids=repr)
def test_every_spelling_of_an_end_within_the_message_is_found(end: bytes) -> None:
    content = b"Subject: a\r\n\r\nfirst" + end + b"MAIL FROM:<smuggled@annan.example>\r\n"
    assert wire_fault(content) is not None
    with pytest.raises(ContentFault):
        checked_letter(DeliveryRef(1, 1), Envelope("", GOOD), content)


@pytest.mark.parametrize(
    "content, problem",
    [
        (b"", "does not end"),
        (b"a", "does not end"),
        (b"a\n", "does not end"),
        (b"a\rb\r\n", "stands alone"),
        (b"a\nb\r\n", "stands alone"),
        (b"a\r\r\n", "stands alone"),
        (b".a\r\n", "begins with a dot"),
        (b"a\r\n.b\r\n", "begins with a dot"),
        (b"a\r\n.\r\n", "begins with a dot"),
        (b"a" * 999 + b"\r\n", "longer than 998"),
    ],
)
def test_what_must_not_go_on_the_wire_is_named(content: bytes, problem: str) -> None:
    assert problem in (wire_fault(content) or "")


@pytest.mark.parametrize(
    "content", [b"\r\n", b"a\r\n", b"a" * 998 + b"\r\n", b"a.\r\nb..\r\n\r\n", b" .\r\n"]
)
def test_clean_content_has_no_fault(content: bytes) -> None:
    assert wire_fault(content) is None


@given(st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b".", b"a", b"a\r\n"]), max_size=12).map(b"".join))
def test_content_without_fault_is_one_message_for_the_most_careless_server(content: bytes) -> None:
    content += b"\r\n"
    if wire_fault(content) is None:
        ends = re.findall(rb"(?:\r\n|\r|\n)\.(?:\r\n|\r|\n)", b"\r\n" + content + b".\r\n")
        assert len(ends) == 1
        assert (b"\r\n" + content + b".\r\n").endswith(b"\r\n.\r\n")


def test_a_server_open_to_smuggling_gets_exactly_the_messages_that_were_sent() -> None:
    letters = [make_letter(number) for number in range(20)]
    with SmtpSink(Script(lenient=True)) as sink:
        url = parse_smarthost_url(f"smtp://127.0.0.1:{sink.port}")
        transport = open_transport(url, ehlo_name="utskick.example", begun=lambda _: None)
        for letter in letters:
            assert isinstance(transport.hand_over(letter, clearance_for(letter), always(letter)), Accepted)
        transport.close()
        assert [message.content for message in sink.messages] == [letter.content for letter in letters]
