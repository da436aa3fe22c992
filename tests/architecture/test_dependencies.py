"""Every library that we ask for is used, and every one that is used is asked for and explained."""

import re
import tomllib

import pytest

from tests.architecture.import_rules import LIBRARIES
from tests.architecture.tree import ROOT, project_dependencies, read_tree

# Import names that differ from the name of the distribution.
IMPORTED_AS = {"argon2-cffi": "argon2", "mjml-python": "mjml"}
# Part of another library that we ask for, and imported beside it.
BROUGHT_ALONG = {"markupsafe": "jinja2", "pydantic_core": "pydantic", "starlette": "fastapi"}
# Asked for and never imported by us.
NOT_IMPORTED = {
    "hiredis": "redis speaks faster with it",
    "psycopg": "sqlalchemy loads it for a PostgreSQL URL",
    "python-multipart": "fastapi reads forms with it",
    "tzdata": "zoneinfo reads it where the system has no time zones",
    "matplotlib": "extra `reports`",
    "segno": "extra `post`",
}
LOCKS = ("run.txt", "dev.txt", "build.txt")


def import_name(distribution: str) -> str:
    return IMPORTED_AS.get(distribution, distribution.replace("-", "_"))


def test_what_is_asked_for_is_used() -> None:
    used = {imported.split(".")[0] for module in read_tree().values() for _, imported in module.imports()}
    asked = {import_name(name) for name in project_dependencies() - set(NOT_IMPORTED)}
    assert asked - used == set()


def test_what_may_be_imported_is_asked_for() -> None:
    asked = {import_name(name) for name in project_dependencies()}
    assert set(LIBRARIES) - set(BROUGHT_ALONG) - asked == set()
    assert set(BROUGHT_ALONG.values()) <= asked


def test_every_library_is_explained() -> None:
    explained = (ROOT / "docs" / "decisions" / "dependencies.md").read_text()
    assert [name for name in sorted(project_dependencies()) if f"| {name} |" not in explained] == []


@pytest.mark.parametrize("name", LOCKS)
def test_every_pinned_file_has_hashes_and_no_address(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    pins = re.findall(r"^[\w.-]+==\S+.*\\\n    --hash=sha256:", text, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^\S+==", text, re.MULTILINE))
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_the_pinned_files_hold_what_is_asked_for() -> None:
    pinned = pins_of("run.txt")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    later = {re.split(r"[>\[]", line)[0] for extra in ("post", "reports") for line in extras[extra]}
    assert project_dependencies() - later - set(pinned) == set()
    assert pinned.items() <= pins_of("dev.txt").items()
    assert pins_of("build.txt").items() <= pins_of("dev.txt").items()


def pins_of(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text()
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))
