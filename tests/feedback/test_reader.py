"""The reader on messages of many mail systems, each with what it means written beside it."""

import csv
from pathlib import Path
from time import process_time

import pytest

from campaigns.feedback.mime import DELIMITERS, PARTS
from campaigns.feedback.reader import read_report
from campaigns.feedback.scoring import score
from tests.architecture.tree import ROOT

MAIL = Path(__file__).parent / "mail"
LABELS = list(csv.DictReader((MAIL / "labels.csv").read_text(encoding="utf-8").splitlines()))
SAMPLES = sorted({row["sample"] for row in LABELS})
HEAD = b"From: MAILER-DAEMON@relay.example\nSubject: Undelivered Mail\n"
OCTETS = 10_000_000


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_message_is_read_as_it_is_meant(sample: str) -> None:
    rows = [row for row in LABELS if row["sample"] == sample]
    found = score(rows, {sample: read_report((MAIL / sample).read_bytes())})
    assert found.disagreements == []


@pytest.mark.parametrize("sample", SAMPLES)
def test_line_ends_change_nothing(sample: str) -> None:
    raw = (MAIL / sample).read_bytes().replace(b"\r", b"\n")
    assert len({read_report(raw.replace(b"\n", end)) for end in (b"\n", b"\r\n", b"\r")}) == 1


def test_each_sample_is_labelled() -> None:
    assert sorted(path.name for path in MAIL.glob("*.eml")) == SAMPLES


def filled(pattern: bytes) -> bytes:
    return (pattern * (OCTETS // len(pattern) + 1))[:OCTETS]


def in_parts(kind: bytes, pattern: bytes) -> bytes:
    """As many parts as a message may have, all full."""
    part = b"--b\nContent-Type: " + kind + b"\n\n" + filled(pattern)[:98_000] + b"\n\n"
    return HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + part * PARTS


HOSTILE = {
    "header fields": HEAD + filled(b"X: a\n"),
    "one long header": HEAD + b"X: " + filled(b"a"),
    "signs": HEAD + b"\n" + filled(b"@"),
    "addresses": HEAD + b"\n" + filled(b"<a@b.example>:\nx\n"),
    "many addresses": HEAD + b"\n" + b"".join(b"<a%d@b.example>: 550 x\n" % n for n in range(400_000)),
    "addresses in prose": HEAD + b"\n" + filled(b"a@b.cc mail from c@d.ee " * 40 + b"\n"),
    "names": HEAD + b"\n" + filled(b"x:\n y\n z\n"),
    "dots": HEAD + b"\n" + filled(b"a.a.a.a@a.a.a.a.a."),
    "transcripts": HEAD + b"\n" + filled(b">>> RCPT TO:<a@b.example>\n<<< 550 x\n550 <a@b.example>... x\n"),
    "near boundaries": b"Content-Type: multipart/mixed; boundary=b\n\n" + filled(b"--bx\n"),
    "parts": b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" + filled(b"x" * 100_000 + b"\n--b\n\n"),
    "tags": HEAD + b"Content-Type: text/html\n\n" + filled(b"<a"),
    "styles": HEAD + b"Content-Type: text/html\n\n" + filled(b"<style "),
    "blocks": b"Content-Type: message/delivery-status\n\n" + filled(b"Final-Recipient: x;a@b.example\n\n"),
    "blocks in parts": in_parts(
        b"message/delivery-status", b"Final-Recipient: x;a@b.example\nAction: failed\n\n"
    ),
    "blocks in texts": in_parts(
        b"text/plain", b"reason user unknown Final-Recipient: x;a@b.example\n550 5.1.1 "
    ),
    "returned parts": in_parts(b"message/rfc822", b"word\n"),
    "brackets": HEAD + b'\n{"notificationType":' + filled(b"["),
    "escapes": HEAD + b"\n" + filled(b"\x1b$B$3\x1b(B"),
    "returns": filled(b"\r"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_the_largest_and_worst_takes_half_a_second_at_most(name: str) -> None:
    began = process_time()
    read_report(HOSTILE[name])
    assert process_time() - began < 0.5


def test_delimiters_that_are_none_end_the_reading() -> None:
    head = b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n"
    assert read_report(head + b"--bx\n" * DELIMITERS).kind == "other"
    assert read_report(head + b"--bx\n" * (DELIMITERS + 1)).kind == "unreadable"


def test_reasons_are_told_where_they_are_asked_for() -> None:
    report = read_report((MAIL / "postfix-dsn.eml").read_bytes())
    (event,) = report.explained()["events"]
    assert (event["confidence"], report.system) == ("high", "postfix")
    assert "user unknown" in event["why"]
    assert set(report.as_contract()["events"][0]) == {"recipient", "class", "status", "action", "diagnostic"}


def test_a_message_that_was_not_read_counts_against_the_reader() -> None:
    found = score([row for row in LABELS if row["sample"] == "postfix-dsn.eml"], {}).as_dict()
    assert (found["right_recipient_percent"], found["hard_recall_percent"]) == (0.0, 0.0)
    assert [it["about"] for it in found["disagreements"]] == ["recipient", "hard", "kind"]


def test_what_once_broke_the_reader_is_read() -> None:
    broke = sorted((ROOT / "tests" / "fuzz" / "regressions" / "mail_reader").iterdir())
    assert [file.name for file in broke if read_report(file.read_bytes()).kind == "unreadable"] == []
