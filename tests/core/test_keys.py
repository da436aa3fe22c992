"""Keys: what is on disk, what the register remembers, and what refuses to start."""

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from campaigns.errors import KeysFault
from campaigns.keyfiles import make_keys, read_keys
from campaigns.keyring import KeyRing, check_value, hold_against
from campaigns.register.suppression import Asked, withholding_reason
from campaigns.store import schema
from campaigns.store.engine import reading
from tests.acceptance.place import Place, made_place

PROCESSES = ("worker", "scheduler", "web", "inbound", "up")


def test_new_keys_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    ring = make_keys(folder)
    assert read_keys(folder) == ring
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "fingerprint-1.key": 0o600,
        "token-1.key": 0o600,
    }
    assert (
        ring.keys["token"][1] != ring.keys["fingerprint"][1] != make_keys(tmp_path / "other").keys["token"][1]
    )


def test_existing_keys_are_never_written_over(tmp_path: Path) -> None:
    ring = make_keys(tmp_path)
    with pytest.raises(FileExistsError):
        make_keys(tmp_path)
    assert read_keys(tmp_path) == ring


def test_keys_show_up_in_no_repr(tmp_path: Path) -> None:
    ring = make_keys(tmp_path)
    texts = repr(ring) + str(ring) + repr(ring.marks())
    assert not any(
        key.hex() in texts or repr(key) in texts for keys in ring.keys.values() for key in keys.values()
    )


def spoil_mode(folder: Path) -> None:
    (folder / "token-1.key").chmod(0o640)


def spoil_content(folder: Path) -> None:
    (folder / "token-1.key").write_text("abc\n", "ascii")


def spoil_name(folder: Path) -> None:
    (folder / "token-1.key").rename(folder / "token-01.key")


def spoil_number(folder: Path) -> None:
    (folder / "token-1.key").rename(folder / "token-256.key")


def take_one_away(folder: Path) -> None:
    (folder / "fingerprint-1.key").unlink()


def spoil_encoding(folder: Path) -> None:
    (folder / "token-1.key").write_bytes(b"\xff" * 64)


def put_a_folder(folder: Path) -> None:
    (folder / "token-2.key").mkdir(mode=0o700)


SPOILERS = (spoil_mode, spoil_content, spoil_name, spoil_number, take_one_away, spoil_encoding, put_a_folder)


