"""The make targets that the README and the contract name, and what a bare machine is told."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

TARGETS = ("demo", "test", "bench", "chaos", "fuzz", "lint", "format", "lock", "test-tools", "help", "clean")
APT = "apt-get install -y --no-install-recommends git make python3 python3-venv ca-certificates"


def test_every_target_is_there_and_explained() -> None:
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    explained = {line.split()[0] for line in said.splitlines() if len(line.split()) > 1}
    assert set(TARGETS) <= explained


@pytest.mark.parametrize("missing", [("git",), ("make", "git"), ("python3",), ()])
def test_a_bare_machine_is_told_the_one_line(tmp_path: Path, missing: tuple[str, ...]) -> None:
    for tool in {"git", "make", "python3", "sh"} - set(missing):
        (tmp_path / tool).write_text("#!/bin/sh\nexit 0\n")
        (tmp_path / tool).chmod(0o755)
    tried = subprocess.run(
        ["/bin/sh", str(ROOT / ".ci" / "prerequisites")],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if missing:
        assert tried.returncode == 1
        assert APT in tried.stderr
        assert all(tool in tried.stderr.splitlines()[0] for tool in missing)
    else:
        assert (tried.returncode, tried.stdout, tried.stderr) == (0, "", "")


def test_an_old_python_is_refused_by_name(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\ncase "$1" in --version) echo Python 3.9.2;; *) exit 1;; esac\n')
    old.chmod(0o755)
    tried = subprocess.run(
        ["sh", str(ROOT / ".ci" / "prerequisites")],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert tried.returncode == 1
    assert "needs Python 3.11" in tried.stderr
    assert "Python 3.9.2" in tried.stderr


def test_a_folder_with_other_letters_is_found_in_every_locale(tmp_path: Path) -> None:
    spell_out = runpy.run_path(str(ROOT / ".ci" / "environment"))["spell_out"]
    path = tmp_path / "_utskick.pth"
    for folder in (tmp_path / "plain", tmp_path / "Försäljning 'ny' \\"):
        folder.mkdir()
        (folder / "found_here.py").write_text("print('found')")
        path.write_text(f"{folder}\n", encoding="utf-8")
        spell_out(path)
        assert path.read_text("ascii")
        program = f"import site; site.addsitedir({str(tmp_path)!r}); import found_here"
        asked = [sys.executable, "-I", "-c", program]
        assert (
            subprocess.run(asked, env={"LC_ALL": "C"}, capture_output=True, check=True).stdout == b"found\n"
        )


def test_ci_runs_what_the_contract_says_in_its_order() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert re.findall(r"step make --no-print-directory ([\w-]+)", script) == ["test-tools", "lint", "test"]
    assert "\nexport TESTS_MAY_SKIP=0\n" in script
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_no_committed_file_of_the_set_up_names_a_registry() -> None:
    files = [
        "Makefile",
        "Dockerfile",
        "compose.yaml",
        "pyproject.toml",
        ".ci/run",
        ".ci/environment",
        ".ci/lock",
    ]
    for name in files:
        text = (ROOT / name).read_text()
        assert not re.search(r"(index-url\s*=|find-links\s*=|trusted-host|pypi\.)", text), name
