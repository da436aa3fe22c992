"""Erasure: a person's mark is nowhere afterwards, nobody else is touched, and nothing ever goes to them again."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from campaigns.address import parse_email
from campaigns.clock import utc_now
from campaigns.delivery import ledger
from campaigns.delivery.ledger import BatchRef
from campaigns.errors import RefusedOperation
from campaigns.register import (
    addresses,
    audit,
    audit_reading,
    corrections,
    mailing_lists,
    objections,
    subscriptions,
)
from campaigns.register.audit_chain import Sealer, seal
from campaigns.register.audit_check import verify
from campaigns.register.audit_mark import SealFile
from campaigns.register.clearance import Withheld
from campaigns.register.intake import ERASED, ImportRequest, import_contacts
from campaigns.register.opt_out_log import OptOutLog
from campaigns.register.permit import Keeper, answering_a_no, kept_by
from campaigns.register.replay import replay
from campaigns.register.suppression import Gate
from campaigns.register.witness import Witness
from campaigns.rights import erasure, holds, requests, telling
from campaigns.rights.erasure import Erased
from campaigns.rights.requests import Identification
from campaigns.store import schema
from campaigns.store.engine import make_engine, reading, writing
from tests.rights.filling import ANNA, EERO, address_of, fill, holding, mark
from tests.rights.test_requests import opened
from tests.support.register import CAMPAIGN, TESTER, Register

REF, MIA = BatchRef(CAMPAIGN, 1), 3


def erased(register: Register, contact: int = ANNA, engine: sa.Engine | None = None) -> Erased:
    request = opened(register, kind="erasure", contact_id=contact, evidence=mark(contact))
    requests.identify(register.engine, request, Identification("mailbox"), TESTER)
    return erasure.erase(engine or register.engine, register.ring, request, TESTER)


def queued(register: Register) -> None:
    """All deliveries wait, in one batch."""
    waiting = {"status": "pending", "attempt": 0, "handed_over_at": None, "settled_at": None}
    with writing(register.engine) as connection:
        connection.execute(sa.update(schema.delivery).values(waiting))
        batch = {
            "campaign_id": CAMPAIGN,
            "batch_no": 1,
            "channel": "email",
            "first_number": 1,
            "last_number": 4,
        }
        connection.execute(sa.insert(schema.batch).values(batch))


def statuses(register: Register) -> dict[int, tuple[str, str | None]]:
    table = schema.delivery.c
    with reading(register.engine) as connection:
        rows = connection.execute(sa.select(table.number, table.status, table.reason))
        return {row.number: (row.status, row.reason) for row in rows}


def test_the_mark_is_nowhere_and_the_accounts_add_up(register: Register, tmp_path: Path) -> None:
    fill(register)
    other, rows = holding(register, EERO), len(statuses(register))
    assert len(holding(register, ANNA)) > 15
    raw = f"From: nobody\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nask {mark(ANNA)}=\r\n@kund.example\r\n"
    with writing(register.engine) as connection:
        mail = {"digest": "d", "kind": "reply", "octets": 9, "received_at": utc_now(), "raw": raw.encode()}
        connection.execute(sa.insert(schema.parked_mail).values(mail))
    sealer = Sealer(register.engine, register.ring, SealFile(register.secrets_dir))
    seal(sealer)
    done = erased(register)
    assert done.without_remnants
    assert done.rows["contact"] == 1
    assert holding(register, ANNA) == {}
    assert holding(register, EERO) == other
    assert len(statuses(register)) == rows
    with reading(register.engine) as connection:
        left = (
            connection.execute(sa.select(schema.contact).where(schema.contact.c.id == ANNA)).mappings().one()
        )
        mails = (
            connection.execute(sa.select(schema.parked_mail.c.raw).order_by(schema.parked_mail.c.id))
            .scalars()
            .all()
        )
    assert left["erased_at"] is not None
    assert (left["email_key"], left["postal_key"], left["last_name"]) == (None, None, None)
    assert [mail is None for mail in mails] == [True, False, True]
    seal(sealer)
    assert verify(sealer).problems == []
    register.engine.dispose()
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert mark(ANNA).encode() not in file.read_bytes(), file
    if register.engine.dialect.name == "sqlite":
        assert any(mark(EERO).encode() in file.read_bytes() for file in tmp_path.rglob("utskick.sqlite*"))


def test_what_waits_and_what_is_in_hand_is_not_sent(register: Register) -> None:
    fill(register)
    queued(register)
    erased(register)
    hand = ledger.claim(register.engine, REF, "worker")
    assert hand is not None
    assert 1 not in {row.delivery.number for row in hand.rows}
    assert statuses(register)[1] == ("withheld", "objection")
    mia = next(row for row in hand.rows if row.delivery.number == MIA)
    erased(register, MIA)  # while a worker holds the row
    verdict = Gate(register.engine).clear(hand.in_hand, mia.delivery, mia.address or "")
    assert isinstance(verdict, Withheld)
    assert verdict.reason == "objection"


@pytest.mark.parametrize("objected", [False, True], ids=["silent", "had objected"])
def test_who_was_erased_is_taken_in_by_no_import(register: Register, tmp_path: Path, objected: bool) -> None:
    fill(register)
    if objected:
        with answering_a_no(register.engine) as connection:
            subscriptions.object_to_marketing(connection, ANNA, "link", "link of delivery 7.1", TESTER)
    erased(register)
    if register.engine.dialect.name == "postgresql":  # the numbers of the first people were given by hand
        with writing(register.engine) as connection:
            connection.execute(sa.text("SELECT setval(pg_get_serial_sequence('contact', 'id'), 100)"))
    path = tmp_path / "again.csv"
    place = f"{mark(ANNA)};{mark(ANNA)};{mark(ANNA)};{mark(ANNA)};{mark(ANNA)};{mark(ANNA)}"
    rows = (f"{address_of(ANNA).upper()};Anna;;;;;", f"new@firm.example;{place}", "bo@firm.example;Bo;;;;;")
    heads = "email;first_name;last_name;street;postal_code;city;country"
    path.write_text("\n".join((heads, *rows)), "utf-8")
    with reading(register.engine) as connection:
        chosen = mailing_lists.get(connection, "sagen")
    request = ImportRequest(path, chosen, "a colleague", "consent")
    for dry_run in (True, False):
        asked = replace(request, dry_run=dry_run)
        report = import_contacts(register.engine, register.ring, asked, TESTER)
        assert (report.rows, report.imported, report.not_subscribed) == (3, 1, 0)
        assert [(it["row"], it["reason"]) for it in report.refused] == [(2, ERASED), (3, ERASED)]
    assert holding(register, ANNA) == {}
    with answering_a_no(register.engine) as connection:
        for no in objections.standing(connection, keys_of(register, address_of(ANNA))):
            objections.lift(connection, no["id"], "her own opt-in", TESTER)
    report = import_contacts(register.engine, register.ring, request, TESTER)
    assert (report.imported, [it["row"] for it in report.refused]) == (1, [3]), (
        "her mailbox was asked, her door was not"
    )


def keys_of(register: Register, address: str) -> dict[int, bytes]:
    return register.ring.fingerprints("address", parse_email(address).comparison_text)


def test_a_restored_backup_with_the_opt_out_log_sends_them_nothing(
    register: Register, tmp_path: Path
) -> None:
    fill(register)
    queued(register)
    log = tmp_path / "opt-out.log"
    keeper = Keeper(OptOutLog(log), Witness(tmp_path / "witness"))
    with reading(register.engine) as connection:
        before: dict[str, list[Any]] = {
            table.name: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for table in (schema.contact, schema.suppression, schema.subscription, schema.contact_basis)
        }
    engine = make_engine(register.url)
    erased(register, engine=kept_by(engine, keeper))
    engine.dispose()
    assert mark(ANNA) not in log.read_text()
    with writing(register.engine) as connection:  # as the old backup had it
        for name, rows in before.items():
            table = schema.metadata.tables[name]
            key = "contact_id" if "contact_id" in table.c else "id"
            if table is schema.contact:
                anna = next(row for row in rows if row["id"] == ANNA)
                connection.execute(sa.update(table).where(table.c.id == ANNA).values(anna))
            elif table is schema.suppression:
                connection.execute(sa.delete(table))
            else:
                connection.execute(sa.insert(table).values([row for row in rows if row[key] == ANNA]))
    replay(register.engine, [log], TESTER)
    hand = ledger.claim(register.engine, REF, "worker")
    assert hand is not None
    assert 1 not in {row.delivery.number for row in hand.rows}
    assert statuses(register)[1] == ("withheld", "objection")


def test_a_further_address_is_kept_off_too(register: Register) -> None:
    further = parse_email("anna@home.example")
    with writing(register.engine) as connection:
        addresses.add(connection, register.ring, ANNA, further, TESTER)
    erased(register)
    keys = register.ring.fingerprints("address", further.comparison_text)
    with reading(register.engine) as connection:
        standing = objections.standing(connection, keys)
    assert [(no["kind"], no["origin"]) for no in standing] == [("objection", "erasure")]
    assert "anna@home.example" not in repr(register.contents())


def test_an_address_in_the_words_of_an_entry_is_not_kept(sqlite_register: Register) -> None:
    token = "a" * 45 + "@mail.example"
    with writing(sqlite_register.engine) as connection:
        said = f"mail of <Anna.Lind@kund.example>, {token}"
        number = audit.write(
            connection, audit.Entry(TESTER, "contact:register:edit", [f"contact:{ANNA}"], said)
        )
        wanted = audit_reading.Wanted(subject=f"contact:{ANNA}")
        (entry,) = audit_reading.entries(connection, wanted, TESTER)
    assert (entry["id"], entry["evidence"]) == (number, f"mail of <[address]>, {token}")


def test_what_was_typed_as_evidence_goes_too_and_the_log_still_fits(register: Register) -> None:
    fill(register)
    said = f"{mark(ANNA)} called, says Kim"
    sealer = Sealer(register.engine, register.ring, SealFile(register.secrets_dir))
    with answering_a_no(register.engine) as connection:
        correction = corrections.Correction({"city": "Vasa"}, "phone", "person", said)
        corrections.edit(connection, register.ring, ANNA, correction, TESTER)
        for key in objections.address_keys(register.ring, parse_email(address_of(ANNA))):
            no = objections.No("manual", key, objections.Scope(), "office", said)
            objections.suppress(connection, no, TESTER)
        stands = objections.standing(connection, keys_of(register, address_of(ANNA)))
        manual = next(row["id"] for row in stands if row["kind"] == "manual")
        objections.lift(connection, manual, said, TESTER)
        wanted = audit_reading.Wanted(subject=f"contact:{ANNA}")
        told = [it["evidence"] for it in audit_reading.entries(connection, wanted, TESTER)]
    assert told.count(said) >= 3
    seal(sealer)
    erased(register)
    seal(sealer)
    assert verify(sealer).problems == []
    assert holding(register, ANNA) == {}
    with reading(register.engine) as connection:
        assert said not in str(audit_reading.entries(connection, audit_reading.Wanted(), TESTER))


def test_a_legal_hold_stands_above_it(register: Register) -> None:
    fill(register)
    with writing(register.engine) as connection:
        hold = holds.place(connection, holds.Held(contact=ANNA), "claim of 2026", TESTER)
    before = holding(register, ANNA)
    with pytest.raises(RefusedOperation, match="legal hold"):
        erased(register)
    assert {**holding(register, ANNA), "rights_request": 0} == {**before, "rights_request": 0}
    with writing(register.engine) as connection:
        holds.lift(connection, hold, TESTER)
    erased(register)
    assert holding(register, ANNA) == {}


def test_everybody_who_got_the_data_is_to_be_told(register: Register) -> None:
    fill(register)
    done = erased(register)
    with reading(register.engine) as connection:
        told = [it for it in telling.tellings(connection) if it["what"] == "erasure"]
    assert {it["recipient"] for it in told} == {"processor:post", "Tryckeriet Ab"}
    assert done.to_be_told == 2
    with writing(register.engine) as connection:
        telling.told(connection, told[0]["id"], "mail of today", TESTER)
    with pytest.raises(RefusedOperation), writing(register.engine) as connection:
        telling.told(connection, told[0]["id"], "again", TESTER)
