"""A folder with the example settings, and the command `utskick` called in it, within the test's own process."""

import gc
import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.tree import ROOT
from workers.cli import main


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Place:
    """Where commands run; `settings` are UTSKICK_* variables over the example's."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "utskick.toml").write_text((ROOT / "utskick.example.toml").read_text())

    def run(self, *command: str, given: str = "") -> Done:
        """Run a command to its end; what it does not catch falls on the test."""
        out, err, thresholds = io.StringIO(), io.StringIO(), gc.get_threshold()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(self.folder)
            patch.setattr("sys.argv", ["utskick", *command])
            patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given.encode()), encoding="utf-8"))
            for name, value in self.settings.items():
                patch.setenv(name, value)
            try:
                main()
                code = 0
            except SystemExit as left:
                code = int(left.code or 0)
            finally:
                gc.set_threshold(*thresholds)
        return Done(code, out.getvalue(), err.getvalue())

    def answer(self, *command: str, given: str = "") -> Any:
        """The JSON answer of a command that ends with 0."""
        done = self.run(*command, "--json", given=given)
        assert done.code == 0, done.stderr
        return json.loads(done.stdout)

    def refusal(self, code: int, *command: str, given: str = "") -> list[str]:
        """The lines on standard error of a command that ends with this code, with one object on standard output."""
        done = self.run(*command, "--json", given=given)
        lines = done.stderr.splitlines()
        assert done.code == code, done.stderr
        assert set(json.loads(done.stdout)) == {"error", "faults"}
        assert lines
        assert all(line.startswith("utskick: ") for line in lines), done.stderr
        return [line.removeprefix("utskick: ") for line in lines]
