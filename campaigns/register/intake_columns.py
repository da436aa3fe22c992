"""Which columns an import may have, under which heads.

Promise: a column is taken only if it is declared, under a head that is known (`campaigns.register.intake_heads`) or
because the caller maps it; everything else is refused by name, with what it may mean, so that no data enters the
register without a purpose (GDPR Art. 5(1)(c)). Fails with `ColumnsFault`, which names every column at fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from campaigns.errors import Fault, FaultyInput
from campaigns.register.intake_heads import COLUMNS, known, likely, plain

#: A column without a head, as spreadsheets leave them at the right edge: nothing may stand in it.
UNNAMED: Final = ""


class ColumnsFault(FaultyInput):
    """The columns of the file cannot be taken; nothing was imported."""


def read_map(assignments: Sequence[str]) -> dict[str, str | None]:
    """Read `THEIR HEAD=column`; nothing after the sign leaves their column out.

    Raises:
        ColumnsFault: with every assignment that cannot be used.
    """
    mapping: dict[str, str | None] = {}
    faults: list[Fault] = []
    for assignment in assignments:
        head, sign, column = assignment.rpartition("=")
        chosen = known(plain(column))
        if not sign or not plain(head) or (column.strip() and chosen is None):
            remedy = f"write THEIR HEAD=COLUMN; columns are: {', '.join(COLUMNS)}"
            faults.append(Fault(f"--map {assignment!r}", remedy))
        elif mapping.setdefault(plain(head), chosen) != chosen:
            faults.append(Fault(f"--map {assignment!r}", "this head is mapped twice; choose one column"))
    if faults:
        raise ColumnsFault(faults)
    return mapping


def recognise(heads: Sequence[str], mapping: Mapping[str, str | None]) -> list[str | None]:
    """The column of each head; None for one that is left out on purpose, `UNNAMED` for one without a name.

    Raises:
        ColumnsFault: with every undeclared and every doubled column, every mapping of a head that is not there.
    """
    plain_heads = [plain(head) for head in heads]
    if any("@" in head and head not in mapping for head in plain_heads):
        problem = (
            f"holds no column heads but looks like a person; write heads above it, of {', '.join(COLUMNS)}"
        )
        raise ColumnsFault([Fault("the first row", problem)])
    columns = [_column(head, mapping) for head in plain_heads]
    faults = [
        Fault(f"--map {head!r}", "the file has no column with this head")
        for head in mapping
        if head not in plain_heads
    ]
    for place, (head, column) in enumerate(zip(heads, columns, strict=True)):
        where = f"column {place + 1} {_shown(head)!r}"
        if column == _UNDECLARED:
            faults.append(Fault(where, f"is not declared; {_remedy(head, likely(head))}"))
        elif column and column in columns[:place]:
            faults.append(Fault(where, f"{column} is there already; {_remedy(head)}"))
    if faults:
        raise ColumnsFault(faults)
    if "email" not in columns and not {"street", "postal_code", "city"} <= set(columns):
        problem = "there is neither email nor street, postal_code and city: nobody could be written to"
        raise ColumnsFault([Fault("columns", problem)])
    return columns


_UNDECLARED: Final = "?"


def _column(plain_head: str, mapping: Mapping[str, str | None]) -> str | None:
    if not plain_head:
        return UNNAMED
    return mapping[plain_head] if plain_head in mapping else known(plain_head) or _UNDECLARED


def _shown(head: str) -> str:
    return " ".join(head.split())[:60]


def _remedy(head: str, columns: Sequence[str] = ()) -> str:
    shown = _shown(head)
    question = f"did you mean {' or '.join(columns)}? " if columns else ""
    column = columns[0] if len(columns) == 1 else "COLUMN"
    return f"{question}use --map {f'{shown}={column}'!r}, or {shown + '='!r} to leave it out"
