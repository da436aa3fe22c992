"""Every cell of the matrix: the domain functions themselves let in or refuse, and a flipped cell is found out."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from campaigns import access
from campaigns.access import MATRIX, Operation
from campaigns.errors import NotAllowed, UtskickError
from campaigns.principal import Level, Principal
from tests.access.calls import CALLS, Ground
from tests.access.grid import LETTERS, expected
from tests.architecture.tree import ROOT
from tests.support.databases import migrated_file
from tests.support.register import Register, made_register

CELLS = expected()


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    folder = tmp_path_factory.mktemp("matrix")
    with made_register(migrated_file(folder / "register.db"), folder / "secrets") as made:
        yield made


def answers(register: Register, operation: Operation, principal: Principal) -> set[bool]:
    """Whether each function of an operation lets a principal in."""
    return {_lets_in(register, call, principal) for call in CALLS[operation]}


def _lets_in(register: Register, call: Callable[[Ground], object], principal: Principal) -> bool:
    try:
        call(Ground(register, principal))
    except NotAllowed:
        return False
    except UtskickError:
        return True  # it was let in, and asked for something that is not there
    return True


def test_the_grid_has_a_row_for_every_operation_and_a_letter_for_every_level() -> None:
    assert (
        {name for name, _ in CELLS} == {operation.name for operation in Operation} == {o.name for o in CALLS}
    )
    assert {principal.standing for principal in LETTERS.values()} == set(Level)
    assert len(CELLS) == len(Operation) * len(Level)


@pytest.mark.parametrize("operation", Operation, ids=lambda operation: operation.name.lower())
def test_every_cell_is_as_it_is_written_down(ground: Register, operation: Operation) -> None:
    for letter, principal in LETTERS.items():
        assert answers(ground, operation, principal) == {CELLS[operation.name, letter]}, letter


def test_whoever_is_refused_has_changed_nothing(ground: Register) -> None:
    before = ground.contents()
    for (name, letter), allowed in CELLS.items():
        if not allowed:
            answers(ground, Operation[name], LETTERS[letter])
    assert ground.contents() == before


def test_a_principal_without_a_level_may_do_nothing(ground: Register) -> None:
    for name in ("account:anna", "service:shop"):
        assert {answer for o in Operation for answer in answers(ground, o, Principal(name))} == {False}


def test_a_narrowed_token_may_only_what_it_was_made_for(ground: Register) -> None:
    narrow = Principal("account:anna", Level.SENDER, frozenset({"campaign_see", "list_add"}))
    allowed = {o for o in Operation if answers(ground, o, narrow) == {True}}
    assert allowed == {Operation.CAMPAIGN_SEE}


def test_every_flipped_cell_is_found_out(ground: Register) -> None:
    survivors = [cell for cell in CELLS if not flipped_is_found(ground, *cell)]
    print(f"{len(CELLS)} cells flipped, {len(CELLS) - len(survivors)} found out")
    assert survivors == []


def flipped_is_found(register: Register, name: str, letter: str) -> bool:
    """Flip one cell of the code's table, and see whether the answer is another than the grid's."""
    operation, principal = Operation[name], LETTERS[letter]
    assert principal.standing is not None
    flipped = {**MATRIX, operation: MATRIX[operation] ^ {principal.standing}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(access, "MATRIX", flipped)
        return answers(register, operation, principal) != {CELLS[name, letter]}


def test_every_operation_is_asked_for_where_it_is_done() -> None:
    """No operation stands in the table that no function demands."""
    asked = set()
    for path in [*(ROOT / "campaigns").rglob("*.py"), ROOT / "workers" / "backup.py"]:
        asked |= demanded(path)
    assert asked == {operation.name for operation in Operation}


def demanded(path: Path) -> set[str]:
    """The operations that a file demands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "demand":
            found |= {ast.unparse(argument).removeprefix("Operation.") for argument in node.args[1:]}
    return found
