"""A register in which every record of the personal-data map holds something on two people, marked with whose it is."""

from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from campaigns.address import parse_email
from campaigns.register import audit, contacts
from campaigns.register.objections import address_key
from campaigns.store import data_map, schema
from campaigns.store.columns import Instant
from campaigns.store.engine import reading, writing
from tests.support.register import CAMPAIGN, LIST_ID, MOMENT, PEOPLE, TESTER, Register

ANNA, EERO = 1, 2
COMPANY = 5


def mark(person: int) -> str:
    """The word that stands in everything of a person."""
    return f"canary{person}x"


def fill(register: Register) -> None:
    """Give both people a row in every table, with their mark in every personal column."""
    with writing(register.engine) as connection:
        made = {"created_at": MOMENT, "created_by": TESTER.name}
        company = {"id": COMPANY, "name": "Sågen Ab", "company_key": b"sagen", **made}
        connection.execute(sa.insert(schema.company).values(company))
        for person in (ANNA, EERO):
            _fill_contact(connection, register, person)
            for table, record in data_map.records(schema.metadata, "contact").items():
                rows = _ROWS.get(table.name, dict)()
                if table.name in {
                    "contact",
                    "delivery",
                    "contact_basis",
                    "subscription",
                    "audit",
                    "audit_value",
                }:
                    continue
                values = {**_guessed(table, record, person), **rows, **_keys(register, table, person)}
                connection.execute(sa.insert(table).values(values))
            _fill_ledger(connection, person)
            said = mark(person)
            entry = audit.Entry(
                TESTER, "contact:register:edit", [f"contact:{person}"], "", {"city": said}, {"city": said}
            )
            audit.write(connection, entry)


def holding(register: Register, person: int) -> dict[str, int]:
    """For each table, how many rows hold the person's mark."""
    found = {}
    with reading(register.engine) as connection:
        for table in schema.metadata.sorted_tables:
            rows = connection.execute(sa.select(table)).all()
            found[table.name] = sum(mark(person) in repr(tuple(row)) for row in rows)
    return {name: count for name, count in found.items() if count}


def address_of(person: int) -> str:
    """The address that a person has after filling."""
    return f"{mark(person)}@{PEOPLE[person][0].partition('@')[2]}"


def _fill_contact(connection: sa.Connection, register: Register, person: int) -> None:
    said, key = mark(person), address_key(register.ring, parse_email(address_of(person)))
    values: dict[str, Any] = {
        column.name: said for column in data_map.personal_columns(schema.contact) if column.name != "language"
    }
    values |= {"email": address_of(person), "email_key": key.key}
    values["postal_key"] = register.ring.fingerprint("postal", contacts.postal_text(values))
    table = schema.contact
    connection.execute(sa.update(table).where(table.c.id == person).values(values))
    connection.execute(
        sa.update(schema.contact_basis)
        .where(schema.contact_basis.c.contact_id == person)
        .values(evidence=said)
    )


def _fill_ledger(connection: sa.Connection, person: int) -> None:
    key = connection.execute(
        sa.select(schema.contact.c.email_key).where(schema.contact.c.id == person)
    ).scalar()
    table = schema.delivery
    connection.execute(
        sa.update(table)
        .where(table.c.campaign_id == CAMPAIGN, table.c.number == person)
        .values(address_key=key)
    )


def _guessed(table: sa.Table, record: data_map.Record, person: int) -> dict[str, Any]:
    """Values that fit the columns' types; a number that is a key is the person's."""
    guessed: dict[str, Any] = {}
    for column in table.columns:
        if column.info.get("personal"):
            guessed[column.name] = _marked(column, mark(person))
        elif not column.nullable and column.name != "id":
            guessed[column.name] = _plain(column, person)
    for name in record.keys:
        if name in table.columns and name in {"contact_id", "number"}:
            guessed[name] = person
    return guessed


def _marked(column: sa.Column[Any], said: str) -> Any:
    if isinstance(column.type, sa.LargeBinary):
        return said.encode()
    if isinstance(column.type, sa.Float):
        return 17.0
    return {"value": said} if isinstance(column.type, sa.JSON) else said


def _plain(column: sa.Column[Any], person: int) -> Any:
    if isinstance(column.type, sa.JSON):
        return []
    kind = column.type.python_type
    if kind is date:
        return MOMENT.date()
    if isinstance(column.type, sa.LargeBinary):
        return b"key%d" % person
    if kind is bool:
        return True
    if kind in (int, float):
        return person
    return MOMENT if isinstance(column.type, Instant) else f"plain-{person}"


def _keys(register: Register, table: sa.Table, person: int) -> dict[str, Any]:
    key = address_key(register.ring, parse_email(address_of(person)))
    keys: dict[str, dict[str, Any]] = {
        "suppression": {"subject_key": key.key, "key_id": key.key_id, "list_id": LIST_ID},
        "disclosure_subject": {"disclosure_id": person},
        "provenance": {"intake_id": person},
        "rights_request": {"subject_key": None, "reference": None},
        "contact_merge": {"kept_id": person + 2},
        "parked_mail": {"about_key": key.key},
        "opt_in": {"address_key": key.key},
        "survey_answer": {"id": f"plain-{person}"},
    }
    return keys.get(table.name, {})


#: What the tables' checks and foreign keys ask for, by table.
_ROWS: dict[str, Any] = {
    "position": lambda: {"company_id": COMPANY},
    "subscription_history": lambda: {"status": "subscribed", "list_id": LIST_ID},
    "suppression": lambda: {"kind": "unsubscribed", "subject": "address", "purpose": "", "channel": ""},
    "intake": lambda: {"basis": "consent", "source_class": "partner", "digest": ""},
    "event": lambda: {"kind": "call_recording", "until": MOMENT + timedelta(days=90)},
    "attempt": lambda: {"campaign_id": CAMPAIGN, "attempt": 1, "processor": "post", "outcome": "accepted"},
    "print_item": lambda: {"campaign_id": CAMPAIGN},
    "feedback_event": lambda: {"campaign_id": CAMPAIGN},
    "datum_flag": lambda: {"field": "email", "reason": "hard_bounce"},
    "feedback_case": lambda: {"kind": "stop"},
    "rights_request": lambda: {"kind": "access", "status": "received", "came_by": "operator"},
    "disclosure": lambda: {"recipient": "Tryckeriet Ab", "ground": "order 12", "what": "export"},
    "legal_hold": lambda: {"subject": "contact", "lifted_at": MOMENT, "lifted_by": TESTER.name},
    "opt_in": lambda: {"kind": "restore", "status": "waiting"},
    "rights_telling": lambda: {"what": "correction"},
}  # fmt: skip
