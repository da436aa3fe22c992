"""Handing over into a folder."""

import resource
import stat
from pathlib import Path

from campaigns.delivery.smarthost import open_transport, probe
from campaigns.delivery.smarthost_url import FolderUrl
from campaigns.delivery.transport import Accepted, Deferred, Letter, Outcome
from tests.support.gate import Gate, always, clearance_for
from tests.support.letters import make_letter


def hand_over(folder: Path, letter: Letter) -> Outcome:
    transport = open_transport(FolderUrl(folder), ehlo_name="utskick.example", begun=lambda _: None)
    return transport.hand_over(letter, clearance_for(letter), always(letter))


def test_a_message_lies_in_a_file_named_by_its_delivery_for_the_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "outbox"
    assert hand_over(folder, make_letter(12)) == Accepted(250, "2.0.0", "kept as 7-12.eml")
    assert [file.name for file in folder.iterdir()] == ["7-12.eml"]
    assert stat.S_IMODE((folder / "7-12.eml").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_file_that_is_there_stays_and_counts_even_when_the_gate_now_says_no(tmp_path: Path) -> None:
    first, again = make_letter(1), make_letter(1, octets=5_000)
    assert isinstance(hand_over(tmp_path, first), Accepted)
    transport = open_transport(FolderUrl(tmp_path), ehlo_name="utskick.example", begun=lambda _: None)
    assert isinstance(transport.hand_over(again, clearance_for(again), Gate(again, "no")), Accepted)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [first.content]


def test_what_a_killed_process_left_behind_is_written_over(tmp_path: Path) -> None:
    (tmp_path / ".7-1.part").write_bytes(b"half a mess")
    letter = make_letter(1)
    assert isinstance(hand_over(tmp_path, letter), Accepted)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("7-1.eml", letter.content)]


def test_a_link_laid_in_the_way_is_not_followed(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "outbox"
    folder.mkdir()
    (folder / ".7-1.part").symlink_to(outside)
    assert isinstance(hand_over(folder, make_letter(1)), Deferred)
    assert not outside.exists()


def test_a_folder_that_cannot_be_made_defers_spends_nobodys_attempt_and_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "outbox"
    folder.write_text("not a folder")
    outcome = hand_over(folder, make_letter(1))
    assert isinstance(outcome, Deferred)
    assert (outcome.code, outcome.spends_attempt) == (None, False)
    assert outcome.text == f"Nothing can be written to the folder {folder}: File exists."


def test_a_write_that_fails_half_way_defers_and_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        outcome = hand_over(tmp_path, make_letter(1, octets=100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert isinstance(outcome, Deferred)
    assert not outcome.spends_attempt
    assert "File too large" in outcome.text
    assert list(tmp_path.iterdir()) == []


def test_probe_tells_whether_the_folder_can_be_written_to_and_leaves_nothing(tmp_path: Path) -> None:
    good, bad = tmp_path / "outbox", tmp_path / "file"
    bad.write_text("not a folder")
    assert probe(FolderUrl(good), ehlo_name="utskick.example") is None
    assert not good.exists()
    good.mkdir()
    assert probe(FolderUrl(good), ehlo_name="utskick.example") is None
    assert list(good.iterdir()) == []
    assert "Nothing can be written" in (probe(FolderUrl(bad), ehlo_name="utskick.example") or "")
