"""Mail that only a person can deal with: kept once, shown, read again, blanked."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.errors import NotFound, RefusedOperation
from campaigns.feedback import parking
from campaigns.feedback.ingest import ingest
from campaigns.principal import INBOUND
from campaigns.store import schema
from campaigns.store.engine import writing
from tests.feedback.reports import report
from tests.support.register import TESTER, Register

ODD = b"From: somebody@kund.example\nSubject: Hej\n\nVad menar ni?\n"


def take(register: Register, raw: bytes, to: str | None = None) -> list[str]:
    return ingest(register.engine, register.tokens, raw, to, INBOUND)


def test_what_cannot_be_placed_is_kept_once_and_shown(register: Register) -> None:
    for raw in (ODD, ODD, b"\0" * 100):
        take(register, raw, register.return_path())
    assert [row["kind"] for row in parking.parked(register.engine, TESTER)] == ["unknown", "unreadable"]
    first = parking.parked(register.engine, TESTER)[0]["id"]
    assert parking.content(register.engine, first, TESTER) == (ODD, register.return_path())


def test_a_report_is_not_parked(register: Register) -> None:
    assert take(register, report(register.return_path())) == ["hard_bounce"]
    assert parking.parked(register.engine, TESTER) == []


def test_a_message_is_read_again_as_if_it_came_now(register: Register) -> None:
    raw = report(register.return_path())
    parking.park(register.engine, raw, "unreadable", None)
    (waiting,) = parking.parked(register.engine, TESTER)
    again = parking.retry(register.engine, waiting["id"], TESTER, lambda text, to: take(register, text, to))
    assert again == ["hard_bounce"]
    assert parking.parked(register.engine, TESTER) == []
    assert [row["id"] for row in parking.parked(register.engine, TESTER, settled=True)] == [waiting["id"]]


def test_it_waits_until_somebody_has_dealt_with_it(register: Register) -> None:
    take(register, ODD, register.return_path())
    (waiting,) = parking.parked(register.engine, TESTER)
    parking.retry(register.engine, waiting["id"], TESTER, lambda text, to: take(register, text, to))
    assert len(parking.parked(register.engine, TESTER)) == 1
    parking.settle(register.engine, waiting["id"], TESTER)
    with pytest.raises(NotFound):
        parking.settle(register.engine, waiting["id"], TESTER)


def test_old_mail_is_blanked_and_only_the_fact_is_left(register: Register) -> None:
    take(register, ODD, register.return_path())
    table = schema.parked_mail
    with writing(register.engine) as connection:
        connection.execute(
            sa.update(table).values(received_at=utc_now() - parking.RETENTION - timedelta(days=1))
        )
    take(register, ODD + b"again", register.return_path())
    old, new = parking.parked(register.engine, TESTER)
    assert (old["blanked_at"] is not None, new["blanked_at"]) == (True, None)
    with pytest.raises(RefusedOperation):
        parking.content(register.engine, old["id"], TESTER)
    with pytest.raises(NotFound):
        parking.content(register.engine, 99, TESTER)


def test_a_flood_fills_no_disk(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parking, "KEPT", 2)
    monkeypatch.setattr(parking, "OCTETS", 10)
    for number in range(4):
        take(register, ODD + b"%d" % number, register.return_path())
    rows = parking.parked(register.engine, TESTER)
    assert [row["blanked_at"] is None for row in rows] == [True, True, False, False]
    assert parking.content(register.engine, rows[0]["id"], TESTER)[0] == ODD[:10]
