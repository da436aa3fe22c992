from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from campaigns.errors import InputError, NotFound, RefusedOperation
from campaigns.register import subscriptions
from campaigns.register.corrections import Correction, edit
from campaigns.register.permit import answering_a_no
from campaigns.register.subscriptions import Unsubscription
from campaigns.store import schema
from campaigns.store.engine import reading
from tests.register.tables import HEADS, PEOPLE, added_list, counts, imported, person, subscribed, table
from tests.support.register import TESTER, Register

ASA, NEW = PEOPLE[0][4], "asa.nyman@ny.example"


def corrected(register: Register, contact: int, **values: str) -> dict[str, Any]:
    correction = Correction(values, "the person", "person", "letter of 3 May")
    with answering_a_no(register.engine) as connection:
        return edit(connection, register.ring, contact, correction, TESTER)


def test_a_correction_changes_values_keys_origin_and_audit_together(
    register: Register, tmp_path: Path
) -> None:
    imported(register, tmp_path / "people.csv", table(HEADS, *PEOPLE))
    asa = person(register, ASA)["id"]
    changed = corrected(
        register, asa, email="Asa.Nyman@NY.example", last_name=" Nyman ", language="suomi", city=""
    )
    assert changed == {"email": "Asa.Nyman@ny.example", "last_name": "Nyman", "language": "fi", "city": None}
    assert person(register, NEW)["id"] == asa
    assert corrected(register, asa, last_name="Nyman") == {}
    with reading(register.engine) as connection:
        entry = connection.execute(
            sa.select(schema.audit_value.c.old, schema.audit_value.c.new)
            .join(schema.audit, schema.audit.c.id == schema.audit_value.c.audit_id)
            .where(schema.audit.c.tag == "contact:register:edit")
        ).one()
        source = connection.execute(
            sa.select(schema.intake.c.source_class, schema.provenance.c.fields)
            .join(schema.provenance, schema.provenance.c.intake_id == schema.intake.c.id)
            .where(schema.intake.c.kind == "edit")
        ).one()
    assert entry.old == {"email": ASA, "last_name": "Öberg", "language": "sv", "city": "Jakobstad"}
    assert entry.new == {**changed, "evidence": "letter of 3 May"}
    assert (source.source_class, source.fields) == ("person", ["city", "email", "language", "last_name"])


def test_what_was_forbidden_is_forbidden_under_the_new_address(register: Register, tmp_path: Path) -> None:
    imported(register, tmp_path / "people.csv", table(HEADS, *PEOPLE))
    asa = person(register, ASA)["id"]
    wish = Unsubscription(asa, added_list(register).id, "link", "")
    with answering_a_no(register.engine) as connection:
        subscriptions.unsubscribe(connection, wish, TESTER)
    corrected(register, asa, email=NEW)
    with answering_a_no(register.engine) as connection:
        connection.execute(sa.delete(schema.subscription))
    report = imported(register, tmp_path / "people.csv", table(HEADS, (*PEOPLE[0][:4], NEW, "sv", "")))
    assert report.not_subscribed == 1
    assert subscribed(register, NEW) == "unsubscribed"
    assert counts(report)[3] == 0


def test_what_cannot_be_corrected_is_told(sqlite_register: Register, tmp_path: Path) -> None:
    register = sqlite_register
    imported(register, tmp_path / "people.csv", table(HEADS, *PEOPLE))
    asa = person(register, ASA)["id"]
    with pytest.raises(RefusedOperation, match="belongs to contact"):
        corrected(register, asa, email=PEOPLE[1][4])
    with pytest.raises(InputError, match="needs an e-mail address"):
        corrected(register, asa, email="")
    with pytest.raises(InputError, match="email: "):
        corrected(register, asa, email="nonsense")
    with pytest.raises(InputError, match="is no field"):
        corrected(register, asa, shoe_size="43")
    with pytest.raises(InputError, match="is no language"):
        corrected(register, asa, language="klingon")
    with pytest.raises(NotFound):
        corrected(register, 999, city="X")


def test_who_left_by_mail_address_does_not_come_back_by_postal_address(
    register: Register, tmp_path: Path
) -> None:
    heads = ("first_name", "last_name", "street", "postal_code", "city", "email")
    whole = ("Åsa", "Öberg", "Gatan 1", "65100", "Vasa", ASA)
    imported(register, tmp_path / "people.csv", table(heads, whole))
    wish = Unsubscription(person(register, ASA)["id"], added_list(register).id, "link", "")
    with answering_a_no(register.engine) as connection:
        subscriptions.unsubscribe(connection, wish, TESTER)
        blank = dict.fromkeys(("email", "email_key", "domain_key", "postal_key", "last_name"))
        connection.execute(sa.update(schema.contact).values(**blank, erased_at=sa.func.current_timestamp()))
    report = imported(register, tmp_path / "people.csv", table(heads, (*whole[:5], "")))
    assert (counts(report), report.not_subscribed) == ((1, 0, 0, 0), 1)
