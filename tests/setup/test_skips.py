"""Which skips are allowed, and what the run's last line says about them: seen on runs made for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

HEAD = "import pytest\nfrom tests.support import skips\nskips.NEEDS['needs_postfix'] = lambda: False\n"
MARKED = HEAD + "@pytest.mark.needs_postfix\ndef test_a(): ...\ndef test_b(): ...\n"


def run(folder: Path, text: str, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A run of pytest over one made-up file, with the plugin under test."""
    (folder / "test_made_up.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = needs_postfix: made up\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.support.skips",
        "-p",
        "no:cacheprovider",
        *options,
        ".",
    ]
    inherited = {name: value for name, value in os.environ.items() if name != "TESTS_MAY_SKIP"}
    environment = {**inherited, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_last_line_counts_what_was_skipped(tmp_path: Path) -> None:
    done = run(tmp_path, MARKED)
    assert done.returncode == 0, done.stdout
    summary, last = done.stdout.splitlines()[-2:]
    assert "1 passed, 1 skipped" in summary
    assert last.startswith("1 test was skipped")
    assert "make test-tools" in last


def test_under_ci_a_skip_fails_the_run_also_when_it_is_shared(tmp_path: Path) -> None:
    done = run(tmp_path, MARKED, "-n", "2", TESTS_MAY_SKIP="0")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("1 test was skipped")


def test_without_skips_nothing_is_added(tmp_path: Path) -> None:
    done = run(tmp_path, "def test_b(): ...\n", TESTS_MAY_SKIP="0")
    assert done.returncode == 0
    assert "1 passed" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "text",
    [
        "import pytest\ndef test_a(): pytest.skip('no time')\n",
        "import pytest\n@pytest.mark.skip\ndef test_a(): ...\n",
        "import pytest\n@pytest.mark.skipif(True, reason='why not')\ndef test_a(): ...\n",
        "import pytest\npytest.importorskip('nowhere_to_be_found')\ndef test_a(): ...\n",
    ],
    ids=["in the test", "mark", "condition", "module"],
)
def test_any_other_skip_is_a_failure(tmp_path: Path, text: str) -> None:
    done = run(tmp_path, text)
    assert done.returncode != 0
    assert "skipped" in done.stdout
