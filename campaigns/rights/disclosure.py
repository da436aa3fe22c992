"""Access and portability (GDPR Art. 15 and 20): one package with everything on a person, or with what they gave us.

Promise: nothing leaves without an identified request; that it left is logged as a disclosure before its first octet is
given, and the request is closed in the same transaction. The package names nobody else (`dossier`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import iso, utc_now
from campaigns.content.language import LANGUAGES, Language
from campaigns.errors import RefusedOperation
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register import audit, disclosures
from campaigns.rights import reach, readable, requests
from campaigns.rights.dossier import Keeper, dossier, plain
from campaigns.rights.requests import RequestKind
from campaigns.store import data_map, schema
from campaigns.store.engine import reading, writing

Package = Mapping[str, bytes]
_KINDS: Final[frozenset[RequestKind]] = frozenset({"access", "portability"})
#: Data that a person can take along rests on one of these (Art. 20(1)(a)).
PORTABLE_BASES: Final = frozenset({"consent", "contract"})


def disclose(engine: sa.Engine, ring: KeyRing, keeper: Keeper, request: int, principal: Principal) -> Package:
    """The package that answers an identified request, by file name; the request is fulfilled.

    Raises:
        NotFound: there is no such request, or no such contact.
        RefusedOperation: the request is closed, of another kind, not identified, or nobody's in the register.
        Unreachable: the database is away.
    """
    demand(principal, Operation.REQUEST_DECIDE)
    with reading(engine) as connection:
        row = requests.identified_row(connection, request, _KINDS)
        contact_id: int | None = row["contact_id"]
        if contact_id is None:
            raise RefusedOperation(
                f"request {request} is nobody's in the register; name the contact with `identify --contact`, "
                "or refuse it on the ground not_identified"
            )
        portable = row["kind"] == "portability"
        found = (
            _portable(connection, ring, contact_id)
            if portable
            else dossier(connection, ring, keeper, contact_id)
        )
    package = _taken_along(found) if portable else _whole(found, _language(row["language"]))
    with writing(engine) as connection:
        given = disclosures.Given(
            "the person", f"GDPR Art. {_ARTICLES[row['kind']]}, request {request}", row["kind"]
        )
        number = disclosures.record(connection, given, [contact_id], principal)
        subjects = [f"request:{request}", f"contact:{contact_id}", f"disclosure:{number}"]
        audit.write(
            connection, audit.Entry(principal, "contact:register:disclose", subjects, f"request {request}")
        )
        requests.fulfil(connection, request, _KINDS, principal)
    return package


_ARTICLES: Final = {"access": "15", "portability": "20"}


def _whole(everything: Mapping[str, Any], language: Language) -> Package:
    pdf = readable.as_pdf(everything, language)
    return {
        "data.json": readable.as_json(everything),
        "data.html": readable.as_html(everything, language),
        **({"data.pdf": pdf} if pdf is not None else {}),
        **{f"tables/{name}": table for name, table in readable.as_tables(everything).items()},
    }


def _taken_along(values: dict[str, Any]) -> Package:
    tables = readable.as_tables({"sends": [], "recipients": [], "records": values["given"]})
    return {
        "portable.json": readable.as_json(values),
        **{f"tables/{name}": table for name, table in tables.items()},
    }


def _portable(connection: sa.Connection, ring: KeyRing, contact_id: int) -> dict[str, Any]:
    """What the person gave, where it rests on consent or contract; nothing where it does not."""
    whose = reach.person(connection, ring, contact_id)
    basis = schema.contact_basis.c
    held = connection.execute(
        sa.select(basis.purpose, basis.basis).where(
            basis.contact_id.in_(whose.contacts), basis.ended_at.is_(None), basis.basis.in_(PORTABLE_BASES)
        )
    ).all()
    given: dict[str, list[dict[str, Any]]] = {}
    for datum in data_map.data(schema.metadata) if held else ():
        if datum.given and datum.table.name not in given:
            rows = reach.rows(connection, datum.table, datum.record, whose)
            given[datum.table.name] = [_given(datum.table, row) for row in rows]
    return {
        "made_at": iso(utc_now()),
        "rests_on": [{"purpose": row.purpose, "basis": row.basis} for row in held],
        "given": {name: rows for name, rows in given.items() if rows},
    }


def _given(table: sa.Table, row: Mapping[str, Any]) -> dict[str, Any]:
    told = {"field": row["name"]} if table is schema.contact_field else {}
    for column in data_map.personal_columns(table):
        if column.info.get("given") and row[column.name] is not None:
            told[column.name] = plain(row[column.name])
    return told


def _language(spoken: str | None) -> Language:
    return next((language for language in LANGUAGES if language == spoken), "en")
