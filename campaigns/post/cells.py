"""What the text of one cell of the address file looks like.

One line, composed characters (NFC), single spaces, no control characters. A cell that a spreadsheet would take
for a formula gets an apostrophe in front, which `formula_restored` takes away again; nothing else is
ever changed.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final


def one_line(text: str) -> str:
    """`text` in NFC, every run of white space (line ends too) as one space, characters without ink taken out.

    Without ink are the format characters (category Cf): soft hyphen, zero-width space, direction marks and such.
    """
    visible = "".join(character for character in text if unicodedata.category(character) != "Cf")
    return unicodedata.normalize("NFC", " ".join(visible.split()))


def unprintable(text: str) -> str:
    """The code points of `text` that no press can set, as `U+0007 U+E000`; empty when there are none."""
    found = {c for c in one_line(text) if unicodedata.category(c) in _NEVER_PRINTED}
    return " ".join(f"U+{ord(character):04X}" for character in sorted(found))


def formula_safe(text: str) -> str:
    """`text`, with an apostrophe in front where a spreadsheet would otherwise calculate instead of show it.

    That is when it begins with = + - @ or one of their full-width forms, also behind spaces or apostrophes.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def formula_restored(cell: str) -> str:
    """What `formula_safe` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


_NEVER_PRINTED: Final = frozenset({"Cc", "Cn", "Co", "Cs"})
_FORMULA: Final = re.compile(r"['\s]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]")
