"""`utskick retention`: let go of what has been kept long enough, and hold what must not go."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from campaigns.clock import iso
from campaigns.rights import holds
from campaigns.rights.retention import sweeps
from campaigns.store.engine import reading, writing
from workers.cli.output import Json, answer, answer_table
from workers.cli.words import IN_RANGE
from workers.settings import load_settings
from workers.sweeping import sweep_all, windows
from workers.wiring import opened, operator

retention = App(name="retention")
hold = App(name="hold", help="What must not go, although its time is over.")
retention.command(hold)

Kind = Literal[
    "contacts",
    "events",
    "deliveries",
    "feedback",
    "raw_mail",
    "parked_mail",
    "suppressions",
    "requests",
    "submissions",
    "audit",
    "print_files",
    "exports",
]


@retention.command
def sweep(
    *,
    dry_run: Annotated[bool, Parameter(negative=(), help="Count what would go, and change nothing.")] = False,
    json: Json = False,
) -> None:
    """Let go of what is due, in the register and among this machine's files. The scheduler does so every day."""
    report = sweep_all(opened(), operator(), dry_run=dry_run)
    value = {"dry_run": dry_run, **report.plain()}
    went = [f"{number} of {kind}" for kind, number in value["gone"].items()]
    verb = "would go" if dry_run else "went"
    lines = [f"{', '.join(went) or 'nothing'} {verb}."]
    lines += [f"Held: {kind}." for kind in report.held]
    lines += [f"Could not go: {kind}: {problem}" for kind, problem in report.refused.items()]
    answer(value, "\n".join(lines), as_json=json)


@retention.command
def report(*, json: Json = False) -> None:
    """Show the last sweeps: when, by whom, how many of each kind went."""
    with reading(opened().engine) as connection:
        rows = sweeps(connection)
    flat = [
        {**row, "gone": _listed(row.get("gone", {})), "refused": _listed(row.get("refused", {}))}
        for row in rows
    ]
    answer_table({"sweeps": rows}, flat, as_json=json)


@retention.command(name="windows")
def show_windows(*, json: Json = False) -> None:
    """Show how long records of each kind are kept, in days."""
    found = windows(load_settings(sends=False))
    value = {"days": dict(found.days), "fields": dict(found.fields)}
    rows = [{"kind": kind, "days": days} for kind, days in found.days.items()]
    rows += [{"kind": f"field {name}", "days": days} for name, days in found.fields.items()]
    answer_table(value, rows, as_json=json)


@hold.command
def add(
    *,
    contact: Annotated[
        int | None, Parameter(validator=IN_RANGE, help="Everything on the contact with this number.")
    ] = None,
    campaign: Annotated[
        int | None, Parameter(validator=IN_RANGE, help="Everything of the campaign with this number.")
    ] = None,
    kind: Annotated[Kind | None, Parameter(help="All records of a kind.")] = None,
    reason: Annotated[str, Parameter(help="The law, the claim or the authority that demands it.")],
    json: Json = False,
) -> None:
    """Hold something: no sweep lets it go until the hold is lifted."""
    with writing(opened().engine) as connection:
        number = holds.place(connection, holds.Held(contact, campaign, kind), reason, operator())
    answer({"hold": number}, f"Hold {number} stands.", as_json=json)


@hold.command
def lift(
    number: Annotated[int, Parameter(name="HOLD", validator=IN_RANGE, help="Its number.")],
    *,
    json: Json = False,
) -> None:
    """Lift a hold; what it held goes with the next sweep."""
    with writing(opened().engine) as connection:
        holds.lift(connection, number, operator())
    answer({"lifted": number}, f"Hold {number} is lifted.", as_json=json)


@hold.command(name="list")
def list_holds(*, json: Json = False) -> None:
    """Show the holds that stand."""
    with reading(opened().engine) as connection:
        rows = [{**row, "placed_at": iso(row["placed_at"])} for row in holds.standing(connection)]
    answer_table({"holds": rows}, rows, as_json=json)


def _listed(found: dict[str, Any]) -> str:
    return ", ".join(f"{kind} {value}" for kind, value in found.items())
