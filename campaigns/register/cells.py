"""Cells of tables that spreadsheets open: no value is taken for a formula, and every value comes back exactly. Pure.

Promise: `safe_cell` puts an apostrophe before what a spreadsheet might compute (also in full-width signs, also after
apostrophes of its own), and `plain_cell` takes exactly that one away again.
"""

from __future__ import annotations

import re
from typing import Final

_COMPUTED: Final = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def safe_cell(value: str) -> str:
    """The value as a cell that shows it and computes nothing."""
    return f"'{value}" if _COMPUTED.match(value) else value


def plain_cell(cell: str) -> str:
    """The value that a safe cell shows."""
    return cell[1:] if cell.startswith("'") and _COMPUTED.match(cell) else cell
