"""The reference is complete and not stale."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

from tests.docs.written import DOCS, PAGES
from tests.setup.test_example_settings import setting_names
from workers.cli import app
from workers.settings import Settings


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_what_the_code_says(path: Path) -> None:
    assert path.read_text() == PAGES[path](), "run `make docs` and commit what it writes"


def test_every_command_and_every_option_is_explained() -> None:
    page = (DOCS / "reference" / "commands.md").read_text()
    found = list(commands(app, "utskick"))
    assert len(found) > 25
    for name, command in found:
        section = page.partition(f"# {name}\n")[2].partition("\n#")[0]
        assert section, name
        for argument in command.assemble_argument_collection(parse_docstring=True):
            assert argument.name in section, f"{name} {argument.name}"
            assert argument.parameter.help, f"{name} {argument.name} has no help"


def test_every_command_answers_in_json() -> None:
    for name, command in commands(app, "utskick"):
        names = [argument.name for argument in command.assemble_argument_collection()]
        assert "--json" in names, name


def test_every_command_has_a_sentence_of_help() -> None:
    assert [
        name for name, command in commands(app, "utskick") if not re.search(r"\.|\)$", command.help)
    ] == []


def test_every_setting_is_explained() -> None:
    page = (DOCS / "reference" / "settings.md").read_text()
    assert [name for name in setting_names(Settings) if f"| `{name}` |" not in page] == []


def commands(above: App, name: str) -> Iterator[tuple[str, App]]:
    """Every command that does something, with its full name."""
    for word in above:
        if word.startswith("-"):
            continue
        below = above[word]
        if below.default_command is not None:
            yield f"{name} {word}", below
        yield from commands(below, f"{name} {word}")
