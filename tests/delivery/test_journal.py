"""The journal: what can be read of it after a death at any moment, and who may read it."""

import os
from pathlib import Path

import pytest

from campaigns.delivery import journal as journals
from campaigns.delivery.journal import RECORD_OCTETS, SUFFIX, Journal, legacies, read_legacy
from campaigns.register.clearance import DeliveryRef

ATTEMPTS = {3: 1, 4: 1, 5: 2, 9: 1}
REPLIES = {3: ("accepted", 250), 4: ("deferred", 451), 5: ("uncertain", 0)}


def ref(number: int) -> DeliveryRef:
    return DeliveryRef(7, number)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Three messages answered and one begun."""
    made = Journal(tmp_path, "owner")
    made.start(7, 2, 5, ATTEMPTS)
    for number, (outcome, code) in REPLIES.items():
        made.begun(ref(number))
        made.replied(ref(number), outcome, code)
    made.begun(ref(9))
    return made


def content(folder: Path) -> bytes:
    return (folder / f"owner{SUFFIX}").read_bytes()


def test_it_is_read_as_it_was_written(tmp_path: Path, journal: Journal) -> None:
    legacy = read_legacy("owner", content(tmp_path))
    assert (legacy.campaign, legacy.batch_no, legacy.fence, legacy.same_boot) == (7, 2, 5, True)
    assert legacy.attempts == ATTEMPTS
    assert legacy.begun == {3, 4, 5, 9}
    assert legacy.replies == REPLIES
    journal.close()


def test_cut_at_any_octet_it_never_says_more_than_was_written(tmp_path: Path, journal: Journal) -> None:
    """Cut off as by a kill in the middle of a copy: the rest is as it was before, that is empty."""
    whole = content(tmp_path)
    journal.close()
    for rest in (b"", bytes(len(whole))):
        seen = 0
        for end in range(len(whole) + 1):
            legacy = read_legacy("owner", whole[:end] + rest[end:])
            assert legacy.campaign in (0, 7)
            assert legacy.begun <= {3, 4, 5, 9}
            assert legacy.replies.items() <= REPLIES.items()
            assert legacy.replies.keys() <= legacy.begun <= legacy.attempts.keys()
            assert legacy.attempts.items() <= ATTEMPTS.items()
            assert len(legacy.begun) + len(legacy.replies) >= seen
            seen = len(legacy.begun) + len(legacy.replies)
        assert seen == 7


def test_a_flipped_octet_ends_the_reading_there(tmp_path: Path, journal: Journal) -> None:
    whole = content(tmp_path)
    journal.close()
    for place in range(0, len(whole), 7):
        spoiled = bytearray(whole)
        spoiled[place] ^= 0x10
        legacy = read_legacy("owner", bytes(spoiled))
        assert legacy.begun <= {3, 4, 5, 9}
        assert legacy.replies.items() <= REPLIES.items()
        if place < RECORD_OCTETS - 4:
            assert legacy.campaign == 0


def test_another_boot_is_noticed(tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.close()
    monkeypatch.setattr(journals, "boot_mark", lambda: b"x" * 16)
    assert not read_legacy("owner", content(tmp_path)).same_boot


def test_the_living_are_left_alone_and_the_dead_are_found(tmp_path: Path, journal: Journal) -> None:
    assert list(legacies(tmp_path)) == []
    child = os.fork()
    if child == 0:  # another process sees the lock too
        os._exit(len(list(legacies(tmp_path))))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    journal.close()
    ((legacy, path),) = legacies(tmp_path)
    assert (legacy.owner, path.name) == ("owner", f"owner{SUFFIX}")


def test_a_finished_batch_leaves_nothing_and_the_next_begins_afresh(tmp_path: Path, journal: Journal) -> None:
    journal.finish()
    assert read_legacy("owner", content(tmp_path)).campaign == 0
    journal.start(8, 1, 1, {1: 1})
    legacy = read_legacy("owner", content(tmp_path))
    assert (legacy.campaign, legacy.begun, legacy.replies) == (8, frozenset(), {})
    journal.finish()
    journal.close()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_noted_before_it_is_started(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "owner")
    with pytest.raises((ValueError, KeyError)):
        journal.begun(ref(1))
    journal.close()
