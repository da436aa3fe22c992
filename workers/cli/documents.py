"""A submission as it comes from a file or a pipe, with what the command line sets in it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter

from campaigns.errors import InputError
from workers.cli import given

FileName = Annotated[
    str,
    Parameter(
        help="A submission as TOML or JSON; - reads JSON from standard input.", allow_leading_hyphen=True
    ),
]
Assignments = Annotated[
    tuple[str, ...],
    Parameter(
        name="--set",
        negative=(),
        show_default=False,
        help="PATH=VALUE, e.g. campaign.lists='[\"news\"]': a dotted path and JSON, else text. May be repeated.",
    ),
]


def read_submission(file: str, assignments: Sequence[str]) -> dict[str, Any]:
    """The document in a file, with the assignments made.

    Raises:
        InputError: the file is missing or no TOML or JSON, or a path leads nowhere; says which.
    """
    document = _read(file)
    for assignment in assignments:
        _assign(document, assignment)
    return document


def _read(file: str) -> dict[str, Any]:
    text = given.text(file)
    try:
        document = tomllib.loads(text) if file.endswith(".toml") else json.loads(text)
    except (ValueError, RecursionError) as error:
        kind = "TOML" if file.endswith(".toml") else "JSON"
        raise InputError(f"{_called(file)} is no {kind}: {error}") from None
    if not isinstance(document, dict):
        raise InputError(f"{_called(file)}: must be a table of names and values")
    # Dates of TOML become text, as they travel in JSON.
    plain: dict[str, Any] = json.loads(json.dumps(document, default=lambda value: value.isoformat()))
    return plain


def _called(file: str) -> str:
    return "standard input" if file == given.DASH else file


def _assign(document: dict[str, Any], assignment: str) -> None:
    path, separator, text = assignment.partition("=")
    *above, last = path.split(".")
    if not separator or not all((*above, last)):
        raise InputError(f"--set {assignment!r}: write PATH=VALUE, e.g. campaign.edition=2026-11")
    table: Any = document
    for name in above:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            raise InputError(f"--set {path}: {name} is not a table")
    try:
        table[last] = json.loads(text)
    except ValueError:
        table[last] = text
