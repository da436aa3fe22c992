import codecs
import itertools
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import InputError
from campaigns.register.intake_encoding import examine
from campaigns.register.intake_file import ROW_CHARACTERS, TableRows
from tests.register.tables import HEADS, PEOPLE, table

ENCODINGS = {
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8-sig",
    "cp1252": "cp1252",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "utf-16-be-marked": "utf-16-be",
}
LINE_ENDS = {"lf": "\n", "crlf": "\r\n", "cr": "\r"}


def cells(path: Path, content: bytes) -> list[tuple[int, list[str], str | None]]:
    path.write_bytes(content)
    return [(row.number, row.cells, row.problem) for row in TableRows(examine(path))]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_reads_every_encoding_with_every_delimiter_and_line_end(encoding: str, tmp_path: Path) -> None:
    awkward = ("Ab; Oy, Ltd\t", "", "Åsa \n Maria", 'the "boss"', "åäö€@exempel.example", "sv", "Åbo")
    for delimiter, line_end in itertools.product(",;\t|", LINE_ENDS.values()):
        text = table(HEADS, *PEOPLE, awkward, delimiter=delimiter, line_end=line_end)
        content = text.encode(ENCODINGS[encoding])
        if encoding.endswith("marked"):
            content = codecs.BOM_UTF16_BE + content
        found = cells(tmp_path / "people.csv", content)
        assert [row[1] for row in found] == [list(row) for row in (HEADS, *PEOPLE, awkward)]
        assert [row[0] for row in found] == [1, 2, 3, 4, 5]
        assert not any(row[2] for row in found)


def test_one_broken_octet_does_not_turn_the_file_into_another_encoding(tmp_path: Path) -> None:
    content = table(HEADS, *PEOPLE).encode() + b"Ab,,\xe5sa,x,a@b.example,sv,X\n"
    found = cells(tmp_path / "people.csv", content)
    assert found[1][1][2] == "Åsa"
    assert "\N{REPLACEMENT CHARACTER}" in found[4][1][2]


def test_a_quotation_mark_never_closed_costs_its_own_row_only(tmp_path: Path) -> None:
    lines = [f"a{number}@b.example,Anna" for number in range(300)]
    lines[5] = 'x@b.example,"Anna'
    found = cells(tmp_path / "people.csv", ("email,first_name\n" + "\n".join(lines)).encode())
    assert [row[0] for row in found if row[2]] == [7]
    assert len(found) == 301


def test_a_row_without_end_is_refused_in_bounded_memory(tmp_path: Path) -> None:
    content = "email\n" + "x" * (3 * ROW_CHARACTERS) + "\na@b.example\n"
    found = cells(tmp_path / "people.csv", content.encode())
    assert [row[0] for row in found] == [1, 2, 3]
    assert "too long" in (found[1][2] or "")


def test_says_how_many_cells_a_row_has_where_they_do_not_fit(tmp_path: Path) -> None:
    found = cells(
        tmp_path / "people.csv", b"email,city\na@b.example,X,Y\nb@b.example\nc@b.example,Z,,\n\n , \n"
    )
    assert [row[2] for row in found] == [
        None,
        "has 3 cells, and there are 2 column heads",
        "has 1 cells, and there are 2 column heads",
        None,
    ]


def test_takes_the_delimiter_that_excel_writes_in_a_line_of_its_own(tmp_path: Path) -> None:
    found = cells(tmp_path / "people.csv", b"sep=;\r\nemail;note, long\r\na@b.example;x\r\n")
    assert found[0] == (2, ["email", "note, long"], None)


@pytest.mark.parametrize(
    "content, hint",
    [
        (b"", "is empty"),
        (b" \n ", "is empty"),
        (b"PK\x03\x04rest", "workbook"),
        (codecs.BOM_UTF32_LE + "email".encode("utf-32-le"), "UTF-32"),
        (bytes(range(32)) * 20, "no text"),
    ],
)
def test_says_what_to_do_with_what_is_no_table(content: bytes, hint: str, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=hint):
        examine(path)
    with pytest.raises(InputError, match="No such file"):
        examine(tmp_path / "none.csv")
    with pytest.raises(InputError, match="is no file"):
        examine(tmp_path)


@given(st.binary(max_size=400))
def test_any_octets_give_rows_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    found: list[tuple[int, list[str], str | None]] = []
    with suppress(InputError):
        found = cells(path, content)
    assert [row[0] for row in found] == sorted({row[0] for row in found})
