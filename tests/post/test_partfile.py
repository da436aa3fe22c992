"""Crashes, competitors and broken disks: only a complete file ever gets its name."""

import os
import resource
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from campaigns.errors import NotFound, RefusedOperation
from campaigns.post.manifest import manifest_path, read_mail_ids, read_manifest
from campaigns.post.partfile import AlreadyHandedOver, BeingWritten, PrintFolderFault
from campaigns.post.printfile import PrintFile
from tests.post.test_printfile import NAME, ORIGIN, close_with, row


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def in_a_child(task: Callable[[], None]) -> int:
    """Run `task` in a process of its own; what it answers to its parent: the wait status."""
    child = os.fork()
    if child == 0:
        try:
            task()
        except BaseException as error:  # noqa: BLE001 (the child ends here, whatever it was)
            sys.stderr.write(f"{error!r}\n")
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def write_and_die(folder: Path, rows: int) -> None:
    file = PrintFile.open(folder, NAME)
    for number in range(rows):
        file.add(row(number))
    os.kill(os.getpid(), signal.SIGKILL)


def test_until_it_is_closed_there_is_only_a_hidden_part(tmp_path: Path) -> None:
    file = PrintFile.open(tmp_path, NAME)
    file.add(row())
    assert names(tmp_path) == {f".{NAME}.part"}
    file.close(ORIGIN)
    assert names(tmp_path) == {NAME, "A_AM_26-3_sv_FI.manifest.json"}


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    closed = close_with(tmp_path / "print" / "7", [row()])
    assert stat.S_IMODE(closed.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(manifest_path(closed.path).stat().st_mode) == 0o600
    assert stat.S_IMODE(closed.path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("rows", [0, 1, 500])
def test_the_part_of_a_killed_writer_is_begun_anew(tmp_path: Path, rows: int) -> None:
    assert os.WTERMSIG(in_a_child(lambda: write_and_die(tmp_path, rows))) == signal.SIGKILL
    assert names(tmp_path) == {f".{NAME}.part"}
    closed = close_with(tmp_path, [row(9)])
    assert read_mail_ids(closed.path) == [row(9).mail_id]
    assert names(tmp_path) == {NAME, manifest_path(closed.path).name}


def test_killed_between_manifest_and_name_it_was_not_handed_over(tmp_path: Path) -> None:
    closed = close_with(tmp_path, [row(1), row(2)])
    closed.path.rename(tmp_path / f".{NAME}.part")
    with pytest.raises(NotFound):
        read_mail_ids(closed.path)
    file = PrintFile.open(tmp_path, NAME)
    assert names(tmp_path) == {f".{NAME}.part"}
    file.add(row(3))
    assert read_mail_ids(file.close(ORIGIN).path) == [row(3).mail_id]


def test_killed_while_writing_the_manifest_it_was_not_handed_over(tmp_path: Path) -> None:
    in_a_child(lambda: write_and_die(tmp_path, 500))
    half = tmp_path / ".A_AM_26-3_sv_FI.manifest.json.part"
    half.write_bytes(b'{"file": ' + b" " * 5000)
    closed = close_with(tmp_path, [row(3)])
    assert read_manifest(closed.path).rows == 1
    assert not half.exists()


def test_a_closed_file_is_never_written_again(tmp_path: Path) -> None:
    closed = close_with(tmp_path, [row()])
    before = closed.path.read_bytes()
    with pytest.raises(AlreadyHandedOver, match="counts as handed over"):
        PrintFile.open(tmp_path, NAME)
    assert closed.path.read_bytes() == before
    assert names(tmp_path) == {NAME, manifest_path(closed.path).name}
    assert issubclass(AlreadyHandedOver, RefusedOperation)


def test_a_closed_file_that_was_fetched_is_never_written_again(tmp_path: Path) -> None:
    closed = close_with(tmp_path, [row()])
    closed.path.unlink()
    with pytest.raises(AlreadyHandedOver, match="taken away"):
        PrintFile.open(tmp_path, NAME)
    assert names(tmp_path) == {manifest_path(closed.path).name}
    assert read_manifest(closed.path).rows == 1


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    file = PrintFile.open(tmp_path, NAME)
    file.add(row())
    (tmp_path / NAME).write_text("somebody else's")
    with pytest.raises(AlreadyHandedOver):
        file.close(ORIGIN)
    file.abandon()
    assert names(tmp_path) == {NAME}
    assert (tmp_path / NAME).read_text() == "somebody else's"


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    file = PrintFile.open(tmp_path, NAME)
    file.add(row())
    with pytest.raises(BeingWritten):
        PrintFile.open(tmp_path, NAME)
    assert os.waitstatus_to_exitcode(in_a_child(lambda: PrintFile.open(tmp_path, NAME).abandon())) == 1
    assert read_mail_ids(file.close(ORIGIN).path) == [row().mail_id]


def test_abandoning_leaves_nothing_and_frees_the_name(tmp_path: Path) -> None:
    file = PrintFile.open(tmp_path, NAME)
    file.add(row())
    file.abandon()
    file.abandon()
    assert names(tmp_path) == set()
    with pytest.raises(RefusedOperation, match="abandoned"):
        file.add(row())
    close_with(tmp_path, [row(1)])


def test_an_error_in_between_abandons(tmp_path: Path) -> None:
    def interrupted() -> None:
        with PrintFile.open(tmp_path, NAME) as file:
            file.add(row())
            raise InterruptedError

    with pytest.raises(InterruptedError):
        interrupted()
    assert names(tmp_path) == set()


def test_a_folder_that_is_none_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "print").write_text("")
    with pytest.raises(PrintFolderFault, match=r"print/A_AM.*cannot be written \(.*\); see to the folder"):
        PrintFile.open(tmp_path / "print", NAME)


def test_a_folder_without_leave_to_write_is_a_clear_error(tmp_path: Path) -> None:
    folder = tmp_path / "print"
    folder.mkdir(mode=0o500)

    def as_an_ordinary_user() -> None:
        if os.getuid() == 0:
            os.setuid(65534)
        with pytest.raises(PrintFolderFault, match="Permission denied"):
            PrintFile.open(folder, NAME)

    assert in_a_child(as_an_ordinary_user) == 0


def test_a_part_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / f".{NAME}.part").symlink_to(victim)
    with pytest.raises(PrintFolderFault):
        PrintFile.open(tmp_path, NAME)
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("room", [100, 50_000])
def test_a_full_disk_hands_nothing_over(tmp_path: Path, room: int) -> None:
    def with_little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        file = PrintFile.open(tmp_path, NAME)
        with pytest.raises(PrintFolderFault, match="File too large"):  # noqa: PT012 (add or close, whichever meets it)
            for _ in range(2000):
                file.add(row())
            file.close(ORIGIN)
        with pytest.raises(RefusedOperation, match="spoilt"):
            file.add(row())
        with pytest.raises(RefusedOperation, match="spoilt"):
            file.close(ORIGIN)
        file.abandon()

    assert in_a_child(with_little_room) == 0
    assert names(tmp_path) == set()
    close_with(tmp_path, [row()])


def test_no_room_for_the_manifest_hands_nothing_over(tmp_path: Path) -> None:
    def with_little_room() -> None:
        file = PrintFile.open(tmp_path, NAME)
        file.add(row())
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
        with pytest.raises(PrintFolderFault):
            file.close(ORIGIN)
        file.abandon()

    assert in_a_child(with_little_room) == 0
    assert names(tmp_path) == set()
