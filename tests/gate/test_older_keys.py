"""A register with two fingerprint keys: what was said under the first holds for what is written under the second."""

import secrets
from datetime import timedelta

import pytest
import sqlalchemy as sa

from campaigns.address import parse_email
from campaigns.clock import utc_now
from campaigns.errors import RefusedOperation
from campaigns.keyfiles import read_keys
from campaigns.keyring import KeyRing
from campaigns.register import (
    companies,
    contacts,
    corrections,
    events,
    identity,
    merging,
    objections,
    positions,
)
from campaigns.register.intake import ImportRequest, import_contacts
from campaigns.register.mailing_lists import MailingList
from campaigns.register.permit import answering_a_no
from campaigns.register.suppression import Asked, withholding_reason
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.support.register import LIST_ID, TESTER, Register

STRANGER = "styrelse@kund.example"
NOES = (("objection", "email"), ("hard_bounce", "email"), ("on_pause", ""), ("objection", ""))


def say_no(register: Register, address: str, kind: str = "objection", channel: str = "") -> None:
    until = utc_now() + timedelta(days=30) if kind == "on_pause" else None
    with answering_a_no(register.engine) as connection:
        for key in objections.address_keys(register.ring, parse_email(address)):
            no = objections.No(kind, key, objections.Scope(channel=channel), "operator", "letter", until)  # type: ignore[arg-type]  # NOES
            objections.suppress(connection, no, TESTER)


def second_key(register: Register) -> KeyRing:
    path = register.secrets_dir / "fingerprint-2.key"
    path.write_text(secrets.token_hex(32))
    path.chmod(0o600)
    ring = read_keys(register.secrets_dir)
    assert ring is not None
    with writing(register.engine) as connection:
        identity.remember(connection, ring.marks(), TESTER)
    return ring


def edit(register: Register, ring: KeyRing, contact: int, **values: str) -> None:
    correction = corrections.Correction(values, "phone", "company", "call of today")
    with answering_a_no(register.engine) as connection:
        corrections.edit(connection, ring, contact, correction, TESTER)


def reason(register: Register, email: str) -> str | None:
    contact = schema.contact.c
    asked = Asked(sa.literal(LIST_ID), sa.literal("email"), sa.literal("marketing"))
    with reading(register.engine) as connection:
        found: str | None = connection.execute(
            sa.select(withholding_reason(asked)).where(contact.email == email)
        ).scalar_one()
        return found


def test_a_correction_to_an_address_that_said_no_is_withheld(register: Register) -> None:
    say_no(register, STRANGER)
    ring = second_key(register)
    edit(register, ring, 1, email=STRANGER)
    assert reason(register, STRANGER) == "objection"


def test_nobody_gets_an_address_that_another_has_under_the_older_key(register: Register) -> None:
    with reading(register.engine) as connection:
        contact = schema.contact.c
        of_two: str = connection.execute(sa.select(contact.email).where(contact.id == 2)).scalar_one()
    ring = second_key(register)
    with pytest.raises(RefusedOperation, match="belongs to contact 2"):
        edit(register, ring, 1, email=of_two)


def test_a_change_of_language_leaves_what_a_domain_said(register: Register) -> None:
    with reading(register.engine) as connection:
        contact = schema.contact.c
        email: str = connection.execute(sa.select(contact.email).where(contact.id == 1)).scalar_one()
    key = objections.SubjectKey(
        "domain",
        register.ring.current_id("fingerprint"),
        register.ring.fingerprint("domain", email.partition("@")[2]),
    )
    with answering_a_no(register.engine) as connection:
        no = objections.No("objection", key, objections.Scope(), "operator", "letter")
        objections.suppress(connection, no, TESTER)
    edit(
        register, register.ring, 1, first_name="First"
    )  # the fixture's people have no fingerprint of their domain
    assert reason(register, email) == "objection"
    ring = second_key(register)
    edit(register, ring, 1, language="fi")
    assert reason(register, email) == "objection"
    edit(register, ring, 1, first_name="Other", last_name="Name")
    assert reason(register, email) == "objection"