@pytest.mark.parametrize("spoil", SPOILERS)
def test_files_that_are_not_as_they_must_be_are_refused(tmp_path: Path, spoil: object) -> None:
    make_keys(tmp_path)
    assert callable(spoil)
    spoil(tmp_path)
    with pytest.raises(KeysFault) as caught:
        read_keys(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_no_folder_and_an_empty_folder_hold_no_keys(tmp_path: Path) -> None:
    assert read_keys(tmp_path / "nowhere") is None
    assert read_keys(tmp_path) is None


def ring_of(**keys: dict[int, bytes]) -> KeyRing:
    return KeyRing({"fingerprint": keys["fingerprint"], "token": keys["token"]})


OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
FIRST = ring_of(fingerprint={1: OLD}, token={1: OLD})
ROTATED = ring_of(fingerprint={1: OLD, 2: NEW}, token={1: OLD, 2: NEW})


def test_a_ring_that_lacks_or_contradicts_a_key_of_the_register_is_refused(tmp_path: Path) -> None:
    assert hold_against(FIRST, FIRST.marks(), tmp_path) is FIRST
    assert hold_against(ROTATED, FIRST.marks(), tmp_path) is ROTATED
    lacking = ring_of(fingerprint={2: NEW}, token={1: OLD})
    with pytest.raises(KeysFault, match="fingerprint key 1 is missing"):
        hold_against(lacking, FIRST.marks(), tmp_path)
    foreign = ring_of(fingerprint={1: OLD}, token={1: OTHER})
    with pytest.raises(KeysFault, match="token key 1 belongs to another register"):
        hold_against(foreign, FIRST.marks(), tmp_path)
    for marks in (FIRST.marks(), []):
        with pytest.raises(KeysFault, match="holds no keys"):
            hold_against(None, marks, tmp_path)


def test_a_check_value_tells_neither_the_key_nor_its_twin_of_another_purpose() -> None:
    assert check_value("token", OLD) != check_value("fingerprint", OLD)
    assert len(check_value("token", OLD)) == 16


def test_fingerprints_tell_keys_and_subjects_apart_and_old_ones_still_match() -> None:
    assert ROTATED.fingerprint("address", "a") == ROTATED.fingerprints("address", "a")[2]
    assert ROTATED.fingerprints("address", "a")[1] == FIRST.fingerprint("address", "a")
    known = {ROTATED.fingerprint(subject, text) for subject in ("address", "domain") for text in ("a", "b")}
    assert len(known | {FIRST.fingerprint("address", "a")}) == 5
    assert {len(value) for value in known} == {20}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with made_place(tmp_path / "p", smarthost="file:outbox") as made:
        yield made


def remembered(place: Place) -> set[tuple[str, int]]:
    engine = sa.create_engine(place.database)
    table = schema.register_key.c
    with reading(engine) as connection:
        found = {
            (row.purpose, row.key_id) for row in connection.execute(sa.select(table.purpose, table.key_id))
        }
    engine.dispose()
    return found


def test_a_filled_register_beside_an_empty_secrets_folder_starts_nothing(place: Place) -> None:
    place.ask("init")
    secrets = place.folder / "var" / "secrets"
    shutil.move(secrets, place.folder / "away")
    secrets.mkdir(mode=0o700)
    commands = [[process] for process in PROCESSES]
    commands += [["init"], ["check"], ["lists", "list"], ["suppressions", "check", "a@kund.example"]]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda command: place.run(*command), commands))
    for command, done in zip(commands, answers, strict=True):
        assert (done.returncode, done.stdout) == (1, ""), command
        assert "Restore the secrets folder" in done.stderr
        assert "Traceback" not in done.stderr
    assert list(secrets.iterdir()) == []
    secrets.rmdir()
    shutil.move(place.folder / "away", secrets)
    place.ask("init")


def test_init_again_keeps_the_keys_and_takes_a_new_one_into_the_register(place: Place) -> None:
    place.ask("init")
    secrets = place.folder / "var" / "secrets"
    before = {path.name: path.read_bytes() for path in secrets.iterdir()}
    place.ask("init")
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == before
    for purpose in ("fingerprint", "token"):
        path = secrets / f"{purpose}-2.key"
        path.write_text(os.urandom(32).hex() + "\n", "ascii")
        path.chmod(0o600)
    place.ask("init")
    assert remembered(place) == {("fingerprint", 1), ("token", 1), ("fingerprint", 2), ("token", 2)}
    (secrets / "token-2.key").unlink()
    assert "token key 2 is missing" in place.run("init").stderr


def test_a_no_after_a_rotation_binds_those_who_were_there_before(place: Place) -> None:
    place.ask("init")
    place.ask("lists", "add", "news", "--kind", "newsletter", "--name", "News")
    (place.folder / "people.csv").write_text("email\nanna@kund.example\n", "utf-8")
    origin = ("--source", "trade fair", "--basis", "consent")
    place.ask("contacts", "import", "people.csv", "--list", "news", *origin)
    path = place.folder / "var" / "secrets" / "fingerprint-2.key"
    path.write_text(os.urandom(32).hex() + "\n", "ascii")
    path.chmod(0o600)
    place.ask("init")
    place.ask("suppressions", "add", "anna@kund.example", "--kind", "objection", "--evidence", "letter")
    engine = sa.create_engine(place.database)
    contact = schema.contact.c
    asked = Asked(sa.literal(1), sa.literal("email"), sa.literal("marketing"))
    with reading(engine) as connection:
        reason = connection.execute(
            sa.select(withholding_reason(asked)).select_from(contact.id.table)
        ).scalar()
    engine.dispose()
    assert reason == "objection"
