"""Reading a checkout as data: its modules, what they import, where their functions are."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("campaigns", "workers")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One Python file: its dotted name and its text."""

    name: str
    text: str

    @cached_property
    def syntax(self) -> ast.Module:
        """The parsed text."""
        return ast.parse(self.text)

    @property
    def is_migration(self) -> bool:
        """Migrations are history: written once, never tidied."""
        return ".store.migrations" in self.name

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and full name of everything imported, in functions and under TYPE_CHECKING too."""
        for node in ast.walk(self.syntax):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((node.lineno, f"{node.module or ''}.{alias.name}") for alias in node.names)

    def functions(self) -> Iterator[tuple[str, Function]]:
        """Every function with its dotted place inside the module."""
        yield from _functions(self.syntax, "")


Tree = Mapping[str, Module]


def read_tree(root: Path = ROOT) -> Tree:
    """All modules of the packages under a folder, by dotted name."""
    modules = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            modules[name] = Module(name, path.read_text())
    return modules


def made_up(**texts: str) -> Tree:
    """A tiny tree for seeing a rule bite; in the keywords, `__` stands for the dot."""
    named = {name.replace("__", "."): text for name, text in texts.items()}
    return {name: Module(name, text) for name, text in named.items()}


def inner_target(tree: Tree, imported: str) -> str | None:
    """The module of the tree that an imported name leads to; None for anything outside."""
    name = imported
    while name:
        if name in tree:
            return name
        name = name.rpartition(".")[0]
    return None


def is_under(name: str, place: str) -> bool:
    """Whether a module is that place or inside it."""
    return name == place or name.startswith(f"{place}.")


def project_dependencies() -> set[str]:
    """The names of the libraries that pyproject.toml asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    return {line.split(";")[0].split("[")[0].split(">")[0].split("<")[0].strip() for line in lines}


def _functions(node: ast.AST, place: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef):
            name = f"{place}.{child.name}".lstrip(".")
            if not isinstance(child, ast.ClassDef):
                yield name, child
            yield from _functions(child, name)
        else:
            yield from _functions(child, place)
