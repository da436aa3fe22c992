"""Header fields: exact forms, what is refused, and that the standard library reads back what was written."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from email.header import decode_header, make_header

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from campaigns.content import headers
from campaigns.content.headers import HeaderFault

PRINTABLE = st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\u2028\u2029")
CONTROLS = ["\r", "\n", "\x00", "\x1b", "\x7f", "\x85", "\x0b", "\u2028", "\u2029", "\ud800"]


def read(field: bytes, name: str) -> str:
    message = email.message_from_bytes(field + b"\r\n", policy=email.policy.default)
    assert len(message.keys()) == 1
    return str(message[name])


@given(st.text(PRINTABLE, min_size=1))
@example("a" * 500)
@example("ord " * 100 + "ord")
@example("=?utf-8?q?fake?=")
@example("two  blanks")
@example("👩‍👩‍👧‍👦" * 20)
def test_a_subject_is_read_back(subject: str) -> None:
    assume(subject.strip())
    field = headers.text_field("Subject", subject)
    assert field.count(b"Subject:") == 1
    assert all(len(line) <= 76 for line in field.split(b"\r\n"))
    if subject == subject.strip() and not subject[0].isspace():
        assert read(field, "Subject") == subject


@given(st.text(PRINTABLE, min_size=1, max_size=300))
@example('O"Neill, \\ (Ann) <x@y.example>')
@example("Åsa " * 40)
def test_a_display_name_never_becomes_a_second_mailbox(name: str) -> None:
    field = headers.mailbox_field("To", name, "asa@kund.example")
    message = email.message_from_bytes(field + b"\r\n", policy=email.policy.default)
    assert [address.addr_spec for address in message["To"].addresses] == ["asa@kund.example"]
    assert all(len(line) <= 76 for line in field.split(b"\r\n"))
    # The library's own reading of a long phrase puts blanks between encoded words; RFC 2047 section 6.2 drops them.
    phrase = (
        field.removeprefix(b"To:")
        .strip()
        .removesuffix(b"asa@kund.example")
        .removesuffix(b"<asa@kund.example>")
    )
    if b"=?" in phrase:
        assert str(make_header(decode_header(phrase.decode().strip()))) == name.strip(" ")


@pytest.mark.parametrize(
    "name, field",
    [
        ("", b"To: a@b.example\r\n"),
        ("Ann Lee", b"To: Ann Lee <a@b.example>\r\n"),
        ("Lee, Ann", b'To: "Lee, Ann" <a@b.example>\r\n'),
        ('A "B" \\', b'To: "A \\"B\\" \\\\" <a@b.example>\r\n'),
        ("Öö", b"To: =?utf-8?b?w5bDtg==?= <a@b.example>\r\n"),
        ("Åsa Andersson Berg", b"To: =?utf-8?q?=C3=85sa_Andersson_Berg?= <a@b.example>\r\n"),
    ],
)
def test_display_names_in_their_shortest_form(name: str, field: bytes) -> None:
    assert headers.mailbox_field("To", name, "a@b.example") == field


@pytest.mark.parametrize("control", CONTROLS)
def test_control_characters_are_refused_and_not_repeated(control: str) -> None:
    attempts: list[Callable[[], bytes]] = [
        lambda: headers.mailbox_field("To", f"Secret{control}Bcc: x@y.example", "a@b.example"),
        lambda: headers.mailbox_field("To", "", f"secret{control}@b.example"),
        lambda: headers.text_field("Subject", f"Secret{control}Bcc: x@y.example"),
        lambda: headers.message_id_field(f"<secret{control}@b.example>"),
        lambda: headers.list_id_field(f"Secret{control}", "news.b.example"),
        lambda: headers.list_unsubscribe_field(f"https://b.example/secret{control}", None),
        lambda: headers.feedback_id_field(f"1:secret{control}:utskick"),
        lambda: headers.constant_field("X-Test", f"secret{control}"),
    ]
    for attempt in attempts:
        with pytest.raises(HeaderFault) as caught:
            attempt()
        assert "ecret" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["", "a", "a@", "@b.example", "a@b@c.example", "a b@c.example", "a@b.example, c@d.example", "å@b.example",
     "a@företag.example", "a..b@c.example", "<a@b.example>", "a@b_c.example", "a@" + "b" * 260 + ".example"],
)  # fmt: skip
def test_only_one_plain_ascii_address_is_taken(address: str) -> None:
    with pytest.raises(HeaderFault):
        headers.mailbox_field("To", "Ann", address)


def test_list_unsubscribe_is_folded_only_at_the_comma() -> None:
    link = "https://mail.example/u/" + "A" * 300
    field = headers.list_unsubscribe_field(link, "mailto:u-abc@mail.example")
    assert field == f"List-Unsubscribe: <{link}>,\r\n <mailto:u-abc@mail.example>\r\n".encode()


@pytest.mark.parametrize(
    "link", ["javascript:x", "https://a.example/ b", "https://a.example/>", "https://a.example/å"]
)
def test_list_unsubscribe_takes_no_other_link(link: str) -> None:
    with pytest.raises(HeaderFault):
        headers.list_unsubscribe_field(link, None)


def test_list_id_leaves_out_a_phrase_that_would_need_encoding() -> None:
    assert headers.list_id_field("News", "news.a.example") == b'List-Id: "News" <news.a.example>\r\n'
    assert headers.list_id_field("Från sågen", "news.a.example") == b"List-Id: <news.a.example>\r\n"


@pytest.mark.parametrize("value", ["a:b:c:d:utskick", "a:b:ab", "a:b:" + "s" * 16, "a b:utskick", ""])
def test_feedback_id_has_at_most_four_fields_and_a_sender_of_5_to_15(value: str) -> None:
    with pytest.raises(HeaderFault):
        headers.feedback_id_field(value)


def test_the_date_is_numeric_and_independent_of_the_locale() -> None:
    moment = datetime(2026, 3, 1, 7, 5, 9, tzinfo=UTC)
    assert headers.date_field(moment) == b"Date: Sun, 01 Mar 2026 07:05:09 +0000\r\n"
    east = moment.astimezone(timezone(timedelta(hours=2)))
    assert headers.date_field(east) == b"Date: Sun, 01 Mar 2026 09:05:09 +0200\r\n"
    with pytest.raises(ValueError, match="time zone"):
        headers.date_field(moment.replace(tzinfo=None))
