"""What a file may look like: sizes, documentation, and the few doors that only one module may open."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from tests.architecture.tree import Function, Module, Tree

LINES_OF_A_FILE = 400
LINES_OF_A_FUNCTION = 40
ARGUMENTS = 6

# Who may touch the environment: the settings read it, the demo hands its own on to the programs that it starts.
SETTINGS = "workers.settings"
ENVIRONMENT_DOORS = frozenset({SETTINGS, "workers.demo.place"})
ENVIRONMENT = frozenset({"environ", "environb", "getenv", "getenvb"})
SEAL = "_GATE_SEAL"
SEAL_MAKER = "campaigns.register.clearance"
# Methods whose promise is written down by the library that calls them.
INHERITED = frozenset({"process_bind_param", "process_result_value"})
GATE = "campaigns.register.suppression"


def long_files(tree: Tree) -> Iterator[str]:
    """Files that have grown past one subject. A migration is a list of statements that stays as it once ran: it may be
    long, in one function, and say again what others say."""
    for module in tree.values():
        lines = module.text.count("\n")
        if lines > LINES_OF_A_FILE and not module.is_migration:
            yield f"{module.name} has {lines} lines, more than {LINES_OF_A_FILE}"


def long_functions(tree: Tree) -> Iterator[str]:
    """Functions that do not fit on a screen."""
    for module, place, function in tidy_functions(tree):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > LINES_OF_A_FUNCTION:
            yield f"{module.name}.{place} has {lines} lines, more than {LINES_OF_A_FUNCTION}"


def many_arguments(tree: Tree) -> Iterator[str]:
    """Functions that take more than can be kept in mind; the options of a command are counted by its user, not here."""
    for module, place, function in tidy_functions(tree):
        names = [argument.arg for argument in arguments(function) if argument.arg not in {"self", "cls"}]
        if len(names) > ARGUMENTS and not module.name.startswith("workers.cli"):
            yield f"{module.name}.{place} takes {len(names)} arguments, more than {ARGUMENTS}"


def undocumented(tree: Tree) -> Iterator[str]:
    """Modules and public functions without a docstring, and functions that leave a type out."""
    for module in tree.values():
        if module.text.strip() and not ast.get_docstring(module.syntax) and not module.is_migration:
            yield f"{module.name} has no docstring"
    for module, place, function in tidy_functions(tree):
        if is_public(place) and not ast.get_docstring(function) and not in_function(module, place):
            yield f"{module.name}.{place} has no docstring"
        bare = [
            it.arg for it in arguments(function) if it.annotation is None and it.arg not in {"self", "cls"}
        ]
        if bare or function.returns is None:
            yield f"{module.name}.{place} leaves out the type of {', '.join(bare) or 'what it returns'}"


def environment_readers(tree: Tree) -> Iterator[str]:
    """Modules other than the settings that read the environment."""
    for module in tree.values():
        if module.name not in ENVIRONMENT_DOORS:
            for line, name in names_used(module):
                if name in ENVIRONMENT:
                    yield f"{module.name}:{line} reads the environment; only {SETTINGS} does"


def seal_breakers(tree: Tree) -> Iterator[str]:
    """Modules other than the gate that touch the seal of clearances."""
    for module in tree.values():
        if module.name not in {SEAL_MAKER, GATE}:
            for line, name in names_used(module):
                if name == SEAL:
                    yield f"{module.name}:{line} reaches for the gate's seal; only {GATE} may"


def call_circles(tree: Tree) -> Iterator[str]:
    """Functions of one module that call each other in a circle; calling oneself is plain recursion and allowed."""
    for module in tree.values():
        own = {place: function for place, function in module.functions() if "." not in place}
        graph = {name: called_names(function) & set(own) - {name} for name, function in own.items()}
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as circle:
            yield f"{module.name}: {' <- '.join(circle.args[1])} call each other"


def called_names(function: Function) -> set[str]:
    """The plain names that a function calls."""
    calls = (node for node in ast.walk(function) if isinstance(node, ast.Call))
    return {call.func.id for call in calls if isinstance(call.func, ast.Name)}


def tidy_functions(tree: Tree) -> Iterator[tuple[Module, str, Function]]:
    """All functions but those of migrations."""
    for module in tree.values():
        if not module.is_migration:
            yield from ((module, place, function) for place, function in module.functions())


def arguments(function: Function) -> list[ast.arg]:
    """Every argument of a function, by whatever way it is handed in."""
    said = function.args
    stars = [star for star in (said.vararg, said.kwarg) if star is not None]
    return [*said.posonlyargs, *said.args, *said.kwonlyargs, *stars]


def is_public(place: str) -> bool:
    """Whether a function's name says that others may call it; special methods are described by the language."""
    parts = place.split(".")
    return parts[-1] not in INHERITED and not any(part.startswith("_") for part in parts)


def in_function(module: Module, place: str) -> bool:
    """Whether a function is defined inside another, where nobody else can call it."""
    outer = {name for name, _ in module.functions()}
    parts = place.split(".")
    return any(".".join(parts[:count]) in outer for count in range(1, len(parts)))


def names_used(module: Module) -> Iterator[tuple[int, str]]:
    """Every name that a module uses, as a variable, an attribute, an import, or in quotes for getattr."""
    for node in ast.walk(module.syntax):
        if isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
