"""What every command answers: one JSON object, the exit code of the contract, a line for people, never a traceback."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.place import Place, made_place
from tests.architecture.tree import ROOT
from tests.cli.place import Place as InProcess

SHOWN = {
    *("id", "status", "recipients", "pending", "sending", "accepted", "rejected", "deferred", "uncertain"),
    *("expired", "cancelled", "withheld", "withheld_total", "started_at", "finished_at", "rate"),
}
ORIGIN = ("--source", "trade fair", "--basis", "consent")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A register with two people, one of whom said no, and a campaign that has been sent to a folder."""
    folder = tmp_path_factory.mktemp("contract") / "p"
    with made_place(folder, smarthost="file:outbox") as made:
        made.ask("init")
        made.ask("lists", "add", "news", "--kind", "newsletter", "--name", "News")
        people = "email,first_name\nanna@kund.example,Anna\neva@kund.example,Eva\nnobody,Nobody\n"
        (folder / "people.csv").write_text(people, "utf-8")
        yield made


def test_the_answers_have_the_shape_of_the_contract(place: Place) -> None:
    imported = place.ask("contacts", "import", "people.csv", "--list", "news", *ORIGIN)
    assert {"rows", "imported", "updated", "unchanged", "refused"} <= imported.keys()
    refused = imported["refused"]
    assert (
        imported["rows"]
        == 3
        == imported["imported"] + imported["updated"] + imported["unchanged"] + len(refused)
    )
    assert [set(refusal) >= {"row", "reason"} for refusal in refused] == [True]
    evidence = ("--kind", "objection", "--evidence", "letter of 2026-11-12")
    assert place.ask("suppressions", "add", "eva@kund.example", *evidence)["recorded"] is True
    assert place.ask("suppressions", "check", "EVA@kund.example")["suppressed"] is True
    example = str(ROOT / "examples" / "newsletter.toml")
    submitted = place.ask("campaigns", "submit", example, "--submission-id", "one")
    assert submitted == {"submission_id": "one"}
    worker = place.start("worker")
    place.completed(1)
    assert place.stop(worker) == 0
    shown = place.ask("campaigns", "show", "1")
    assert shown.keys() >= SHOWN
    assert (shown["accepted"], shown["withheld"], shown["withheld_total"]) == (1, {"objection": 1}, 1)
    assert shown["started_at"].endswith("Z")
    assert shown["finished_at"].endswith("Z")
    listed = place.ask("campaigns", "list")
    assert [item.keys() >= {"id", "submission_id", "key", "status"} for item in listed["campaigns"]] == [True]
    assert place.ask("campaigns", "list", "--refused") == {"campaigns": []}
    assert place.ask("campaigns", "schema")["$schema"].startswith("https://json-schema.org/")
    assert len(list((place.folder / "outbox").glob("*.eml"))) == 1


WRONG = [
    ["unheard-of"],
    ["campaigns", "show", "one"],
    ["lists", "add", "x", "--kind", "leaflet", "--name", "X"],
    ["campaigns", "list", "--unheard-of"],
]
FAILED = [
    ["campaigns", "show", "99"],
    ["campaigns", "submit", "nowhere.toml"],
    ["campaigns", "submit", "-", "--set", "nonsense"],
    ["contacts", "import", "nowhere.csv", "--list", "news", *ORIGIN],
    ["contacts", "import", ".", "--list", "news", *ORIGIN],
    ["suppressions", "check", "nobody"],
    ["suppressions", "lift", "99", "--evidence", "x"],
    ["feedback", "ingest", "nowhere.eml"],
]


def test_wrong_usage_is_2_and_what_fails_is_1(place: Place) -> None:
    here = InProcess(place.folder, {"UTSKICK_SMARTHOST": "file:outbox"})
    for command, code in [(command, 2) for command in WRONG] + [(command, 1) for command in FAILED]:
        done = here.run(*command, "--json", given="{}")
        assert (done.code, command) == (code, command), done.stderr
        assert_told(code, done.stdout, done.stderr)
    for command, code in ((WRONG[0], 2), (FAILED[0], 1)):
        process = place.run(*command, "--json", given="{}")
        assert process.returncode == code, process.stderr
        assert_told(code, process.stdout, process.stderr)


def assert_told(code: int, stdout: str, stderr: str) -> None:
    """A person is told on standard error, a program by an object on standard output, and nobody by a traceback."""
    assert stderr.strip()
    assert "Traceback" not in stderr + stdout
    if code == 1:
        assert json.loads(stdout)["error"]


def test_servers_and_folders_that_are_away_are_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", "utf-8")
    cases: dict[str, dict[str, str]] = {
        "database": {"database_url": f"postgresql://u:hemligt@/none?host={tmp_path}"},
        "Redis": {"redis_url": "redis://:hemligt@127.0.0.1:1/0"},
        "taken": {"data_dir": str(tmp_path / "taken" / "below")},
        "smarthosts.main": {"smarthost": "ftp://hemligt"},
    }

    def tried(item: tuple[str, dict[str, str]]) -> tuple[str, Any]:
        word, settings = item
        with made_place(tmp_path / f"in {word}", **({"smarthost": "file:outbox"} | settings)) as made:
            if word == "Redis":
                made.ask("init")
                example = str(ROOT / "examples" / "newsletter.toml")
                return word, made.run("campaigns", "submit", example, "--json")
            return word, made.run("init", "--json")

    with ThreadPoolExecutor(2) as pool:
        for word, done in pool.map(tried, cases.items()):
            assert done.returncode == (2 if word == "smarthosts.main" else 1), done
            assert word in done.stderr
            assert "Traceback" not in done.stderr + done.stdout
            assert "hemligt" not in done.stderr + done.stdout
            assert json.loads(done.stdout)["error"]
