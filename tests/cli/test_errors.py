"""What goes wrong is told in a line that says where and what to do, with the promised exit code; never a traceback."""

import json
import re
import socket
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.cli.place import Place

NEWSLETTER = str(ROOT / "examples" / "newsletter.toml")
SUBMIT = ("campaigns", "submit")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def register(place: Place) -> Place:
    place.answer("init")
    return place


@pytest.fixture
def nobody() -> str:
    """An address on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def test_all_faults_of_the_settings_are_told_at_once_and_nothing_starts(place: Place) -> None:
    place.settings.update(UTSKICK_NONSENSE="1", UTSKICK_CONTROLLER__NAME="", UTSKICK_SMARTHOST="http://x")
    said = place.refusal(2, "lists", "list")
    assert [line.split(":")[0] for line in said[:2]] == ["UTSKICK_CONTROLLER__NAME", "UTSKICK_NONSENSE"]
    assert any("smarthosts.main.url" in line or "UTSKICK_SMARTHOST" in line for line in said)
    assert not (place.folder / "var").exists()


def test_an_empty_variable_is_not_the_folder_itself(place: Place) -> None:
    place.settings.update(UTSKICK_TOKEN="", UTSKICK_SECRETS_DIR="", UTSKICK_DATA_DIR=" ")
    said = place.refusal(2, "campaigns", "list")
    assert [line.split(":")[0] for line in said] == [
        "UTSKICK_SECRETS_DIR",
        "UTSKICK_DATA_DIR",
        "UTSKICK_TOKEN",
    ]
    assert all("must not be empty" in line for line in said)


def test_a_token_that_is_a_folder_is_no_reason_to_lock_it(register: Place) -> None:
    register.settings["UTSKICK_TOKEN"] = "var"
    (said,) = register.refusal(1, "campaigns", "list")
    assert said.endswith("var: is no file; name one that holds the secret")


def test_a_database_that_may_not_be_written_is_told_so(
    register: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    connect = sqlite3.connect
    path = register.folder / "var" / "utskick.db"

    def read_only(*_: object, **__: object) -> sqlite3.Connection:
        return connect(f"file:{path}?mode=ro", uri=True)

    monkeypatch.setattr("sqlite3.dbapi2.connect", read_only)
    (said,) = register.refusal(1, "lists", "add", "news", "--kind", "newsletter", "--name", "News")
    assert "cannot be written: this user must be able to" in said


def test_broken_toml_has_its_line(place: Place) -> None:
    (place.folder / "utskick.toml").write_text('public_url = "x"\nsenders = = 3\n')
    (said,) = place.refusal(2, "lists", "list")
    assert re.search(r"utskick\.toml: .*line 2", said)


def test_missing_settings_say_what_to_copy(place: Place) -> None:
    (place.folder / "utskick.toml").unlink()
    said = place.refusal(2, "check")
    assert "copy utskick.example.toml there" in said[0]


def test_settings_with_typos_say_what_was_probably_meant(place: Place) -> None:
    path = place.folder / "utskick.toml"
    path.write_text(
        path.read_text()
        .replace("[smarthosts.main]", "[smarthosts.main]\nprocesor = 'x'")
        .replace("time_zone", "tme_zone")
    )
    place.settings.update(UTSKICK_DATABASE_ULR="x", UTSKICK_CONTROLLER__NAMN="x", UTSKICK_ZZZ="x")
    said = "\n".join(place.refusal(2, "lists", "list"))
    assert (
        "smarthosts.main.procesor: there is no such setting; did you mean smarthosts.main.processor?" in said
    )
    assert "UTSKICK_DATABASE_ULR: there is no such setting; did you mean UTSKICK_DATABASE_URL?" in said
    assert "did you mean UTSKICK_CONTROLLER__NAME?" in said
    assert said.endswith("UTSKICK_ZZZ: there is no such setting")


def test_settings_that_cannot_be_read_say_why(place: Place) -> None:
    path = place.folder / "utskick.toml"
    path.write_text(path.read_text() + "# Åland", "cp1252")
    (said,) = place.refusal(2, "check")
    assert said.endswith("utskick.toml: is not written in UTF-8; save it as UTF-8")
    path.write_bytes(
        b"\xef\xbb\xbf" + (ROOT / "utskick.example.toml").read_bytes()
    )  # as Windows' editor saves it
    assert "there is no register" in place.refusal(1, "lists", "list")[0]
    path.unlink()
    path.mkdir()
    (said,) = place.refusal(2, "check")
    assert said.endswith("utskick.toml: Is a directory")


def test_a_register_that_was_never_made_names_the_command(place: Place) -> None:
    (said,) = place.refusal(1, "lists", "list")
    assert "run `utskick init`" in said


@pytest.mark.parametrize(
    "command",
    [
        ("check",),
        ("lists", "list"),
        ("campaigns", "preview", NEWSLETTER, "--out", "out"),
        ("feedback", "list"),
        ("feedback", "cases", "list"),
        ("feedback", "parked", "list"),
    ],
    ids=" ".join,
)
def test_looking_makes_nothing(place: Place, command: tuple[str, ...]) -> None:
    place.settings["UTSKICK_SMARTHOST"] = "file:outbox/below"
    (said,) = place.refusal(1, *command)
    assert re.search(r"there is no register .*utskick\.db yet; run `utskick init`", said)
    assert [path.name for path in place.folder.iterdir()] == ["utskick.toml"]


def test_a_preview_that_is_refused_and_a_check_make_no_folders(register: Place) -> None:
    register.settings["UTSKICK_SMARTHOST"] = "file:outbox"
    register.refusal(1, "campaigns", "preview", NEWSLETTER, "--out", "out", "--set", "campaign.template=gone")
    assert register.answer("check")["ok"]
    assert {path.name for path in register.folder.iterdir()} == {"utskick.toml", "var"}


def test_check_says_what_to_do_about_a_smarthost(register: Place, nobody: str) -> None:
    register.settings["UTSKICK_SMARTHOST"] = f"smtp://{nobody}"
    (said,) = register.refusal(1, "check")
    assert "Connection refused; see that it runs" in said
    (register.folder / "file").touch()
    register.settings["UTSKICK_SMARTHOST"] = "file:file/below"
    (said,) = register.refusal(1, "check")
    assert "file/below: Not a directory; see that" in said


@pytest.mark.parametrize("command", [("init",), ("lists", "list")])
def test_a_database_that_is_away_is_named_without_its_password(
    place: Place, nobody: str, command: tuple[str, ...]
) -> None:
    place.settings["UTSKICK_DATABASE_URL"] = f"postgresql://utskick:geheim@{nobody}/utskick"
    (said,) = place.refusal(1, *command)
    assert nobody in said
    assert "does not answer" in said
    assert "geheim" not in said


def test_a_folder_that_cannot_be_made_is_named(place: Place) -> None:
    place.settings["UTSKICK_DATABASE_URL"] = "sqlite:////proc/nowhere/utskick.db"
    (said,) = place.refusal(1, "init")
    assert "/proc/nowhere" in said


def test_a_queue_that_is_away_is_named_with_the_remedy(register: Place, nobody: str) -> None:
    register.settings["UTSKICK_REDIS_URL"] = f"redis://:geheim@{nobody}/0"
    (said,) = register.refusal(1, *SUBMIT, NEWSLETTER)
    assert nobody in said
    assert "start it or set UTSKICK_REDIS_URL" in said
    assert "geheim" not in said


def test_check_names_everything_that_does_not_answer(place: Place, nobody: str) -> None:
    place.settings.update(
        UTSKICK_DATABASE_URL=f"postgresql://u@{nobody}/u",
        UTSKICK_REDIS_URL=f"redis://{nobody}/0",
        UTSKICK_SMARTHOST=f"smtp://{nobody}",
    )
    said = place.refusal(1, "check")
    assert [line.split(":")[0] for line in said] == ["database", "queue", "smarthosts.main"]


@pytest.mark.parametrize(
    "command, where",
    [
        ((*SUBMIT, "gone.toml"), "gone.toml: No such file"),
        ((*SUBMIT, NEWSLETTER, "--set", "campaign.lists.x=3"), "lists is not a table"),
        ((*SUBMIT, NEWSLETTER, "--set", "nothing"), "write PATH=VALUE"),
        (("campaigns", "preview", "gone.json", "--out", "here"), "gone.json: No such file"),
        (("campaigns", "show", "77"), "no campaign 77"),
        (("contacts", "show", "77"), "no contact 77"),
        (
            ("contacts", "import", "x.csv", *["--list", "gone", "--source", "x", "--basis", "consent"]),
            "lists add gone",
        ),
        (("suppressions", "add", "nonsense", "--evidence", "letter"), "@-sign"),
        (("suppressions", "lift", "77", "--evidence", "letter"), "no suppression 77"),
        (("feedback", "ingest", "gone.eml"), "gone.eml: No such file"),
        (("feedback", "parse"), "name files with a message each"),
        (("segments", "explain", "\udce5"), "not written in UTF-8"),
        ((*SUBMIT, "-"), "standard input is no JSON"),
        ((*SUBMIT, "deep.json"), "deep.json is no JSON"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_what_cannot_be_done_is_one_line(register: Place, command: tuple[str, ...], where: str) -> None:
    (register.folder / "deep.json").write_text("[" * 100_000)
    (said,) = register.refusal(1, *command)
    assert where in said


@pytest.mark.parametrize(
    "command",
    [
        ("nonsense",),
        ("lists", "add"),
        ("lists", "add", "news", "--kind", "zine", "--name", "News"),
        ("campaigns", "show", "one"),
        ("worker", "--threads", "0"),
        ("worker", "--queues", "nonsense"),
        ("web", "--port", "99999"),
        ("rights", "show", "99999999999999999999"),
        ("contacts", "merge", "0", "1", "--evidence", "x"),
        ("contacts", "duplicates", "--limit", "-1"),
    ],
    ids=" ".join,
)
def test_wrong_usage_names_the_help(place: Place, command: tuple[str, ...]) -> None:
    (said,) = place.refusal(2, *command)
    assert re.search(r"See `utskick[ a-z]* --help`\.$", said)


@pytest.mark.parametrize(
    "command, needs",
    [
        (("contacts", "import"), "`utskick contacts import` needs FILE, --list, --source and --basis."),
        (("contacts", "import", "-", "--source=fair", "--map", "a=b"), "needs --list and --basis."),
        (("lists", "add", "news", "--name", "News"), "needs --kind."),
        (("lists", "add", "--kind", "magazine", "--key=m"), "needs --name."),
        (("lists", "add", "news", "--kind"), "parameter --kind requires an argument."),
        (("contacts", "merge"), "needs KEPT, OTHER and --evidence."),
        (("contacts", "merge", "1"), "needs OTHER and --evidence."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_all_that_is_missing_is_named_at_once(place: Place, command: tuple[str, ...], needs: str) -> None:
    (said,) = place.refusal(2, *command)
    assert needs in said


@pytest.mark.parametrize("name, text", [("x.toml", "a = [\n"), ("x.json", "{"), ("y.json", "[1]")])
def test_a_file_that_is_no_submission_is_told_from_one_that_is_missing(
    register: Place, name: str, text: str
) -> None:
    (register.folder / name).write_text(text)
    (said,) = register.refusal(1, *SUBMIT, name)
    assert said.startswith(name)


def test_a_key_that_others_can_read_names_the_remedy(register: Place) -> None:
    key = next((register.folder / "var" / "secrets").glob("*.key"))
    key.chmod(0o644)
    (said,) = register.refusal(1, "lists", "list")
    assert f"chmod 600 {key}" in said


def test_an_unforeseen_error_tells_its_place_and_not_its_words(
    register: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("kim@kund.example")

    monkeypatch.setattr("campaigns.register.mailing_lists.all_lists", broken)
    done = register.run("lists", "list", "--json")
    assert done.code == 1
    assert "ValueError at test_errors.py" in json.loads(done.stdout)["error"]
    assert "kim@" not in done.stdout + done.stderr
