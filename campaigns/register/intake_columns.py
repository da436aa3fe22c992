"""Which columns an import may have, under which heads.

Promise: a column is taken only if it is declared, under its English, Swedish or Finnish head (case, hyphens, blanks and
underscores do not matter) or because the caller maps it; everything else is refused by name, so that no data enters the
register without a purpose (GDPR Art. 5(1)(c)). Fails with `ColumnsFault`, which names every column at fault.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

from campaigns.errors import Fault, FaultyInput

COLUMNS: Final = (
    "company",
    "business_id",
    "first_name",
    "last_name",
    "gender",
    "title",
    "position",
    "email",
    "phone",
    "language",
    "street",
    "postal_code",
    "city",
    "country",
)
_SWEDISH: Final = [
    "företag",
    "FO-nummer",
    "förnamn",
    "efternamn",
    "kön",
    "titel",
    "befattning",
    "e-post",
    "telefon",
    "språk",
    "gatuadress",
    "postnummer",
    "ort",
    "land",
]
_FINNISH: Final = [
    "yritys",
    "Y-tunnus",
    "etunimi",
    "sukunimi",
    "sukupuoli",
    "titteli",
    "asema",
    "sähköposti",
    "puhelin",
    "kieli",
    "katuosoite",
    "postinumero",
    "kaupunki",
    "maa",
]


#: A column without a head, as spreadsheets leave them at the right edge: nothing may stand in it.
UNNAMED: Final = ""


def _plain(head: str) -> str:
    text = unicodedata.normalize("NFC", head)
    kept = (character for character in text if unicodedata.category(character) not in _IGNORED)
    return "".join(kept).casefold()


#: Blanks, line ends, underscores, hyphens and dashes, and characters without ink such as a byte order mark.
_IGNORED: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Pc", "Pd", "Cf"})
_HEADS: Final = {
    _plain(head): column
    for heads in (COLUMNS, _SWEDISH, _FINNISH)
    for head, column in zip(heads, COLUMNS, strict=True)
}


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
        known = _HEADS.get(_plain(column))
        if not sign or not _plain(head) or (column.strip() and known is None):
            remedy = f"write THEIR HEAD=COLUMN; columns are: {', '.join(COLUMNS)}"
            faults.append(Fault(f"--map {assignment!r}", remedy))
        elif mapping.setdefault(_plain(head), known) != known:
            faults.append(Fault(f"--map {assignment!r}", "this head is mapped twice; choose one column"))
    if faults:
        raise ColumnsFault(faults)
    return mapping


def recognise(heads: Sequence[str], mapping: Mapping[str, str | None]) -> list[str | None]:
    """The column of each head; None for one that is left out on purpose, `UNNAMED` for one without a name.

    Raises:
        ColumnsFault: with every undeclared and every doubled column, every mapping of a head that is not there.
    """
    plain_heads = [_plain(head) for head in heads]
    columns = [_column(plain, mapping) for plain in plain_heads]
    faults = [
        Fault(f"--map {plain!r}", "the file has no column with this head")
        for plain in mapping
        if plain not in plain_heads
    ]
    for place, (head, column) in enumerate(zip(heads, columns, strict=True)):
        where = f"column {place + 1} {_shown(head)!r}"
        if column == _UNDECLARED:
            faults.append(Fault(where, f"is not declared; {_remedy(head)}"))
        elif column and column in columns[:place]:
            faults.append(Fault(where, f"{column} is there already; {_remedy(head)}"))
    if faults:
        raise ColumnsFault(faults)
    if "email" not in columns and not {"street", "postal_code", "city"} <= set(columns):
        problem = "there is neither email nor street, postal_code and city: nobody could be written to"
        raise ColumnsFault([Fault("columns", problem)])
    return columns


_UNDECLARED: Final = "?"


def _column(plain: str, mapping: Mapping[str, str | None]) -> str | None:
    if not plain:
        return UNNAMED
    return mapping[plain] if plain in mapping else _HEADS.get(plain, _UNDECLARED)


def _shown(head: str) -> str:
    return " ".join(head.split())[:60]


def _remedy(head: str) -> str:
    shown = _shown(head)
    return f"use --map {shown + '=COLUMN'!r}, or {shown + '='!r} to leave it out"
