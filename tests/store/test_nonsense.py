"""What the schema refuses, whoever writes it: states that no rule could have led to."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from campaigns.delivery.status import MOVES, OPEN
from campaigns.store import schema
from campaigns.store.engine import writing
from campaigns.store.ledger_tables import DELIVERY_STATUSES
from tests.support.register import CAMPAIGN, LIST_ID, MOMENT, UNATTEMPTED, Register, made_register

ACCEPTED, PENDING = 1, UNATTEMPTED


@pytest.fixture
def register(database_url: str, tmp_path: Path) -> Iterator[Register]:
    with made_register(database_url, tmp_path / "secrets") as made:
        yield made


def row(number: int) -> tuple[sa.ColumnElement[bool], ...]:
    table = schema.delivery.c
    return table.campaign_id == CAMPAIGN, table.number == number


DELIVERIES: dict[str, tuple[int, dict[str, Any]]] = {
    "a status nobody knows": (ACCEPTED, {"status": "bounced"}),
    "a channel nobody knows": (ACCEPTED, {"channel": "fax"}),
    "settled and still waiting": (ACCEPTED, {"status": "pending"}),
    "deferred and settled": (ACCEPTED, {"status": "deferred"}),
    "waiting and never settled": (PENDING, {"settled_at": MOMENT}),
    "over without a time": (ACCEPTED, {"settled_at": None}),
    "accepted and never handed over": (ACCEPTED, {"handed_over_at": None}),
    "withheld without a reason": (ACCEPTED, {"status": "withheld"}),
    "a reason without being withheld": (ACCEPTED, {"reason": "objection"}),
    "sending without an attempt": (PENDING, {"status": "sending"}),
    "uncertain without an attempt": (PENDING, {"status": "uncertain", "settled_at": MOMENT}),
    "a second row for a contact": (PENDING, {"contact_id": 1}),
    "no language": (PENDING, {"language": None}),
}


def test_what_a_delivery_never_is(register: Register) -> None:
    with writing(register.engine) as connection:
        taken = connection.execute(sa.select(schema.delivery.c.address_key).where(*row(ACCEPTED))).scalar()
    cases = {**DELIVERIES, "a second live row for an address": (PENDING, {"address_key": taken})}
    for name, (number, values) in cases.items():
        refused(register, sa.update(schema.delivery).where(*row(number)).values(**values), name)


def test_every_status_can_be_stored_with_its_own_timestamps(register: Register) -> None:
    for status in DELIVERY_STATUSES:
        values = {
            "status": status,
            "attempt": 1,
            "reason": "objection" if status == "withheld" else None,
            "settled_at": None if status in OPEN else MOMENT,
            "handed_over_at": MOMENT if status == "accepted" else None,
        }
        with writing(register.engine) as connection:
            connection.execute(sa.update(schema.delivery).where(*row(PENDING)).values(**values))


def test_the_moves_name_every_status() -> None:
    assert (
        set(MOVES)
        == set(DELIVERY_STATUSES)
        == {to for moves in MOVES.values() for to in moves}
        | {
            "pending",
            "withheld",
        }
    )
    assert all(MOVES[status] for status in (*OPEN, "uncertain"))


NONSENSE: dict[str, sa.Executable] = {
    "a permit that outlasts the answer": sa.update(schema.gate).values(permit_ms=51, answer_ms=100),
    "a permit of no length": sa.update(schema.gate).values(permit_ms=0),
    "a second gate": sa.insert(schema.gate).values(
        id=2, incarnation="x", epoch=1, halted=False, permit_ms=1, answer_ms=100
    ),
    "a second register": sa.insert(schema.register).values(id=2, incarnation="x", created_at=MOMENT),
    "a campaign that is over without a time": sa.update(schema.campaign).values(status="completed"),
    "a campaign under way with an end": sa.update(schema.campaign).values(closed_at=MOMENT),
    "a campaign sent and never expanded": sa.update(schema.campaign).values(expanded_at=None),
    "a campaign in a state nobody knows": sa.update(schema.campaign).values(status="resting"),
    "a lease without an owner": sa.insert(schema.batch).values(
        campaign_id=CAMPAIGN, batch_no=9, channel="email", first_number=1, last_number=2, lease_until=MOMENT
    ),
    "a batch that ends before it begins": sa.insert(schema.batch).values(
        campaign_id=CAMPAIGN, batch_no=9, channel="email", first_number=3, last_number=2
    ),
    "a subscription in a state nobody knows": sa.update(schema.subscription).values(status="maybe"),
    "a subscription of nobody": sa.insert(schema.subscription).values(
        list_id=LIST_ID, contact_id=99, status="subscribed", since=MOMENT, changed_by="process:test"
    ),
    "an address without its fingerprint": sa.update(schema.contact).values(email_key=None),
    "an erased person who still has a name": sa.update(schema.contact).values(
        email=None, email_key=None, erased_at=MOMENT
    ),
    "a list of no known kind": sa.update(schema.mailing_list).values(kind="leaflet"),
    "an accepted submission without its campaign": sa.insert(schema.submission).values(
        submission_id="x", digest="x", status="accepted", submitted_by="service:x", received_at=MOMENT,
        document={}, faults=[],
    ),
}  # fmt: skip


def test_what_there_never_is(register: Register) -> None:
    for name, statement in NONSENSE.items():
        refused(register, statement, name)


def test_there_are_never_two_live_suppressions_of_the_same_thing(register: Register) -> None:
    values = {
        "kind": "objection", "subject": "address", "subject_key": b"k", "key_id": 1, "origin": "operator",
        "evidence": "", "recorded_at": MOMENT, "recorded_by": "process:test",
    }  # fmt: skip
    no = sa.insert(schema.suppression).values(**values)
    with writing(register.engine) as connection:
        connection.execute(no)
        connection.execute(no.values(list_id=LIST_ID))  # another scope
        connection.execute(no.values(kind="manual"))  # another kind
    refused(register, no)
    refused(register, no.values(kind="mood"))
    refused(register, no.values(channel="fax"))
    refused(register, sa.update(schema.suppression).values(lifted_at=MOMENT))
    with writing(register.engine) as connection:
        lifted = {"lifted_at": MOMENT, "lifted_by": "process:test"}
        connection.execute(sa.update(schema.suppression).values(**lifted))
        connection.execute(no)  # after the first was lifted


def refused(register: Register, statement: sa.Executable, name: str = "") -> None:
    try:
        with writing(register.engine) as connection:
            connection.execute(statement)
    except IntegrityError:
        return
    pytest.fail(f"the schema took it: {name}")
