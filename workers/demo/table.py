"""The accounts of some campaigns side by side, narrow enough for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rich.box import SIMPLE
from rich.table import Table

_ACCOUNTS: Final = (
    "accepted",
    "rejected",
    "uncertain",
    "expired",
    "cancelled",
    "pending",
    "sending",
    "deferred",
)


def accounts_table(campaigns: Sequence[dict[str, Any]]) -> Table:
    """One column for each campaign, one row for each account; the rows below "recipients" add up to it."""
    heads = [f"{item['id']}\n{item['key']}\n{item['edition']}\n{item['channel']}" for item in campaigns]
    table = Table("campaign\nkey\nedition\nchannel", box=SIMPLE, title="The accounts", title_justify="left")
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    rows = {"status": [item["status"] for item in campaigns]}
    rows["recipients"] = [item["recipients"] for item in campaigns]
    rows |= {name: [item[name] for item in campaigns] for name in _ACCOUNTS}
    for reason in sorted({reason for item in campaigns for reason in item["withheld"]}):
        rows[f"withheld: {reason}"] = [item["withheld"].get(reason, 0) for item in campaigns]
    for name, values in rows.items():
        table.add_row(name, *(str(value) for value in values))
    return table
