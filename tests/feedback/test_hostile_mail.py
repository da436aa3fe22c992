"""Mail that means harm: reading it never fails, ends soon, and says the same whatever its line ends are."""

import base64
import quopri
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.feedback import dsn, mime, reader
from campaigns.feedback.parts import taken_apart
from campaigns.feedback.reader import Report, read_report
from campaigns.feedback.report import MessageKind
from tests.feedback.reports import block, report

STATUS_PART = b"Content-Type: message/delivery-status\n\n"
PIECES = (
    b"--skarv", b"--skarv--", b"\n", b"\r\n", b"\r", b"\n\n", b" ", b":", b";", b'"', b"=", b"\0", b"\xff\xfe",
    b"Content-Type: multipart/report; boundary=skarv", b"Content-Type: message/delivery-status",
    b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: quoted-printable",
    b"Content-Type: message/rfc822", b"Final-Recipient: rfc822; a@b.example", b"Action: failed", b"Status: 5.1.1",
    b"Original-Recipient: utf-8; \\x{110000}@b.example", b"Diagnostic-Code: smtp; 550 no such user",
    b"From x", b"Auto-Submitted: auto-replied",
)  # fmt: skip
KINDS = set(get_args(MessageKind))


@given(st.one_of(st.binary(max_size=400), st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join)))
def test_no_octets_make_the_reader_fail(raw: bytes) -> None:
    assert read_report(raw).kind in KINDS
    try:  # the same without the net below it
        message = mime.read_message(raw)
        reader._read(taken_apart(message, list(mime.leaves(message))))
    except mime.TooComplex:
        pass


@given(
    st.lists(st.sampled_from(["5.1.1", "5.2.2", "4.4.7", "5.7.1", ""]), min_size=1, max_size=4),
    st.sampled_from(["failed", "delayed", "delivered", "relayed", "expanded", "Failed", "made-up"]),
)
def test_line_ends_do_not_matter(statuses: list[str], action: str) -> None:
    more = [block(f"k{number}@b.example", status, action) for number, status in enumerate(statuses)]
    crlf = report("x@y.example", action=action, more=more)
    readings = {read_report(crlf.replace(b"\r\n", end)) for end in (b"\r\n", b"\n", b"\r")}
    assert len(readings) == 1
    assert len(readings.pop().recipients) == len(statuses) + 1


@pytest.mark.parametrize(
    "raw",
    [
        b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(1_000)),
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 10_000,
        b"X: a\n" * (mime.HEAD_FIELDS + 1) + b"\nx",
        b"X: " + b"a" * (mime.HEAD_OCTETS + 1),
        b"\0" * 1_000_000,
        b"",
    ],
    ids=["deep", "many parts", "many headers", "long header", "no header", "nothing"],
)
def test_what_passes_a_limit_is_unreadable(raw: bytes) -> None:
    assert read_report(raw) == Report("unreadable")


def test_levels_end_before_the_stack_does() -> None:
    levels = [b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(mime.DEPTH + 1)]
    assert len(list(mime.leaves(mime.read_message(b"".join(levels[:-1]))))) == 1
    with pytest.raises(mime.TooComplex):
        list(mime.leaves(mime.read_message(b"".join(levels))))


def test_only_so_many_recipients_are_read() -> None:
    raw = STATUS_PART + b"".join(
        b"Final-Recipient: x; a%d@b.example\nAction: failed\n\n" % n for n in range(5_000)
    )
    assert len(read_report(raw).recipients) == dsn.RECIPIENTS


def test_only_the_beginning_of_a_part_is_read() -> None:
    late = b"Final-Recipient: rfc822; a@b.example\nAction: failed\n"
    filling = b"X: " + b"y" * (mime.HEAD_OCTETS - 10) + b"\n\n"
    assert len(read_report(STATUS_PART + filling + late).recipients) == 1
    assert read_report(STATUS_PART + filling * 3 + late).recipients == ()


BLOCK = b"Final-Recipient: rfc822; a@b.example\nAction: failed\n\n"


@pytest.mark.parametrize("filling,read", [(b"", 100), (b"X: y\n" * 20_000 + b"\n", 5)])
def test_of_all_status_parts_together_only_so_much_is_read(filling: bytes, read: int) -> None:
    raw = b"From: x\nContent-Type: multipart/mixed; boundary=skarv\n\n" + b"".join(
        b"--skarv\nContent-Type: message/delivery-status\n\n"
        + filling
        + BLOCK.replace(b"a@", b"a%d@" % number)
        for number in range(100)
    )
    assert len(read_report(raw).recipients) == read


def test_what_a_report_returns_is_not_read_as_a_report() -> None:
    """A message that quotes somebody's failure report does not fail itself."""
    inner = report("x@y.example", returned="Message-ID: <inner@b.example>\r\n").replace(b"\r\n", b"\n")
    outer = b'Content-Type: multipart/mixed; boundary="out"\n\n--out\nContent-Type: message/rfc822\n\n'
    found = read_report(outer + inner + b"--out--\n")
    assert (found.kind, found.recipients, found.message_ids) == ("other", (), ())


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_fields_are_found_under_a_transfer_encoding(encoding: str) -> None:
    text = "Reporting-MTA: dns; a.example\n\nFinal-Recipient: utf-8; köp@b.example\nAction: failed\nStatus: 5.1.1\n"
    fields = text.encode()
    coded = base64.encodebytes(fields) if encoding == "base64" else quopri.encodestring(fields)
    head = f"Content-Type: message/delivery-status\nContent-Transfer-Encoding: {encoding}\n\n".encode()
    (found,) = read_report(head + coded).recipients
    assert (found.recipient, found.kind) == ("köp@b.example", "hard")


def test_two_recipients_in_one_block_are_two() -> None:
    fields = b"Action: failed\nStatus: 5.1.1\n"
    raw = (
        STATUS_PART
        + b"Final-Recipient: rfc822; a@b.example\n"
        + fields
        + b"Final-Recipient: rfc822; c@b.example\n"
    )
    assert [item.recipient for item in read_report(raw + fields).recipients] == ["a@b.example", "c@b.example"]


@pytest.mark.parametrize(
    "written, meant",
    [
        ("utf-8; k\\x{F6}p@b.example", "köp@b.example"),
        ("utf-8; köp@b.example", "köp@b.example"),
        ("rfc822;<a@b.example>", "a@b.example"),
        ("RFC822; @relay.example:a@b.example", "a@b.example"),
        ("a@b.example", "a@b.example"),
        ("utf-8; a\\x{110000}@b.example", "a@b.example"),
    ],
)
def test_addresses_of_every_type(written: str, meant: str) -> None:
    raw = STATUS_PART.replace(b"delivery", b"global-delivery") + f"Final-Recipient: {written}\n".encode()
    assert read_report(raw).recipients[0].recipient == meant
