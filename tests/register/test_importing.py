import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from campaigns.register.intake_reading import Piece
from tests.register.tables import HEADS, PEOPLE, request, table
from tests.support.register import TESTER, Register
from workers.importing import read_ahead, run_import


def _readers() -> int:
    return sum(thread.name == "reading" for thread in threading.enumerate())


def test_pieces_come_in_their_order() -> None:
    assert [piece.share for piece in read_ahead(Piece(share=number) for number in range(20))] == list(
        range(20)
    )


def test_a_fault_of_reading_is_raised_where_the_pieces_are_used() -> None:
    def faulty() -> Iterator[Piece]:
        yield Piece()
        raise OSError("the file went away")

    with pytest.raises(OSError, match="went away"):
        list(read_ahead(faulty()))
    assert _readers() == 0


def test_who_stops_early_leaves_no_thread_behind() -> None:
    pieces = read_ahead(Piece(share=number) for number in range(100))
    assert len(list(islice(pieces, 2))) == 2
    pieces.close()  # type: ignore[attr-defined]  # a generator
    assert _readers() == 0


def test_progress_is_told_up_to_the_whole(register: Register, tmp_path: Path) -> None:
    path, told = tmp_path / "people.csv", list[float]()
    path.write_text(table(HEADS, *PEOPLE))
    report = run_import(register.engine, register.ring, request(register, path), TESTER, told.append)
    assert report.imported == 3
    assert told[-1] == 1