@pytest.mark.parametrize("kind, channel", NOES)
def test_an_import_heeds_every_kind_of_no(register: Register, kind: str, channel: str) -> None:
    say_no(register, STRANGER, kind, channel)
    ring = second_key(register)
    if register.engine.dialect.name == "postgresql":  # its people were written with their numbers
        with writing(register.engine) as connection:
            connection.execute(sa.text("SELECT setval(pg_get_serial_sequence('contact', 'id'), 100)"))
    path = register.secrets_dir.parent / "people.csv"
    path.write_text(f"email,first_name\n{STRANGER},Kim\n")
    news = MailingList(LIST_ID, "news", "newsletter", "News", "marketing")
    import_contacts(register.engine, ring, ImportRequest(path, news, "fair", "consent"), TESTER)
    assert reason(register, STRANGER) == kind


def test_parting_leaves_what_a_domain_said(register: Register) -> None:
    contact, domain = schema.contact, "kund.example"
    with writing(register.engine) as connection:
        keys = contacts.email_keys(register.ring, parse_email(STRANGER))
        place = {"street": "Gatan 1", "postal_code": "65100", "city": "Vasa"}
        connection.execute(sa.update(contact).where(contact.c.id == 1).values(**keys, **dict.fromkeys(place)))
        connection.execute(sa.update(contact).where(contact.c.id == 3).values(**place))
    with answering_a_no(register.engine) as connection:
        merging.merge(connection, register.ring, merging.Pair(1, 3), "one person", TESTER)
        for key in objections.domain_keys(register.ring, domain):
            no = objections.No("objection", key, objections.Scope(), "operator", "letter")
            objections.suppress(connection, no, TESTER)
    ring = second_key(register)
    with answering_a_no(register.engine) as connection:
        assert "street" in merging.part(connection, ring, 3, "two persons", TESTER)["fields"]
    assert reason(register, STRANGER) == "objection"


def test_of_two_pauses_under_two_keys_the_longer_one_holds(register: Register) -> None:
    say_no(register, STRANGER, "on_pause")
    ring = second_key(register)
    over = utc_now() - timedelta(days=1)
    key = objections.address_key(ring, parse_email(STRANGER))
    with answering_a_no(register.engine) as connection:
        no = objections.No("on_pause", key, objections.Scope(), "operator", "letter", over)
        objections.suppress(connection, no, TESTER)
    edit(register, ring, 1, email=STRANGER)
    assert reason(register, STRANGER) == "on_pause"


def test_a_position_heeds_what_the_company_said(register: Register) -> None:
    with answering_a_no(register.engine) as connection:
        for key in objections.company_keys(register.ring, companies.company_text("Mill Ltd", "")):
            no = objections.No("objection", key, objections.Scope(), "operator", "letter")
            objections.suppress(connection, no, TESTER)
    ring = second_key(register)
    with reading(register.engine) as connection:
        contact = schema.contact.c
        email: str = connection.execute(sa.select(contact.email).where(contact.id == 1)).scalar_one()
    said = corrections.Correction({}, "phone", "company", "call of today"), TESTER
    with answering_a_no(register.engine) as connection:
        positions.hold(connection, ring, 1, positions.Held("Mill Ltd"), said)
    assert reason(register, email) == "objection"


def test_a_company_of_an_older_key_is_one_company_still(register: Register) -> None:
    def hold(ring: KeyRing, contact: int) -> None:
        said = corrections.Correction({}, "phone", "company", "call of today"), TESTER
        with answering_a_no(register.engine) as connection:
            positions.hold(
                connection, ring, contact, positions.Held("Mill Ltd", business_id="FI01120389"), said
            )

    hold(register.ring, 1)
    with answering_a_no(register.engine) as connection:
        for key in objections.company_keys(register.ring, "0112038-9"):
            no = objections.No("objection", key, objections.Scope(), "operator", "letter")
            objections.suppress(connection, no, TESTER)
    ring = second_key(register)
    hold(ring, 2)
    path = register.secrets_dir.parent / "people.csv"
    path.write_text("email,company,business_id\neero.kivi@asiakas.example,Mill,FI01120389\n")
    news = MailingList(LIST_ID, "news", "newsletter", "News", "marketing")
    import_contacts(register.engine, ring, ImportRequest(path, news, "fair", "consent"), TESTER)
    event = {"company": "FI01120389", "kind": "meeting", "at": "2026-11-25"}
    with writing(register.engine) as connection:
        report = events.record_events(connection, ring, events.EventSource("crm"), [(1, event)], TESTER)
        assert (report.recorded, report.refused) == (1, [])
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.company)).scalar_one() == 1
    assert reason(register, "eero.kivi@asiakas.example") == "objection"
