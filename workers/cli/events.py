"""`utskick events`: import what happened with contacts and companies."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from cyclopts import App, Parameter

from campaigns.register.event_table import import_events
from campaigns.register.events import BY_ID, EventSource
from campaigns.register.intake_encoding import examine
from workers.cli.given import TableName, table
from workers.cli.output import Json, answer
from workers.wiring import opened, operator

events = App(name="events")
_SHOWN = 20


@events.command(name="import")
def take(
    file: TableName,
    *,
    source: Annotated[str, Parameter(help="The system or place that the events come from.")],
    by: Annotated[
        str, Parameter(help="How contacts are named: id, or a declared field of type reference.")
    ] = BY_ID,
    json: Json = False,
) -> None:
    """Import a table of events. The same event of the same source again changes nothing."""
    installation = opened()
    chosen = EventSource(source, by)
    by_whom = (installation.fields, operator())
    with table(file) as (path, name):
        report = import_events(installation.engine, installation.ring, examine(path, name), chosen, by_whom)
    lines = [
        f"{report.rows} rows: {report.recorded} recorded, {report.unchanged} unchanged, {len(report.refused)} refused"
    ]
    lines += [f"row {refusal['row']}: {refusal['reason']}" for refusal in report.refused[:_SHOWN]]
    answer(asdict(report), "\n".join(lines), as_json=json)
