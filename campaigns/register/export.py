"""Contacts given out of the register, as a table that can be imported again or as JSON lines.

Promise: every piece is logged as a disclosure (to whom, on which ground, whose data) before its first octet is given;
contacts under restriction (GDPR Art. 18), erased ones and those merged into others are left out; memory does not grow
with the register. The table holds one row for each present position of a person, and imported again it changes nothing.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.principal import Principal
from campaigns.register import audit, companies, disclosures
from campaigns.register.cells import safe_cell
from campaigns.register.contacts import PERSON_COLUMNS
from campaigns.register.fields import values_of
from campaigns.register.intake_heads import COLUMNS
from campaigns.register.processors import Party
from campaigns.store import schema
from campaigns.store.engine import writing

PIECE: Final = 2_000
_PERSONAL: Final = ("email", *PERSON_COLUMNS)


@dataclass(frozen=True)
class Disclosure:
    """To whom contacts are given (`processors.allowed_recipient` says who may be), on which ground (what their contract
    says where it is empty), and of which list (None: all)."""

    recipient: Party
    ground: str = ""
    list_id: int | None = None

    @property
    def given(self) -> disclosures.Given:
        """As it is recorded."""
        return disclosures.Given(
            self.recipient.name, self.ground.strip() or self.recipient.contract, "export"
        )


def export(
    engine: sa.Engine, disclosure: Disclosure, principal: Principal, *, as_table: bool
) -> Iterator[str]:
    """The export in pieces of text, whole lines each.

    Raises:
        NotAllowed: not by this principal.
        Unreachable: the database is away; what was given until then has been logged.
    """
    demand(principal, Operation.CONTACT_EXPORT)
    return _pieces(engine, disclosure, principal, as_table=as_table)


def _pieces(
    engine: sa.Engine, disclosure: Disclosure, principal: Principal, *, as_table: bool
) -> Iterator[str]:
    extra = _extra_names(engine) if as_table else []
    if as_table:
        yield _line([*COLUMNS, *extra])
    after, number = 0, 0
    while True:
        with writing(engine) as connection:
            people = _people(connection, disclosure, after)
            if not people:
                return
            after = people[-1]["id"]
            number = _log(connection, disclosure, [row["id"] for row in people], principal, number)
        lines = (_rows if as_table else _objects)(people, extra)
        yield "".join(lines)


def _extra_names(engine: sa.Engine) -> list[str]:
    with writing(engine) as connection:
        names = connection.execute(sa.select(schema.contact_field.c.name).distinct()).scalars()
        return sorted(names)


def _people(connection: sa.Connection, disclosure: Disclosure, after: int) -> list[dict[str, Any]]:
    contact, subscription, no = schema.contact, schema.subscription, schema.suppression
    restricted = sa.exists().where(
        no.c.kind == "restricted",
        no.c.lifted_at.is_(None),
        no.c.subject_key.in_([contact.c.email_key, contact.c.postal_key]),
    )
    statement = (
        sa.select(contact.c.id, *(contact.c[name] for name in _PERSONAL))
        .where(
            contact.c.id > after, contact.c.erased_at.is_(None), contact.c.merged_into.is_(None), ~restricted
        )
        .order_by(contact.c.id)
        .limit(PIECE)
    )
    if disclosure.list_id is not None:
        statement = statement.join(subscription, subscription.c.contact_id == contact.c.id).where(
            subscription.c.list_id == disclosure.list_id, subscription.c.status == "subscribed"
        )
    people = [dict(row) for row in connection.execute(statement).mappings()]
    ids = [row["id"] for row in people]
    fields = values_of(connection, ids)
    works: dict[int, list[dict[str, Any]]] = {}
    for item in companies.employers(connection, ids):
        works.setdefault(item["contact_id"], []).append(
            {name: item[name] for name in ("company", "business_id", "position")}
        )
    for row in people:
        row["positions"], row["fields"] = works.get(row["id"], []), fields.get(row["id"], {})
    return people


def _rows(people: list[dict[str, Any]], extra: list[str]) -> Iterator[str]:
    for row in people:
        for work in row["positions"] or [{}]:
            cells = {**row, **work}
            common = [cells.get(name) or "" for name in COLUMNS]
            yield _line([*common, *(row["fields"].get(name, "") for name in extra)])


def _objects(people: list[dict[str, Any]], _extra: list[str]) -> Iterator[str]:
    for row in people:
        yield json.dumps({name: value for name, value in row.items() if value}, ensure_ascii=False) + "\n"


def _line(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(map(safe_cell, cells))
    return text.getvalue()


def _log(
    connection: sa.Connection, disclosure: Disclosure, contacts: list[int], principal: Principal, number: int
) -> int:
    """Log a piece; returns the number of the disclosure that all pieces belong to."""
    if number:
        disclosures.add(connection, number, contacts)
    else:
        number = disclosures.record(connection, disclosure.given, contacts, principal)
    of_list = [f"list:{disclosure.list_id}"] if disclosure.list_id is not None else []
    subjects = [*of_list, *(f"contact:{contact}" for contact in contacts)]
    evidence = f"to {disclosure.given.recipient}: {disclosure.given.ground}"
    audit.write(connection, audit.Entry(principal, "contact:register:export", subjects, evidence))
    return number
