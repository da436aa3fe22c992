"""E-mail addresses: which spellings are one mailbox, and what goes on the wire. And who may act."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.address import ADDRESS_OCTETS, LOCAL_PART_OCTETS, parse_domain, parse_email
from campaigns.delivery.transport import Envelope
from campaigns.errors import AddressFault
from campaigns.principal import KINDS, Principal

ONE_MAILBOX = [
    ("Anna@Kund.Example", "anna@kund.example"),
    (" anna@kund.example \n", "anna@kund.example"),
    ("anna@företag.example", "anna@xn--fretag-wxa.example"),
    ("anna@FÖRETAG.example", "anna@företag.example"),
    ("anna@fo\u0308retag.example", "anna@företag.example"),
    ("a\u030asa@kund.example", "åsa@kund.example"),
    ("ÅSA@kund.example", "åsa@kund.example"),
    ("Straße@kund.example", "strasse@kund.example"),
    ("anna@kund。example", "anna@kund.example"),
]


@pytest.mark.parametrize("one,other", ONE_MAILBOX)
def test_two_spellings_of_one_mailbox(one: str, other: str) -> None:
    assert parse_email(one).comparison_text == parse_email(other).comparison_text


@pytest.mark.parametrize(
    "one,other", [("anna@kund.example", "anna@kund2.example"), ("a.nna@kund.example", "anna@kund.example")]
)
def test_two_mailboxes(one: str, other: str) -> None:
    assert parse_email(one).comparison_text != parse_email(other).comparison_text


def test_the_owner_s_spelling_goes_on_the_wire_with_an_ascii_domain() -> None:
    address = parse_email("Åsa.Ek@Företag.Example")
    assert address.wire == "Åsa.Ek@xn--fretag-wxa.example"
    assert address.needs_smtputf8
    assert not parse_email("asa@företag.example").needs_smtputf8


REFUSED = [
    *("", " ", "anna", "@kund.example", "anna@", "anna@@kund.example", "anna@kund", "a b@kund.example"),
    *(
        "anna@kund.example, eva@kund.example",
        "Anna <anna@kund.example>",
        "anna@kund.example\r\nBcc: e@x.example",
    ),
    *(
        "anna@-kund.example",
        "anna@kund..example",
        ".anna@kund.example",
        "an..na@kund.example",
        "anna@[127.0.0.1]",
    ),
    *(
        '"an na"@kund.example',
        "an\x00na@kund.example",
        "anna@kund\u200b.example",
        "anna@localhost",
        "a\u2028@kund.example",
    ),
    *("x" * 65 + "@kund.example", "å" * 33 + "@kund.example", "a@" + "b" * 64 + ".example"),
    "a@" + ".".join(["b" * 60] * 5) + ".example",
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressFault) as caught:
        parse_email(text)
    assert len(str(caught.value)) < 300


def test_what_mail_carries_at_the_longest_is_taken() -> None:
    assert parse_email("x" * LOCAL_PART_OCTETS + "@kund.example").local == "x" * 64


letters = st.text(st.characters(exclude_categories=["Cs"]), max_size=70)


@given(letters, letters)
def test_whatever_is_taken_is_one_plain_address(local: str, domain: str) -> None:
    try:
        address = parse_email(f"{local}@{domain}")
    except AddressFault:
        return
    Envelope("", address.wire)  # refuses whatever could be read as more than one address
    assert address.domain.isascii()
    assert address.domain == address.domain.lower()
    assert len(address.wire.encode()) <= ADDRESS_OCTETS
    assert unicodedata.is_normalized("NFC", address.local)
    again = parse_email(address.wire)
    assert (again.wire, again.comparison_text) == (address.wire, address.comparison_text)
    assert parse_email(address.comparison_text).comparison_text == address.comparison_text


@pytest.mark.parametrize("text", ["Företag.example", "@företag.example", " FÖRETAG.EXAMPLE "])
def test_a_domain_is_told_as_it_goes_on_the_wire(text: str) -> None:
    assert parse_domain(text) == "xn--fretag-wxa.example"


@pytest.mark.parametrize("text", ["", "@", "no domain", "a@b.example", "-.example"])
def test_what_is_no_domain_is_refused(text: str) -> None:
    with pytest.raises(AddressFault):
        parse_domain(text)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_principal_has_a_kind_and_a_name(kind: str) -> None:
    assert str(Principal(f"{kind}:x")) == f"{kind}:x"


@pytest.mark.parametrize("name", ["", "x", "os:", ":x", "user:x", "OS:x", "os"])
def test_whoever_has_none_is_nobody(name: str) -> None:
    with pytest.raises(ValueError, match="principal"):
        Principal(name)
