"""`python -m workers` is the command `utskick`."""

from __future__ import annotations

from workers.cli import main

main()
