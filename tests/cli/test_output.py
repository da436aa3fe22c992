"""What commands print: nothing is cut, taken for mark-up or lost without a word, in any terminal, file or pipe."""

import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from tests.cli.place import Place
from workers.cli import output

ROWS = [
    {"id": 1, "name": "[/x] Nyheter [bold]", "seen": None, "who": ["os:anna", "os:eva"], "open": True},
    {"id": 2, "name": "N" * 50, "seen": "2026-11-12", "who": [], "open": False},
]


class Terminal(io.StringIO):
    """Standard output where somebody sits."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A register with one list, whose name looks like mark-up, and two people."""
    made = Place(tmp_path_factory.mktemp("place"))
    made.answer("init")
    made.answer("lists", "add", "news", "--kind", "newsletter", "--name", "[/x] Nyheter [bold]")
    (made.folder / "people.csv").write_text("email\nasa@kund.example\neva@kund.example\n")
    made.answer(
        "contacts", "import", "people.csv", "--list", "news", "--source", "fair", "--basis", "consent"
    )
    return made


def printed(stream: io.StringIO, columns: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    with redirect_stdout(stream):
        output.answer_table({}, ROWS, as_json=False)
    return stream.getvalue()


def test_a_table_too_wide_for_the_terminal_becomes_records(monkeypatch: pytest.MonkeyPatch) -> None:
    said = printed(Terminal(), 60, monkeypatch)
    assert said == (
        "id: 1\nname: [/x] Nyheter [bold]\nwho: os:anna\nwho: os:eva\nopen: yes\n\n"
        f"id: 2\nname: {'N' * 50}\nseen: 2026-11-12\nopen: no\n"
    )


def test_a_table_that_fits_and_one_in_a_file_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, columns in ((Terminal(), 120), (io.StringIO(), 60)):
        said = printed(stream, columns, monkeypatch)
        assert "│ [/x] Nyheter [bold] " in said
        assert "N" * 50 in said
        assert "os:anna, os:eva" in said
        assert not re.search(r"\x1b\[[349]", said)  # NO_COLOR is heeded


def test_a_name_that_looks_like_markup_is_shown_as_it_is(place: Place) -> None:
    done = place.run("lists", "list")
    assert (done.code, done.stderr) == (0, "")
    assert "[/x] Nyheter [bold]" in done.stdout


def test_suppressions_are_listed_with_whose_they_are_and_without_addresses(place: Place) -> None:
    place.answer("suppressions", "add", "eva@kund.example", "--evidence", "letter", "--kind", "objection")
    place.answer("suppressions", "add", "--domain", "stor.example", "--evidence", "letter")
    rows = place.answer("suppressions", "list")["suppressions"]
    assert [(row["kind"], row["subject"], row["contact"]) for row in rows] == [
        ("manual", "domain", None),
        ("objection", "address", 2),
    ]
    assert place.answer("suppressions", "list", "--kind", "objection")["suppressions"] == rows[1:]
    place.answer("suppressions", "lift", str(rows[0]["id"]), "--evidence", "letter")
    assert place.answer("suppressions", "list", "--limit", "1")["suppressions"] == rows[1:]
    assert "there are" in place.refusal(1, "suppressions", "list", "--kind", "nonsense")[0]


def test_standard_output_is_either_a_table_or_json(place: Place) -> None:
    for command in (("contacts", "export"), ("lists", "export", "news")):
        (said,) = place.refusal(1, *command, "-", "--to", "self")
        assert "name a file" in said


def test_a_disk_that_fills_up_leaves_no_half_export(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def pieces(*_: object, **__: object) -> object:
        yield "half"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("workers.cli.exporting.export", pieces)
    assert "out.csv: No space left" in place.refusal(1, "contacts", "export", "out.csv", "--to", "self")[0]
    assert not (place.folder / "out.csv").exists()


@pytest.mark.parametrize("words, what", [(("list", "extra"), "takes no 'extra'"), (("list", "--x"), "--x")])
def test_what_is_too_much_is_named(place: Place, words: tuple[str, ...], what: str) -> None:
    assert what in place.refusal(2, "lists", *words)[0]


def test_ctrl_c_in_an_import_says_what_stays(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("workers.cli.intake.run_import", stopped)
    options = ("--list", "news", "--source", "fair", "--basis", "consent")
    assert "run the same command again" in place.refusal(130, "contacts", "import", "people.csv", *options)[0]


def utskick(*command: str, **given: object) -> "subprocess.Popen[bytes]":
    program = (sys.executable, "-c", "from workers.cli import main; main()", *command)
    return subprocess.Popen(program, stderr=subprocess.PIPE, **given)  # type: ignore[call-overload,no-any-return]


def test_a_reader_that_leaves_and_a_full_disk_are_no_accidents() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with Path("/dev/full").open("wb") as full:
        left, filled = (
            utskick("campaigns", "schema", stdout=writer),
            utskick("feedback", "parse", __file__, stdout=full),
        )
        os.close(writer)
        assert (left.communicate()[1], left.returncode) == (b"", 1)
        said = filled.communicate()[1].decode()
    assert re.fullmatch(r"utskick: (standard output|the system): No space left on device\n", said)
    assert filled.returncode == 1


def test_any_locale_gets_json_and_names_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    settings = {**os.environ, "PYTHONIOENCODING": "latin-1", "LC_ALL": "C"}
    odd = os.fsdecode(b"p\xe5 \xf0\x9f\x98\x80.eml")
    done = utskick("feedback", "parse", odd, "--json", stdout=subprocess.PIPE, env=settings, cwd=tmp_path)
    out, err = done.communicate()
    assert done.returncode == 1
    assert "No such file" in json.loads(out.decode("latin-1"))["error"]
    assert b"Traceback" not in err
