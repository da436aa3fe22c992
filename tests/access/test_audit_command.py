"""`utskick audit`: look things up, seal, check, accept."""

import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.answer("init")
    made.answer("lists", "add", "news", "--kind", "newsletter", "--name", "News")
    return made


def test_entries_are_found_by_who_what_and_when(place: Place) -> None:
    everything = place.answer("audit", "list")["entries"]
    tags = [entry["tag"] for entry in everything]
    assert tags == ["register:list:add", "register:register:found"]
    for wanted in (("--tag", "register:list"), ("--subject", "list:1"), ("--by", everything[0]["principal"])):
        found = place.answer("audit", "list", *wanted)["entries"]
        assert everything[0] in found, wanted
    assert place.answer("audit", "list", "--tag", "register:list")["entries"] == everything[:1]
    assert place.answer("audit", "list", "--subject", "list:2")["entries"] == []
    assert place.answer("audit", "list", "--until", "2026-01-01")["entries"] == []
    assert place.answer("audit", "list", "--since", "2026-01-01", "--limit", "1")["entries"] == everything[:1]
    (shown,) = place.answer("audit", "list", "--tag", "register:list", "--values")["entries"]
    assert shown["values"][0]["new"]["key"] == "news"


def test_verify_ends_with_1_and_names_the_entry(place: Place) -> None:
    assert place.answer("audit", "seal") == {"sealed": 2}
    assert place.answer("audit", "verify") == {"entries": 2, "unsealed": 0, "problems": []}
    with sqlite3.connect(place.folder / "var" / "utskick.db") as database:
        database.execute("DROP TRIGGER audit_guard_1_audit_update")
        database.execute("UPDATE audit SET evidence = 'a letter' WHERE id = 2")
    database.close()
    done = place.run("audit", "verify", "--json")
    assert done.code == 1
    faults = json.loads(done.stdout)["faults"]
    assert faults == [
        {"where": "place 2, entry 2", "problem": "altered, or it stood in another place of the log"}
    ]


def test_accept_asks_for_something_to_accept(place: Place) -> None:
    place.answer("audit", "seal")
    assert place.refusal(1, "audit", "accept", "--evidence", "none") == [
        "the audit log fits what was sealed here; there is nothing to accept"
    ]
