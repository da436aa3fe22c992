"""`utskick halt`, `go` and `suppressions replay` as a person runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.operations.place import Place, made_place


def run(place: Place, *arguments: str, code: int = 0) -> dict[str, Any]:
    """One command with --json; what it answered."""
    done = subprocess.run(
        [sys.executable, "-m", "workers", *arguments, "--json"],
        cwd=place.folder,
        env={**os.environ, **place.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    answered: dict[str, Any] = json.loads(done.stdout)
    return answered


def test_from_a_restored_backup_back_to_work(sqlite_url: str, tmp_path: Path) -> None:
    with made_place(tmp_path, sqlite_url, "smtp://127.0.0.1:1") as place:
        place.people(1)
        place.opened()
        run(place, "suppressions", "add", "p7@kund.example", "--evidence", "letter of 12 November")
        log = tmp_path / "var" / "secrets" / "opt-out.log"
        elsewhere = tmp_path / "other-machine.log"
        elsewhere.write_text(log.read_text().replace('"kind":"manual"', '"kind":"objection"'))

        assert run(place, "halt", "--restored", "--reason", "the disk died") == {
            "halted": True,
            "fresh": True,
        }
        assert "--all-logs" in run(place, "go", code=1)["error"]
        done = run(place, "go", "--all-logs", "--replay", str(elsewhere))
        assert (done["restored"], done["uncertain"], done["held"]) == (True, 1, 0)
        assert (done["replayed"]["recorded"], done["replayed"]["stood"]) == (1, 1)
        assert run(place, "suppressions", "replay")["stood"] == 1
        told = [tag for _, tag in place.tags() if "sending" in tag]
        assert told == ["register:sending:restored", "register:sending:go"]
