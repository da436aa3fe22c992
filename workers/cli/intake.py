"""`utskick contacts import`: a table of people into the register."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any, Final

from cyclopts import Parameter

from campaigns.register import mailing_lists
from campaigns.register.intake import ImportReport, ImportRequest
from campaigns.register.intake_columns import read_map
from campaigns.store.engine import reading
from workers.cli.given import TableName, table
from workers.cli.output import FAILED, Json, answer
from workers.cli.words import Basis, SourceKind
from workers.importing import run_import
from workers.wiring import opened, operator

#: The exit code of `--strict` where some rows were taken and some refused.
TAKEN_IN_PART: Final = 3
Heads = Annotated[
    tuple[str, ...],
    Parameter(
        name="--map",
        negative=(),
        show_default=False,
        help='What a head means: "THEIR HEAD=COLUMN", and "THEIR HEAD=" leaves it out. May be repeated.',
    ),
]
_SHOWN: Final = 20
_STOPPED: Final = (
    "stopped; what was taken stays, so run the same command again: those rows are unchanged then"
)


def take(
    file: TableName,
    *,
    list: Annotated[str, Parameter(help="Key of the mailing list they are subscribed to.")],  # noqa: A002 (the option's name)
    source: Annotated[str, Parameter(help="Where the data came from.")],
    basis: Annotated[Basis, Parameter(help="What allows writing to them.")],
    evidence: Annotated[str, Parameter(help="What proves the basis; without it, the file and the row.")] = "",
    source_class: SourceKind = "company",
    map: Heads = (),  # noqa: A002 (the option's name)
    dry_run: Annotated[bool, Parameter(negative=(), help="Check everything, write nothing.")] = False,
    strict: Annotated[
        bool, Parameter(negative=(), help="End with 3 where some rows were refused; the others are taken.")
    ] = False,
    json: Json = False,
) -> None:
    """Import a table of contacts. Nobody who said no is revived; the same file again changes nothing."""
    installation = opened()
    mapping = read_map(map)
    with reading(installation.engine) as connection:
        chosen = mailing_lists.get(connection, list)
    with table(file) as (path, name), _progress(name, shown=not json) as tell:
        request = ImportRequest(path, chosen, source, basis, evidence, source_class, mapping, dry_run, name)
        try:
            report = run_import(installation.engine, installation.ring, request, operator(), tell)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_STOPPED) from None
    answer(_told(report), _text(report, dry_run=dry_run), as_json=json)
    if (code := _exit_code(report, strict=strict)) != 0:
        sys.exit(code)


def _exit_code(report: ImportReport, *, strict: bool) -> int:
    """Nothing but refusals is a failure always, some refusals only for who asked to be told so."""
    if report.refused and len(report.refused) == report.rows:
        return FAILED
    return TAKEN_IN_PART if strict and report.refused else 0


@contextmanager
def _progress(name: str, *, shown: bool) -> Iterator[Callable[[float], None]]:
    """A bar on standard error where somebody sits there; yields what tells it the share that is done."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    quiet = not shown or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as progress:
        task = progress.add_task(name, total=1)
        yield lambda share: progress.update(task, completed=share)


def _told(report: ImportReport) -> dict[str, Any]:
    rows = {column: rows.tolist() for column, rows in report.left_out_rows.items()}
    return {**asdict(report), "left_out_rows": rows}


def _text(report: ImportReport, *, dry_run: bool) -> str:
    rehearsed = " (dry run, nothing written)" if dry_run else ""
    counts = f"{report.imported} imported, {report.updated} updated, {report.unchanged} unchanged"
    lines = [f"{report.rows} rows{rehearsed}: {counts}, {len(report.refused)} refused"]
    if report.not_subscribed:
        lines.append(f"{report.not_subscribed} were not subscribed: their earlier no stands")
    lines += [
        f"{column} was left out ({_WHY[column]}) in {_rows(rows)}"
        for column, rows in report.left_out_rows.items()
    ]
    lines += [f"row {refusal['row']}: {refusal['reason']}" for refusal in report.refused[:_SHOWN]]
    if len(report.refused) > _SHOWN:
        lines.append(f"… and {len(report.refused) - _SHOWN} more; --json lists all")
    return "\n".join(lines)


#: Why a value was left out, by column.
_WHY: Final = {
    "language": "no language that is known",
    "gender": "no word for a gender that is known",
    "business_id": "a person's identity number",
}


def _rows(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:_SHOWN]))
    more = f" and {len(numbers) - _SHOWN} more; --json lists all" if len(numbers) > _SHOWN else ""
    count = f"{len(numbers)} rows" if len(numbers) > 1 else "1 row"
    return f"{count}: {shown}{more}"
