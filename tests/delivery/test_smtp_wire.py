"""The dialogue as bytes: replies in any pieces, commands that cannot be broken out of."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.delivery.replies import ReplyFault
from campaigns.delivery.smarthost_url import Credentials
from campaigns.delivery.smtp_wire import (
    Extensions,
    RawReply,
    ReplyReader,
    auth_login,
    auth_plain,
    envelope_group,
    parse_extensions,
)
from campaigns.delivery.transport import Envelope


def replies_in(*pieces: bytes) -> list[RawReply]:
    """All replies that these pieces hold."""
    reader, found = ReplyReader(), []
    for piece in pieces:
        reader.feed(piece)
        while (reply := reader.next()) is not None:
            found.append(reply)
    assert reader.is_empty
    return found


STREAM = b"250-sink.example\r\n250-SIZE 100\r\n250 HELP\r\n250 2.1.0 ok\r\n354 go\r\n250 2.1.0 ok\r\n250\r\n220 bye\n"
REPLIES = [
    RawReply(250, (b"sink.example", b"SIZE 100", b"HELP")),
    RawReply(250, (b"2.1.0 ok",)),
    RawReply(354, (b"go",)),
    RawReply(250, (b"2.1.0 ok",)),
    RawReply(250, (b"",)),
    RawReply(220, (b"bye",)),
]


def test_replies_are_the_same_in_one_piece_and_octet_by_octet() -> None:
    assert replies_in(STREAM) == REPLIES
    assert replies_in(*(bytes([octet]) for octet in STREAM)) == REPLIES


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_replies_are_the_same_however_the_stream_is_cut(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    assert replies_in(*(STREAM[start:end] for start, end in itertools.pairwise(places))) == REPLIES


@pytest.mark.parametrize(
    "garbage",
    [
        b"\r\n",
        b"25\r\n",
        b"2x0 ok\r\n",
        b"100 early\r\n",
        b"600 late\r\n",
        b"250_ok\r\n",
        b"2500\r\n",
        b" 250 ok\r\n",
        *[b"\xb2\xb2\xb2 ok\r\n", b"250 " + b"x" * 5_000 + b"\r\n", b"x" * 5_000, b"250-\r\n" * 101],
    ],
    ids=lambda garbage: repr(garbage[:10]),
)
def test_what_is_no_reply_is_a_fault(garbage: bytes) -> None:
    with pytest.raises(ReplyFault):
        replies_in(garbage)


@given(st.binary(max_size=300))
def test_any_octets_are_replies_or_a_fault_or_not_yet_complete(octets: bytes) -> None:
    reader = ReplyReader()
    try:
        reader.feed(octets)
        while (reply := reader.next()) is not None:
            assert 200 <= reply.code <= 599
    except ReplyFault:
        pass


def test_a_line_that_was_seen_before_may_also_end_a_longer_reply() -> None:
    assert replies_in(b"250 ok\r\n250-first\r\n250 ok\r\n") == [
        RawReply(250, (b"ok",)),
        RawReply(250, (b"first", b"ok")),
    ]


def test_something_unread_is_noticed() -> None:
    reader = ReplyReader()
    reader.feed(b"250 ok\r\n2")
    reader.next()
    assert not reader.is_empty


def test_extensions_are_read_whatever_their_case_and_form() -> None:
    lines = [
        b"sink.example",
        b"pipelining",
        b"STARTTLS",
        b"Size 35882577",
        b"AUTH LOGIN plain",
        b"AUTH=XOAUTH2",
    ]
    assert parse_extensions([*lines, b"SMTPUTF8", b"", b"\xff\xfe"]) == Extensions(
        pipelining=True,
        starttls=True,
        smtputf8=True,
        declares_size=True,
        size=35_882_577,
        auth=frozenset({"LOGIN", "PLAIN", "XOAUTH2"}),
    )


@pytest.mark.parametrize("line", [b"SIZE", b"SIZE 0", b"SIZE -5", b"SIZE many", b"SIZE " + b"9" * 40])
def test_a_size_without_a_limit_is_no_limit(line: bytes) -> None:
    assert parse_extensions([b"sink.example", line]) == Extensions(declares_size=True)


def test_the_servers_own_name_offers_nothing() -> None:
    assert parse_extensions([b"PIPELINING STARTTLS"]) == Extensions()


def test_an_envelope_is_one_group_with_what_the_server_knows() -> None:
    plain, wide = Envelope("", "kund@mottagare.example"), Envelope("a@b.example", "åsa@mottagare.example")
    able = Extensions(declares_size=True, smtputf8=True)
    assert (
        envelope_group(plain, Extensions(), 7)
        == b"MAIL FROM:<>\r\nRCPT TO:<kund@mottagare.example>\r\nDATA\r\n"
    )
    assert envelope_group(wide, able, 7) == (
        "MAIL FROM:<a@b.example> SIZE=7 SMTPUTF8\r\nRCPT TO:<åsa@mottagare.example>\r\nDATA\r\n".encode()
    )
    assert b"SIZE" not in envelope_group(plain, able, None)


def test_credentials_are_encoded_as_their_mechanisms_say() -> None:
    credentials = Credentials("tim", "tanstaaftanstaaf")
    assert auth_plain(credentials) == b"AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n"
    assert auth_login(credentials) == (b"AUTH LOGIN\r\n", b"dGlt\r\n", b"dGFuc3RhYWZ0YW5zdGFhZg==\r\n")
