"""How commands answer: a line or a table for people, one JSON object for machines; errors without tracebacks.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage or settings, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

from cyclopts import CycloptsError, MissingArgumentError, Parameter, UnusedCliTokensError

from campaigns.clock import iso
from campaigns.errors import FaultyInput, SettingsError, UtskickError

Json = Annotated[
    bool,
    Parameter(name="--json", negative=(), show_default=False, help="Print one JSON object instead of text."),
]

FAILED, WRONG_USAGE, STOPPED = 1, 2, 130


def answer(value: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Print the result of a command."""
    print(json.dumps(value, ensure_ascii=not _speaks_unicode(), default=in_words) if as_json else text)


def _speaks_unicode() -> bool:
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return encoding.lower().replace("-", "").startswith("utf")


def in_words(value: object) -> str:
    """A value that JSON lacks: an instant in the one form that all commands use, anything else as it prints itself."""
    return iso(value) if isinstance(value, datetime) else str(value)


def answer_record(value: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one thing, a line for each name that has a value and one for each entry of a list."""
    answer(value, record(value), as_json=as_json)


def record(value: Mapping[str, Any]) -> str:
    """One thing in lines, for people."""
    lines = []
    for name, held in value.items():
        entries = [_in_line(entry) for entry in (held if isinstance(held, list | tuple) else [held])]
        lines += [f"{name}: {entry}" for entry in entries if entry]
    return "\n".join(lines)


def _in_line(entry: object) -> str:
    if isinstance(entry, Mapping):
        return ", ".join(
            f"{name} {_in_line(value)}" for name, value in entry.items() if value not in (None, "")
        )
    if isinstance(entry, list | tuple):
        return ", ".join(map(_in_line, entry))
    if isinstance(entry, bool):
        return "yes" if entry else "no"
    return "" if entry is None else in_words(entry)


def answer_table(value: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Print rows as a table, or the value as JSON. A table that is too wide for the terminal is printed as records, so
    that nothing is cut; a file or a pipe takes any width."""
    if as_json or not rows:
        answer(value, "nothing yet", as_json=as_json)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*(str(name) for name in rows[0]))
    for row in rows:
        table.add_row(*map(_in_line, row.values()))
    console = Console(markup=False, emoji=False, highlight=False)
    width = console.measure(table, options=console.options.update(max_width=_ANY_WIDTH)).maximum
    if console.is_terminal and width > console.width:
        print("\n\n".join(record(row) for row in rows))
        return
    console.width = width
    console.print(table)


#: Columns, beyond those of any table.
_ANY_WIDTH = 100_000


def fail(error: UtskickError, *, as_json: bool) -> int:
    """Say what went wrong, a line for each fault, and return the exit code."""
    faults = error.faults if isinstance(error, FaultyInput) else ()
    listed = [{"where": fault.where, "problem": fault.problem} for fault in faults]
    _complain(str(error), listed, as_json=as_json)
    return WRONG_USAGE if isinstance(error, SettingsError) else FAILED


def fail_usage(error: CycloptsError, *, as_json: bool) -> int:
    """Say what is wrong with the command line, where its help is, and return the exit code."""
    command = " ".join(("utskick", *(error.command_chain or ())))
    missing = _missing(error) if isinstance(error, MissingArgumentError) else []
    text = f"`{command}` needs {_listed(missing)}." if missing else str(error)
    if isinstance(error, UnusedCliTokensError):
        text = f"`{command}` takes no {' '.join(map(repr, error.unused_tokens or ()))}."
    _complain(f"{text} See `{command} --help`.", [], as_json=as_json)
    return WRONG_USAGE


def _missing(error: MissingArgumentError) -> list[str]:
    """All that is required and was not given, as the help writes it; none where an option lacks its value only."""
    first, given = error.argument, {token.partition("=")[0] for token in error.root_input_tokens or ()}
    if error.app is None or first is None or given.intersection(first.names):
        return []
    required = [it for it in error.app.assemble_argument_collection(parse_docstring=True) if it.required]
    # They are asked for in their order, so what stands before the first one was given.
    place = next((place for place, it in enumerate(required) if it.names == first.names), len(required))
    missing = [it for it in required[place:] if not given.intersection(it.names)]
    return [it.name if it.index is None else it.name.lstrip("-").upper() for it in missing]


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def fail_stopped(stop: KeyboardInterrupt, *, as_json: bool) -> int:
    """Say that a person stopped the command, and what that left where the command knows, and return the exit code."""
    _complain(str(stop) or "stopped", [], as_json=as_json)
    return STOPPED


def write_anything() -> None:
    """Let standard output and error take what their encoding lacks, such as octets of file names, as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def flush() -> None:
    """See that what was printed has arrived.

    Raises:
        OSError: it has not.
    """
    if sys.stdout is not None:
        sys.stdout.flush()


def give_up_output(error: OSError) -> int:
    """Write no more to standard output: nobody reads it (and needs no word about it), or it is full."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        _complain(f"standard output: {error.strerror}", [], as_json=False)
    return FAILED


def _complain(text: str, faults: list[dict[str, str]], *, as_json: bool) -> None:
    if as_json:
        answer({"error": text, "faults": faults}, "", as_json=True)
    for line in text.splitlines():
        print(f"utskick: {line}", file=sys.stderr)
