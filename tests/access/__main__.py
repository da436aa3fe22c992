"""Flip every cell of the access matrix, one after the other, and print what found it out: `python -m tests.access`."""

import sys
import tempfile
from pathlib import Path

from tests.access.test_matrix import CELLS, flipped_is_found
from tests.support.register import made_register

with (
    tempfile.TemporaryDirectory() as folder,
    made_register(f"sqlite:///{folder}/register.db", Path(folder) / "secrets") as register,
):
    found = {cell: flipped_is_found(register, *cell) for cell in CELLS}
for (operation, letter), caught in found.items():
    print(f"{operation:20} {letter}  {'found out by ' + operation.lower() if caught else 'SURVIVED'}")
print(f"{len(found)} cells flipped, {sum(found.values())} found out")
sys.exit(not all(found.values()))
