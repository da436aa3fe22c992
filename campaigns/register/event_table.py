"""Events from a table or from a program: how many pieces they come in, and who may name contacts how.

Promise: pieces of a table are one transaction each; a document of a program is one. What cannot be used is told with
its row; a document that is none is an `InputError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Final

import sqlalchemy as sa

from campaigns.errors import Fault, FaultyInput, InputError
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register.declared import DeclaredField
from campaigns.register.events import BY_ID, EVENT_NAMES, EventReport, EventSource, Numbered, record_events
from campaigns.register.intake_encoding import TableFile
from campaigns.register.intake_file import TableRow, TableRows
from campaigns.store.engine import writing

PIECE: Final = 5_000
#: How many events one document of a program may hold.
DOCUMENT_EVENTS: Final = 1_000
_LONGEST_SOURCE: Final = 100
Declared = tuple[Mapping[str, DeclaredField], Principal]


def import_events(
    engine: sa.Engine, ring: KeyRing, table: TableFile, source: EventSource, by: Declared
) -> EventReport:
    """Import a table whose heads are names of `EVENT_NAMES`.

    Raises:
        InputError: the file, its columns or the source cannot be used; nothing was written.
    """
    fields, principal = by
    _check(source, fields)
    lines = iter(TableRows(table))
    head = next(lines, None)
    heads = [cell.strip().casefold().replace(" ", "_") for cell in head.cells] if head else []
    unknown = [name for name in heads if name and name not in EVENT_NAMES]
    if unknown or not {"kind", "at"} <= set(heads) or len(set(heads)) != len(heads):
        known = f"the columns of events are {', '.join(EVENT_NAMES)}; kind and at must be there, none twice"
        raise FaultyInput(
            [Fault(f"column {name!r}", f"is not declared; {known}") for name in unknown or ["kind"]]
        )
    whole = EventReport()
    while piece := list(islice(lines, PIECE)):
        events = _sound(piece, heads, whole)
        with writing(engine) as connection:
            _add(whole, record_events(connection, ring, source, events, principal))
    return whole


def take_document(engine: sa.Engine, ring: KeyRing, document: object, by: Declared) -> EventReport:
    """Record the events of a program's document: {"source", "by", "events": [...]}.

    Raises:
        InputError: the document cannot be used; nothing was written.
    """
    fields, principal = by
    given = document if isinstance(document, Mapping) else {}
    events = given.get("events")
    if not isinstance(events, list) or not all(isinstance(event, Mapping) for event in events):
        raise InputError(
            'events: write {"source": "…", "by": "id", "events": [{"contact": …, "kind": …, "at": …}]}'
        )
    if len(events) > DOCUMENT_EVENTS:
        raise InputError(f"events: at most {DOCUMENT_EVENTS} in one document")
    source = EventSource(str(given.get("source", "")), str(given.get("by", BY_ID)))
    _check(source, fields)
    numbered: list[Numbered] = [
        (number, {str(name): value for name, value in event.items()})
        for number, event in enumerate(events, start=1)
    ]
    with writing(engine) as connection:
        return record_events(connection, ring, source, numbered, principal)


def _check(source: EventSource, fields: Mapping[str, DeclaredField]) -> None:
    if not source.source.strip() or len(source.source) > _LONGEST_SOURCE or not source.source.isprintable():
        raise InputError("source: say which system the events come from, in at most 100 characters")
    references = [name for name, declared in fields.items() if declared.type == "reference"]
    if source.by != BY_ID and source.by not in references:
        known = ", ".join([BY_ID, *references])
        raise InputError(f"contacts are named by {known}; never by an address")


def _sound(piece: list[TableRow], heads: list[str], whole: EventReport) -> list[Numbered]:
    for row in piece:
        if row.problem is not None:
            whole.refuse(row.number, row.problem)
    whole.rows = len(whole.refused) + whole.recorded + whole.unchanged
    return [
        (row.number, {name: cell.strip() for name, cell in zip(heads, row.cells, strict=False) if name})
        for row in piece
        if row.problem is None
    ]


def _add(whole: EventReport, part: EventReport) -> None:
    whole.recorded += part.recorded
    whole.unchanged += part.unchanged
    whole.refused += part.refused
    whole.rows += part.rows
