"""The demo on a few people: ends with 0, keeps to its contract, leaves nothing running, would see a violation."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from campaigns.store.engine import make_engine
from tests.architecture.tree import ROOT
from workers.demo.checks import Outcome, violations
from workers.demo.news import read_kept

PEOPLE = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where one run has left its results; it ran over the remains of an earlier one."""
    place = tmp_path_factory.mktemp("demo") / "place"
    (place / "mail").mkdir(parents=True)
    (place / "mail" / "000001.eml").write_text("an earlier run's")
    done = subprocess.run(
        demo(place), env=narrow(), cwd=ROOT, capture_output=True, text=True, check=False, timeout=150
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Violations: 0." in done.stdout
    (place / "told.txt").write_text(done.stdout)
    return place


@pytest.fixture
def summary(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return read


@pytest.fixture
def engine(summary: dict[str, Any]) -> Iterator[sa.Engine]:
    made = make_engine(summary["database"])
    yield made
    made.dispose()


@pytest.fixture
def outcome(summary: dict[str, Any]) -> Outcome:
    mail = [read_kept(path) for path in sorted(Path(summary["mail_dir"]).glob("*.eml"))]
    gone = frozenset(kept.recipient for kept in mail[:3])
    return Outcome(summary["campaigns"], mail, list(map(Path, summary["print_files"])), gone, 2 * PEOPLE)


def test_the_summary_says_what_happened(summary: dict[str, Any]) -> None:
    assert set(summary) == {
        "campaigns",
        "unsubscribed",
        "bounced",
        "violations",
        "mail_dir",
        "print_files",
        "database",
    }
    assert [item["kind"] for item in summary["campaigns"]] == ["newsletter", "magazine", "newsletter"]
    assert [item["channel"] for item in summary["campaigns"]] == ["email", "both", "email"]
    assert (summary["unsubscribed"], summary["bounced"], summary["violations"]) == (1, 2, [])
    assert summary["campaigns"][-1]["withheld"] == {"hard_bounce": 2, "unsubscribed": 1}
    assert all(item["recipients"] in {PEOPLE, 2 * PEOPLE} for item in summary["campaigns"])


def test_the_accounts_are_those_that_the_command_shows(folder: Path, summary: dict[str, Any]) -> None:
    command = [sys.executable, "-m", "workers", "campaigns", "show", "2", "--json"]
    shown = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert json.loads(shown.stdout) == summary["campaigns"][1]


def test_every_accepted_message_lies_once_in_the_folder(summary: dict[str, Any]) -> None:
    files = list(Path(summary["mail_dir"]).iterdir())
    ids = {message_from_bytes(path.read_bytes())["Message-ID"] for path in files}
    letters = [row for path in summary["print_files"] for row in rows(Path(path))]
    assert letters
    assert len(files) == len(ids)
    assert len(files) + len(letters) == sum(item["accepted"] for item in summary["campaigns"])


def test_its_table_fits_a_narrow_terminal(folder: Path) -> None:
    table = (folder / "told.txt").read_text().partition("The accounts")[2].partition("Violations")[0]
    assert "withheld: hard_bounce" in table
    assert "…" not in table
    assert max(map(len, table.splitlines())) <= 80


def test_nothing_is_left_running(folder: Path) -> None:
    assert processes_in(folder) == []


def test_a_violation_would_be_seen(engine: sa.Engine, outcome: Outcome) -> None:
    assert violations(engine, outcome) == []
    twice = replace(outcome, mail=[*outcome.mail, outcome.mail[5]])
    assert any("handed over 2 times" in said for said in violations(engine, twice))
    lost = replace(outcome, mail=outcome.mail[1:])
    assert any("are accepted" in said for said in violations(engine, lost))
    unprinted = replace(outcome, print_files=outcome.print_files[1:])
    assert any("letters are accepted" in said for said in violations(engine, unprinted))
    late = replace(outcome, said_no_after=0)
    assert any("had said no" in said for said in violations(engine, late))
    short = [{**outcome.campaigns[0], "accepted": 1}, *outcome.campaigns[1:]]
    assert any("accounted for" in said for said in violations(engine, replace(outcome, campaigns=short)))
    forgot = [*outcome.campaigns[:-1], {**outcome.campaigns[-1], "withheld": {}, "withheld_total": 0}]
    assert any(
        "known as hard_bounce" in said for said in violations(engine, replace(outcome, campaigns=forgot))
    )


def demo(place: Path) -> list[str]:
    return [sys.executable, "-m", "workers.demo", "--people", str(PEOPLE), "--folder", str(place)]


def narrow() -> dict[str, str]:
    return {**os.environ, "COLUMNS": "80"}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def processes_in(folder: Path) -> list[str]:
    """The commands of all processes whose working folder is this one or below it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.joinpath("cwd").readlink().is_relative_to(folder):
                found.append(process.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it has ended, or belongs to another user
    return found
