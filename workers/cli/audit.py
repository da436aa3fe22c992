"""`utskick audit`: who did what; whether the log is what it was."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from cyclopts import App, Parameter

from campaigns.errors import Fault, FaultyInput
from campaigns.register import audit_chain, audit_check, audit_reading
from campaigns.store.engine import reading, writing
from workers.cli.output import Json, answer, answer_table
from workers.cli.words import Limit
from workers.wiring import Installation, opened, operator

audit = App(name="audit")
Moment = Annotated[
    datetime | None, Parameter(help="A date, or a moment with its zone: 2026-11-25T08:00+02:00.")
]


@audit.command(name="list")
def list_entries(
    *,
    by: Annotated[str | None, Parameter(help="Only what this principal did, e.g. os:anna.")] = None,
    tag: Annotated[str | None, Parameter(help="Only tags that begin so, e.g. contact:subscription.")] = None,
    subject: Annotated[str | None, Parameter(help="Only what concerns this, e.g. contact:17.")] = None,
    since: Moment = None,
    until: Moment = None,
    limit: Limit = 100,
    values: Annotated[
        bool, Parameter(negative=(), help="With old and new values; that you read them goes into the log.")
    ] = False,
    json: Json = False,
) -> None:
    """Show entries, the newest first."""
    installation, by_whom = opened(), operator()
    wanted = audit_reading.Wanted(
        by, tag, subject, _zoned(installation, since), _zoned(installation, until), limit
    )
    with (writing if values else reading)(installation.engine) as connection:
        found = audit_reading.entries(connection, wanted, by_whom)
        if values:
            found = audit_reading.with_values(connection, found, by_whom)
    answer_table({"entries": found}, found, as_json=json)


@audit.command
def seal(*, json: Json = False) -> None:
    """Chain all entries that are committed. The scheduler does so every second."""
    count = audit_chain.seal(opened().sealer)
    answer({"sealed": count}, f"{count} sealed.", as_json=json)


@audit.command
def verify(*, json: Json = False) -> None:
    """Check the whole log; name every entry that was altered, removed or put elsewhere, and end with 1."""
    found = audit_check.verify(opened().sealer)
    if found.problems:
        raise FaultyInput(
            [
                Fault(f"place {it.place}" + (f", entry {it.entry}" if it.entry else ""), it.problem)
                for it in found.problems
            ]
        )
    told = f"{found.entries} entries, {found.unsealed} of them not sealed yet; nothing is wrong."
    answer({"entries": found.entries, "unsealed": found.unsealed, "problems": []}, told, as_json=json)


@audit.command
def accept(
    *,
    evidence: Annotated[
        str, Parameter(help="Why the log is shorter than it was, e.g. backup of 2026-11-24.")
    ],
    json: Json = False,
) -> None:
    """Go on with a log that does not fit the last seal noted on this machine; an entry tells of it for good."""
    told = audit_chain.accept(opened().sealer, evidence, operator())
    answer({"accepted": told}, f"Accepted: {told}", as_json=json)


def _zoned(installation: Installation, moment: datetime | None) -> datetime | None:
    if moment is None or moment.tzinfo is not None:
        return moment
    from zoneinfo import ZoneInfo

    return moment.replace(tzinfo=ZoneInfo(installation.settings.time_zone))
