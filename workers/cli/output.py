"""How commands answer: a line or a table for people, one JSON object for machines; errors without tracebacks.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage or settings.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from cyclopts import CycloptsError, Parameter

from campaigns.clock import iso
from campaigns.errors import FaultyInput, SettingsError, UtskickError

Json = Annotated[
    bool,
    Parameter(name="--json", negative=(), show_default=False, help="Print one JSON object instead of text."),
]

FAILED, WRONG_USAGE = 1, 2


def answer(value: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Print the result of a command."""
    print(json.dumps(value, ensure_ascii=False, default=in_words) if as_json else text)


def in_words(value: object) -> str:
    """A value that JSON lacks: an instant in the one form that all commands use, anything else as it prints itself."""
    return iso(value) if isinstance(value, datetime) else str(value)


def answer_record(value: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one thing, a line for each name that has a value and one for each entry of a list."""
    lines = []
    for name, held in value.items():
        entries = [_in_line(entry) for entry in (held if isinstance(held, list | tuple) else [held])]
        lines += [f"{name}: {entry}" for entry in entries if entry]
    answer(value, "\n".join(lines), as_json=as_json)


def _in_line(entry: object) -> str:
    if isinstance(entry, Mapping):
        return ", ".join(
            f"{name} {_in_line(value)}" for name, value in entry.items() if value not in (None, "")
        )
    return "" if entry is None else in_words(entry)


def answer_table(value: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Print rows as a table, or the value as JSON."""
    if as_json or not rows:
        answer(value, "nothing yet", as_json=as_json)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*(str(name) for name in rows[0]))
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row.values()))
    Console().print(table)


def fail(error: UtskickError, *, as_json: bool) -> int:
    """Say what went wrong, a line for each fault, and return the exit code."""
    faults = error.faults if isinstance(error, FaultyInput) else ()
    listed = [{"where": fault.where, "problem": fault.problem} for fault in faults]
    _complain(str(error), listed, as_json=as_json)
    return WRONG_USAGE if isinstance(error, SettingsError) else FAILED


def fail_usage(error: CycloptsError, *, as_json: bool) -> int:
    """Say what is wrong with the command line, where its help is, and return the exit code."""
    command = " ".join(("utskick", *(error.command_chain or ())))
    _complain(f"{error} See `{command} --help`.", [], as_json=as_json)
    return WRONG_USAGE


def _complain(text: str, faults: list[dict[str, str]], *, as_json: bool) -> None:
    if as_json:
        answer({"error": text, "faults": faults}, "", as_json=True)
    for line in text.splitlines():
        print(f"utskick: {line}", file=sys.stderr)
