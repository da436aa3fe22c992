"""The table of what the register must answer is whole, and every link in it leads to a test."""

import re

from tests.docs.written import DOCS

PAGE = (DOCS / "data-protection.md").read_text()
ROWS = {
    cells[0]: line
    for line in PAGE.splitlines()
    if line.startswith("| ") and (cells := [cell.strip() for cell in line.strip("|").split("|")])
}
MISSING = "**Not yet**"


def test_every_section_and_every_requirement_has_a_row() -> None:
    wanted = [*map(str, range(1, 12)), *(f"4{letter}" for letter in "abcdefg")]
    wanted += [f"S{number}" for number in range(1, 35)]
    assert [name for name in wanted if name not in ROWS] == []


def test_every_row_leads_to_a_test_or_says_what_is_missing() -> None:
    rows = {name: line for name, line in ROWS.items() if re.fullmatch(r"S?\d+[a-g]?", name)}
    assert len(rows) == 52
    assert [name for name, line in rows.items() if "](../tests/" not in line and MISSING not in line] == []


def test_every_test_that_is_named_is_there() -> None:
    named = re.findall(r"\[`(test_\w+)`\]\(\.\./(tests/[\w/]+\.py)\)", PAGE)
    assert len(named) > 50
    gone = [
        f"{path}: {name}" for name, path in named if f"def {name}(" not in (DOCS.parent / path).read_text()
    ]
    assert gone == []
