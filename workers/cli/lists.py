"""`utskick lists`: the mailing lists."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from campaigns.register import mailing_lists
from campaigns.register.mailing_lists import DEFAULT_PURPOSE, MailingList
from campaigns.store.engine import reading, writing
from workers.cli.output import Json, answer, answer_table
from workers.cli.words import ListKey
from workers.wiring import opened, operator

lists = App(name="lists")


@lists.command
def add(
    key: Annotated[str, Parameter(help="Its short name in commands and submissions: a-z, 0-9, hyphens.")],
    *,
    kind: Annotated[Literal["newsletter", "magazine"], Parameter(help="What its subscribers get.")],
    name: Annotated[str, Parameter(help="The name that people see.")],
    purpose: Annotated[str, Parameter(help="What its subscribers were told it is for.")] = DEFAULT_PURPOSE,
    json: Json = False,
) -> None:
    """Add a mailing list; adding the same list again changes nothing."""
    installation = opened()
    with writing(installation.engine) as connection:
        added = mailing_lists.add(connection, MailingList(0, key, kind, name, purpose), operator())
    answer(
        asdict(added), f"List {added.key}: {added.name} ({added.kind}, for {added.purpose}).", as_json=json
    )


@lists.command(name="list")
def show(*, json: Json = False) -> None:
    """Show all mailing lists."""
    installation = opened()
    with reading(installation.engine) as connection:
        rows = [asdict(item) for item in mailing_lists.all_lists(connection)]
    answer_table({"lists": rows}, rows, as_json=json)


@lists.command
def export(
    key: ListKey,
    file: Annotated[
        Path, Parameter(allow_leading_hyphen=True, help="The file to write; - for standard output.")
    ],
    *,
    to: Annotated[
        str, Parameter(help="Who gets the data: a recipient or processor of the settings, or self.")
    ],
    ground: Annotated[str, Parameter(help="Why they may have it; without it, as the settings say.")] = "",
    format: Annotated[Literal["csv", "jsonl"], Parameter(help="A table, or JSON lines.")] = "csv",  # noqa: A002 (the option's name)
    json: Json = False,
) -> None:
    """Give out those subscribed to a list; logged as a disclosure."""
    from workers.cli.exporting import write_export

    write_export(opened(), file, (to, ground), key, as_table=format == "csv", as_json=json)
