"""Tables to import, and what the register holds afterwards."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from campaigns.address import parse_email
from campaigns.register import mailing_lists, objections
from campaigns.register.intake import ImportReport, ImportRequest, import_contacts
from campaigns.register.mailing_lists import MailingList
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.support.register import TESTER, Register

HEADS = ("company", "business_id", "first_name", "last_name", "email", "language", "city")
PEOPLE = (
    ("Sågen Ab", "0112038-9", "Åsa", "Öberg", "asa.oberg@sagen.example", "sv", "Jakobstad"),
    ("Saha Oy", "1234567-1", "Eero", "Kivelä", "eero.kivela@saha.example", "fi", "Pietarsaari"),
    ("Mill Ltd", "", "Mia", "O'Neil", "mia@mill.example", "en", "Leeds"),
)


def table(heads: Sequence[str], *people: Sequence[str], delimiter: str = ",", line_end: str = "\n") -> str:
    """A table whose every cell is quoted that needs it."""
    return "".join(delimiter.join(map(quoted, row)) + line_end for row in (heads, *people))


def quoted(cell: str) -> str:
    """A cell as a spreadsheet writes it."""
    return '"' + cell.replace('"', '""') + '"' if any(mark in cell for mark in '",;\t\r\n') else cell


def added_list(register: Register, key: str = "news", purpose: str = "marketing") -> MailingList:
    """A mailing list."""
    with writing(register.engine) as connection:
        return mailing_lists.add(connection, MailingList(0, key, "newsletter", "News", purpose), TESTER)


def request(register: Register, path: Path, **more: Any) -> ImportRequest:
    """An import into the list `news`."""
    return replace(ImportRequest(path, added_list(register), "trade fair", "consent"), **more)


def imported(register: Register, path: Path, text: str | bytes, **more: Any) -> ImportReport:
    """Import a table that is written first."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return import_contacts(register.engine, register.ring, request(register, path, **more), TESTER)


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    """Imported, updated, unchanged, refused; they must add up."""
    found = (report.imported, report.updated, report.unchanged, len(report.refused))
    assert report.rows == sum(found)
    return found


def person(register: Register, address: str) -> dict[str, Any]:
    """The contact with an address, with companies and positions."""
    key = objections.address_key(register.ring, parse_email(address)).key
    contact = schema.contact.c
    with reading(register.engine) as connection:
        row = connection.execute(sa.select(schema.contact).where(contact.email_key == key)).mappings().one()
        works = connection.execute(
            sa.select(schema.company.c.name, schema.company.c.business_id, schema.position.c.name)
            .join(schema.position, schema.position.c.company_id == schema.company.c.id)
            .where(schema.position.c.contact_id == row["id"], schema.position.c.ended_at.is_(None))
            .order_by(schema.position.c.id)
        )
        return {**row, "works": [tuple(work) for work in works]}


def subscribed(register: Register, address: str, key: str = "news") -> str:
    """The status of a subscription."""
    with reading(register.engine) as connection:
        chosen = mailing_lists.get(connection, key)
        status: str = connection.execute(
            sa.select(schema.subscription.c.status).where(
                schema.subscription.c.list_id == chosen.id,
                schema.subscription.c.contact_id == person(register, address)["id"],
            )
        ).scalar_one()
    return status
