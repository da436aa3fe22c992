import csv
import io
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from campaigns.address import parse_email
from campaigns.errors import GuardRefused
from campaigns.register import audit_reading, mailing_lists, objections
from campaigns.register.cells import plain_cell, safe_cell
from campaigns.register.export import Disclosure, export
from campaigns.register.permit import answering_a_no
from campaigns.register.processors import Recipient, allowed_recipient
from campaigns.store import schema
from campaigns.store.engine import reading
from tests.register.conftest import empty_register
from tests.register.tables import HEADS, PEOPLE, counts, imported, person, subscribed, table
from tests.support.databases import migrated_file
from tests.support.register import TESTER, Register

PRINTERS = Recipient("print", "Tryckeriet Ab", "FI", "printing agreement 7", date(2026, 12, 31))
TO = Disclosure(PRINTERS)
FORMULAS = ("=1+1", "+358 40 123", "-2", "@SUM(A1)", "'=x", "''+1", "＝cmd", "O'Neil", "'quoted'", "a=b")


def exported(register: Register, *, as_table: bool = True, disclosure: Disclosure = TO) -> str:
    return "".join(export(register.engine, disclosure, TESTER, as_table=as_table))


@given(st.text() | st.sampled_from(FORMULAS))
def test_a_cell_comes_back_exactly_and_is_no_formula(value: str) -> None:
    cell = safe_cell(value)
    assert plain_cell(cell) == value
    assert cell[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"}


def test_the_round_trip_is_exact(register: Register, tmp_path: Path) -> None:
    heads = (*HEADS, "position", "phone", "title")
    rows = [
        (*row, "Chef", formula, formula[::-1]) for row, formula in zip(PEOPLE * 3, FORMULAS, strict=False)
    ]
    rows = [(*row[:4], f"a{number}@kund.example", *row[5:]) for number, row in enumerate(rows)]
    rows.append(("Annat Ab", "", "", "", "a0@kund.example", "", "", "", "", ""))
    safe = [tuple(map(safe_cell, row)) for row in rows]
    assert counts(imported(register, tmp_path / "people.csv", table(heads, *safe)))[3] == 0
    text = exported(register)
    assert counts(imported(register, tmp_path / "again.csv", text)) == (0, 0, len(rows), 0)
    with empty_register(migrated_file(tmp_path / "other.sqlite"), tmp_path / "other") as other:
        imported(other, tmp_path / "again.csv", text)
        assert exported(other) == text
        assert person(other, "a0@kund.example")["phone"] == "=1+1"


def test_each_piece_is_logged_as_a_disclosure(sqlite_register: Register, tmp_path: Path) -> None:
    imported(sqlite_register, tmp_path / "people.csv", table(HEADS, *PEOPLE))
    lines = [json.loads(line) for line in exported(sqlite_register, as_table=False).splitlines()]
    assert [line["email"] for line in lines] == [row[4] for row in PEOPLE]
    assert lines[0]["positions"] == [{"company": "Sågen Ab", "business_id": "0112038-9", "position": None}]
    with reading(sqlite_register.engine) as connection:
        entry = connection.execute(
            sa.select(schema.audit).where(schema.audit.c.tag == "contact:register:export")
        ).one()
        (told,) = audit_reading.entries(connection, audit_reading.Wanted(tag=entry.tag), TESTER)
    assert entry.subjects == [f"contact:{line['id']}" for line in lines]
    assert told["evidence"] == "to Tryckeriet Ab: printing agreement 7"


def test_nobody_but_declared_recipients_may_be_given_anything() -> None:
    far = Recipient("far", "Farpost Inc", "US", "order 3")
    declared = {"print": PRINTERS, "far": far}
    last, after = date(2026, 12, 31), date(2027, 1, 1)
    assert allowed_recipient(declared, "print", last) == allowed_recipient(declared, "tryckeriet ab ", last)
    for wanted, day, problem in (
        ("Tryckeriet", last, "no declared recipient .* far, print"),
        ("print", after, "ended on 2026-12-31"),
        ("far", last, "outside the EEA"),
    ):
        with pytest.raises(GuardRefused, match=problem):
            allowed_recipient(declared, wanted, day)
    granted = replace(far, transfer_ground="SCC 2021/914")
    assert allowed_recipient({"far": granted}, "far", after) == granted


def test_restricted_people_are_left_out_and_a_list_holds_its_subscribers(
    register: Register, tmp_path: Path
) -> None:
    imported(register, tmp_path / "people.csv", table(HEADS, *PEOPLE))
    key = objections.address_key(register.ring, parse_email(PEOPLE[0][4]))
    with answering_a_no(register.engine) as connection:
        objections.suppress(
            connection, objections.No("restricted", key, objections.Scope(), "x", "x"), TESTER
        )
    with reading(register.engine) as connection:
        news = mailing_lists.get(connection, "news").id
    text = exported(register, disclosure=Disclosure(PRINTERS, "y", news))
    found = [row["email"] for row in csv.DictReader(io.StringIO(text))]
    assert found == [row[4] for row in PEOPLE[1:]]
    assert subscribed(register, PEOPLE[1][4]) == "subscribed"
