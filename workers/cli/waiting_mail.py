"""`utskick feedback parked` and `utskick feedback cases`: what waits for a person."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import sqlalchemy as sa
from cyclopts import App, Parameter

from campaigns.clock import iso
from campaigns.feedback import cases as open_cases
from campaigns.feedback import parking
from campaigns.feedback.ingest import ingest
from workers.cli.output import Json, answer, answer_table
from workers.cli.words import CaseNumber, Limit, MessageNumber
from workers.wiring import opened, operator

parked = App(name="parked", help="Mail that nothing could be made of, and mail for people.")
cases = App(name="cases", help="What a person has to decide.")


def add_to(app: App) -> None:
    """Add this file's commands."""
    app.command(parked)
    app.command(cases)


@parked.command(name="list")
def list_parked(
    *,
    settled: Annotated[
        bool, Parameter(negative=(), help="Those that somebody has dealt with instead.")
    ] = False,
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """Show the messages that wait, or with --settled those that somebody has dealt with."""
    rows = _shown(parking.parked(opened().engine, operator(), settled=settled, limit=limit))
    answer_table({"parked": rows}, rows, as_json=json)


@parked.command(name="show")
def show_parked(message: MessageNumber, *, json: Json = False) -> None:
    """Print a parked message as it came; with --json, octets that are not ASCII stand escaped."""
    raw, _ = parking.content(opened().engine, message, operator())
    if json:
        answer({"message": message, "content": raw.decode("ascii", "backslashreplace")}, "", as_json=True)
    else:
        sys.stdout.buffer.write(raw)


@parked.command
def retry(message: MessageNumber, *, json: Json = False) -> None:
    """Read a parked message again, as if it came now."""
    installation = opened()
    engine, tokens, ring = installation.engine, installation.tokens, installation.ring
    by = operator()
    consequences = parking.retry(
        engine, message, by, lambda raw, to: ingest(engine, tokens, raw, to, by, ring)
    )
    answer({"message": message, "consequences": consequences}, ", ".join(consequences), as_json=json)


@parked.command(name="settle")
def settle_parked(message: MessageNumber, *, json: Json = False) -> None:
    """Say that somebody has dealt with a message."""
    parking.settle(opened().engine, message, operator())
    answer({"message": message}, f"message {message} is settled", as_json=json)


@cases.command(name="list")
def list_cases(
    *,
    closed: Annotated[bool, Parameter(negative=(), help="Those that were decided instead.")] = False,
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """Show the open cases, or with --closed those that were decided."""
    rows = _shown(open_cases.cases(opened().engine, operator(), closed=closed, limit=limit))
    answer_table({"cases": rows}, rows, as_json=json)


@cases.command
def close(
    case: CaseNumber,
    *,
    decision: Annotated[str, Parameter(help="What was decided, and why.")],
    json: Json = False,
) -> None:
    """Close a case with what was decided; what it withheld stays until `utskick suppressions lift`."""
    open_cases.close_case(opened().engine, case, decision, operator())
    answer({"case": case}, f"case {case} is closed", as_json=json)


def _shown(rows: list[sa.RowMapping]) -> list[dict[str, Any]]:
    return [{name: _cell(value) for name, value in row.items()} for row in rows]


def _cell(value: Any) -> Any:
    return iso(value) if hasattr(value, "astimezone") else value
