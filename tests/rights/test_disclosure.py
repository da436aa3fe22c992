"""Access and portability: everything on the person, nothing of anybody else, never without identification."""

import csv
import io
import json
from typing import Any, get_args

import pytest
import sqlalchemy as sa

from campaigns.content.language import LANGUAGES
from campaigns.errors import RefusedOperation
from campaigns.register.processors import Processor
from campaigns.rights import disclosure, reach, requests, words
from campaigns.rights.dossier import Keeper
from campaigns.rights.requests import Identification
from campaigns.store import data_map, schema
from campaigns.store.engine import reading, writing
from tests.rights.filling import ANNA, EERO, fill, holding, mark
from tests.rights.test_requests import opened
from tests.support.register import TESTER, Register

CONTROLLER = {
    "name": "Nordhamn Oy Ab", "street": "Satamakatu 12", "postal_code": "65999", "city": "Pohjoissalmi",
    "country": "Finland", "email": "register@nordhamn.example", "phone": "+358 20 000 0100",
    "register_name": "Kundregister", "contact_person": "Aino Kalliosaari",
}  # fmt: skip
POST = Processor("post", "Postilaiva Oy", "mail delivery", "FI", "DPA-2026-014", None)
KEEPER = Keeper(CONTROLLER, {"post": POST}, {"deliveries": 1095})


def disclosed(register: Register, **asked: Any) -> dict[str, bytes]:
    request = opened(register, **asked)
    requests.identify(register.engine, request, Identification("mailbox"), TESTER)
    return dict(disclosure.disclose(register.engine, register.ring, KEEPER, request, TESTER))


def test_everything_on_the_person_is_in_it_and_nothing_of_anybody_else(register: Register) -> None:
    fill(register)
    everywhere = holding(register, ANNA)
    package = disclosed(register)
    told = json.loads(package["data.json"])
    for datum in data_map.data(schema.metadata):
        if datum.record.subject == "contact" and datum.column.type.python_type is not float:
            rows = told["records"][datum.table.name]
            if datum.name != "contact.language":
                assert mark(ANNA) in json.dumps([row.get(datum.column.name) for row in rows]), datum.name
    assert set(everywhere) <= set(told["records"])
    assert (told["register"], told["controller"]) == ("Kundregister", CONTROLLER)
    assert {"data.json", "data.html", "data.pdf", "tables/contact.csv", "tables/sends.csv"} <= set(package)
    for name, content in package.items():
        if name != "data.pdf":
            assert mark(EERO) not in content.decode(), name
            assert "eero.kivi" not in content.decode(), name
            assert TESTER.name not in content.decode(), name
    page = package["data.html"].decode()
    for rows in told["records"].values():
        for row in rows:
            for value in row.values():
                if isinstance(value, str):
                    assert value in page


def test_traces_of_every_record_are_told_and_no_fingerprint_is(register: Register) -> None:
    fill(register)
    with reading(register.engine) as connection:
        whose = reach.person(connection, register.ring, ANNA)
        held = {
            table: reach.rows(connection, table, record, whose)
            for table, record in data_map.records(schema.metadata, "contact").items()
        }
    told = json.loads(disclosed(register)["data.json"])["records"]
    for table, record in data_map.records(schema.metadata, "contact").items():
        columns, rows = {name for row in told[table.name] for name in row}, held[table]
        present = {name for name in record.traces if any(row[name] not in (None, "") for row in rows)}
        assert present <= columns, table.name
        assert not columns & {*record.fingerprints, *record.keys} - {"campaign", "list"}, table.name


def test_recipients_and_the_reason_for_each_send_are_told(register: Register) -> None:
    fill(register)
    told = json.loads(disclosed(register)["data.json"])
    assert {it["name"]: it["role"] for it in told["recipients"]} == {
        "Postilaiva Oy": "mail delivery",
        "Tryckeriet Ab": "export",
    }
    (send,) = told["sends"]
    assert (send["key"], send["list"], send["purpose"]) == ("autumn", "Nyheter från sågen", "marketing")
    assert send["why"][0]["basis"] == "consent"
    assert [it["processor"] for it in send["attempts"]] == ["post"]
    assert {"kind": "delivery", "kept_days": 1095}.items() <= next(
        it for it in told["held"] if it["kind"] == "delivery"
    ).items()


def test_nothing_leaves_without_identification_and_what_leaves_is_logged(register: Register) -> None:
    request = opened(register)
    with pytest.raises(RefusedOperation, match="nobody has identified"):
        disclosure.disclose(register.engine, register.ring, KEEPER, request, TESTER)
    disclosed(register)
    with reading(register.engine) as connection:
        given = connection.execute(sa.select(schema.disclosure.c.recipient, schema.disclosure.c.ground)).all()
        tags = connection.execute(sa.select(schema.audit.c.tag)).scalars().all()
    assert [(row.recipient, row.ground) for row in given] == [("the person", "GDPR Art. 15, request 2")]
    assert tags.count("contact:register:disclose") == 1
    with pytest.raises(RefusedOperation, match="is closed"):
        disclosure.disclose(register.engine, register.ring, KEEPER, 2, TESTER)


def test_what_was_given_can_be_taken_along_where_it_rests_on_consent(register: Register) -> None:
    fill(register)
    package = disclosed(register, kind="portability")
    told = json.loads(package["portable.json"])
    assert told["rests_on"] == [{"purpose": "marketing", "basis": "consent"}]
    assert set(told["given"]) == {"contact", "contact_address", "position", "contact_field", "survey_answer"}
    assert told["given"]["contact"][0]["last_name"] == mark(ANNA)
    assert mark(EERO) not in package["portable.json"].decode()
    with writing(register.engine) as connection:
        connection.execute(sa.update(schema.contact_basis).values(basis="b2b_role"))
    assert json.loads(disclosed(register, kind="portability")["portable.json"])["given"] == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_people_wrote_breaks_no_form(sqlite_register: Register, language: str) -> None:
    register = sqlite_register
    nasty = '=cmd() "#\\ <script>alert(1)</script>\u202e\x07 $x$ #read("/etc/passwd")'
    with writing(register.engine) as connection:
        connection.execute(
            sa.update(schema.contact).where(schema.contact.c.id == ANNA).values(last_name=nasty)
        )
    package = disclosed(register, language=language)
    assert package["data.pdf"].startswith(b"%PDF")
    page = package["data.html"].decode()
    assert "<script" not in page
    assert f'lang="{language}"' in page
    (row,) = csv.DictReader(io.StringIO(package["tables/contact.csv"].decode("utf-8-sig")))
    assert not row["last_name"].startswith("=")


def test_every_word_has_its_translations() -> None:
    needed: set[str] = {*get_args(data_map.Category), *get_args(data_map.Purpose)}
    for table, record in data_map.records(schema.metadata, "contact").items():
        personal = {column.name for column in data_map.personal_columns(table)}
        needed |= {record.kind, *record.traces, *record.actors, *personal}
    assert sorted(word for word in needed if not words.known(word)) == []
