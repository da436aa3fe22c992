"""`utskick contacts import`, with settings, keys and database as an operator has them."""

import io
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cyclopts import CycloptsError

from campaigns.errors import InputError
from tests.register.tables import HEADS, PEOPLE, table
from workers.cli import app

ROOT = Path(__file__).parents[2]
HOW = ("--list", "news", "--source", "trade fair", "--basis", "consent")


def utskick(*arguments: str) -> None:
    app(arguments, exit_on_error=False, result_action="return_value")


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(ROOT / "utskick.example.toml", tmp_path / "utskick.toml")
    monkeypatch.chdir(tmp_path)
    utskick("init")
    utskick("lists", "add", "news", "--kind", "newsletter", "--name", "News")
    capsys.readouterr()


def test_reports_in_json_and_in_words_and_says_why_not(capsys: pytest.CaptureFixture[str]) -> None:
    heads, rows = ("Mejl", *HEADS[:4]), (("x", *PEOPLE[0][:4]), ("a@b.example", "", "", "A", "B"))
    Path("people.csv").write_text(table(heads, *rows))
    with pytest.raises(InputError, match="column 1 'Mejl': is not declared"):
        utskick("contacts", "import", "people.csv", *HOW)
    utskick("contacts", "import", "people.csv", *HOW, "--map", "Mejl=email", "--dry-run")
    said = capsys.readouterr()
    assert said.err == ""  # no progress bar where nobody looks
    first, second = said.out.splitlines()
    assert first == "2 rows (dry run, nothing written): 1 imported, 0 updated, 0 unchanged, 1 refused"
    assert second.startswith("row 2: email: ")
    utskick("contacts", "import", "people.csv", *HOW, "--map", "Mejl=email", "--json")
    report = json.loads(capsys.readouterr().out)
    assert [report[name] for name in ("rows", "imported", "updated", "unchanged")] == [2, 1, 0, 0]
    assert report["refused"][0]["row"] == 2


def test_the_example_is_taken_whole_and_shown_in_readable_lines(capsys: pytest.CaptureFixture[str]) -> None:
    utskick("contacts", "import", str(ROOT / "examples" / "contacts.csv"), *HOW, "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["rows"], report["imported"], report["refused"]) == (20, 20, [])
    utskick("contacts", "show", "1")
    shown = capsys.readouterr().out
    assert "first_name: Astrid" in shown
    assert "positions: company Björkstams Trä Oy Ab, position inköpschef, started_at 20" in shown
    assert "datetime" not in shown
    utskick("contacts", "show", "1", "--json")
    assert json.loads(capsys.readouterr().out)["positions"][0]["started_at"].endswith("Z")


def test_a_table_comes_through_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def given(octets: bytes) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(octets)))

    given("\ufeffSähköpostiosoite;Etunimi\r\nasa@kund.example;Åsa\r\n".encode("utf-16-le"))
    utskick("contacts", "import", "-", *HOW, "--json")
    assert json.loads(capsys.readouterr().out)["imported"] == 1
    for octets, problem in (
        (b"", "is empty"),
        (b"PK\x03\x04", "is a workbook"),
        (b'"', "the row of column heads"),
    ):
        given(octets)
        with pytest.raises(InputError, match=f"^standard input: {problem}"):
            utskick("contacts", "import", "-", *HOW)
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(InputError, match="standard input is closed; name a file"):
        utskick("contacts", "import", "-", *HOW)
    os.mkfifo("pipe")
    with ThreadPoolExecutor() as pool:
        written = pool.submit(Path("pipe").write_text, "email\neva@kund.example\n")
        utskick("contacts", "import", "pipe", *HOW, "--json")
        written.result()
    assert json.loads(capsys.readouterr().out)["imported"] == 1


def test_what_was_left_out_is_told_with_its_rows(capsys: pytest.CaptureFixture[str]) -> None:
    people = [f"p{number}@kund.example,{'Klingon' if number % 2 else 'sv'},1234" for number in range(60)]
    Path("people.csv").write_text("\n".join(["email,language,gender", *people[:3]]))
    utskick("contacts", "import", "people.csv", *HOW)
    lines = capsys.readouterr().out.splitlines()
    assert "language was left out (no language that is known) in 1 row: 3" in lines
    assert "gender was left out (no word for a gender that is known) in 3 rows: 2, 3, 4" in lines
    Path("people.csv").write_text("\n".join(["email,language", *(one.rpartition(",")[0] for one in people)]))
    utskick("contacts", "import", "people.csv", *HOW)
    assert ", 39, 41 and 10 more; --json lists all" in capsys.readouterr().out
    utskick("contacts", "import", "people.csv", *HOW, "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["left_out"] == {"language": 30}
    assert told["left_out_rows"] == {"language": list(range(3, 63, 2))}


def test_the_exit_code_tells_an_unattended_job_what_was_refused(capsys: pytest.CaptureFixture[str]) -> None:
    cases: list[tuple[list[str], tuple[str, ...], int]] = [
        (["a@kund.example", "nobody"], (), 0),
        (["a@kund.example", "nobody"], ("--strict",), 3),
        (["a@kund.example"], ("--strict",), 0),
        (["nobody"], (), 1),
        (["nobody"], ("--strict", "--dry-run"), 1),
        ([], ("--strict",), 0),
    ]
    for rows, strict, code in cases:
        Path("people.csv").write_text("\n".join(["email", *rows]))
        try:
            utskick("contacts", "import", "people.csv", *HOW, *strict, "--json")
            ended = 0
        except SystemExit as left:
            ended = int(left.code or 0)
        assert (ended, rows, strict) == (code, rows, strict)
        assert json.loads(capsys.readouterr().out)["rows"] == len(rows)


def test_a_new_register_on_sqlite_is_for_its_owner_only(capsys: pytest.CaptureFixture[str]) -> None:
    utskick("contacts", "import", str(ROOT / "examples" / "contacts.csv"), *HOW)
    capsys.readouterr()
    modes = {path.name: path.stat().st_mode & 0o777 for path in Path("var").glob("utskick.db*")}
    assert "utskick.db" in modes
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize("number", ["0", "-3", str(2**63)])
def test_a_number_that_cannot_be_is_wrong_usage(number: str) -> None:
    with pytest.raises(CycloptsError):
        utskick("contacts", "show", number)
