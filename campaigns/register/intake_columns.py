"""Which columns an import may have, under which heads.

Promise: a column is taken only if it is declared, under its English, Swedish or Finnish head (case, hyphens, blanks and
underscores do not matter) or because the caller maps it; everything else is refused by name, so that no data enters the
register without a purpose (GDPR Art. 5(1)(c)).
"""

from __future__ import annotations

import re
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


def _plain(head: str) -> str:
    return re.sub(r"[\s_-]+", "", unicodedata.normalize("NFC", head)).casefold()


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
        ColumnsFault: an assignment that names no declared column.
    """
    mapping: dict[str, str | None] = {}
    for assignment in assignments:
        head, sign, column = assignment.rpartition("=")
        column = column.strip()
        if not sign or not head.strip() or (column and column not in COLUMNS):
            known = ", ".join(COLUMNS)
            raise ColumnsFault(
                [Fault(f"--map {assignment!r}", f"write THEIR HEAD=COLUMN; columns are: {known}")]
            )
        mapping[_plain(head)] = column or None
    return mapping


def recognise(heads: Sequence[str], mapping: Mapping[str, str | None]) -> list[str | None]:
    """The column of each head; None for one that is left out on purpose.

    Raises:
        ColumnsFault: with every undeclared and every doubled column.
    """
    columns: list[str | None] = []
    faults: list[Fault] = []
    for place, head in enumerate(heads, start=1):
        plain = _plain(head)
        column = mapping[plain] if plain in mapping else _HEADS.get(plain)
        if column is None and plain not in mapping:
            shown = head.strip() or "(without a name)"
            faults.append(
                Fault(
                    f"column {place} {shown!r}",
                    f"is not declared; use --map {shown + '=COLUMN'!r}, or {shown + '='!r} to leave it out",
                )
            )
        elif column is not None and column in columns:
            faults.append(Fault(f"column {place} {head.strip()!r}", f"{column} is there twice"))
        columns.append(column)
    if faults:
        raise ColumnsFault(faults)
    if "email" not in columns and "street" not in columns:
        raise ColumnsFault(
            [Fault("columns", "there is neither email nor street: nobody could be written to")]
        )
    return columns
