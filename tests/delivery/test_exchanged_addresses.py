"""People who exchange addresses after the expansion each get the edition, under the address that is theirs now."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from campaigns.delivery import ledger
from campaigns.delivery.ledger import BatchRef
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.support.register import CAMPAIGN, PEOPLE, Register, made_register

ANNA, EERO = 1, 2


@pytest.fixture
def register(database_url: str, tmp_path: Path) -> Iterator[Register]:
    with made_register(database_url, tmp_path / "secrets") as made:
        yield made


def waiting(register: Register, *ends: int) -> None:
    """All wait, in batches that end with these numbers."""
    row, first = schema.delivery, 1
    blank = {"attempt": 0, "settled_at": None, "handed_over_at": None, "reason": None}
    with writing(register.engine) as connection:
        connection.execute(sa.delete(schema.attempt))
        connection.execute(sa.update(row).values(status="pending", **blank))
        connection.execute(sa.delete(schema.batch))
        for batch_no, last in enumerate(ends, start=1):
            values = {"campaign_id": CAMPAIGN, "batch_no": batch_no, "channel": "email"}
            connection.execute(sa.insert(schema.batch).values(first_number=first, last_number=last, **values))
            first = last + 1


def exchange(register: Register) -> None:
    """Anna takes Eero's address and Eero hers."""
    register.move(EERO, "between@kund.example")
    register.move(ANNA, PEOPLE[EERO][0])
    register.move(EERO, PEOPLE[ANNA][0])


def claimed(register: Register, batch_no: int) -> dict[int, str | None]:
    hand = ledger.claim(register.engine, BatchRef(CAMPAIGN, batch_no), "worker")
    assert hand is not None
    assert hand.withheld == {}
    return {row.contact: row.address for row in hand.rows}


@pytest.mark.parametrize("ends", [(len(PEOPLE),), (1, len(PEOPLE))], ids=["in one batch", "in two batches"])
def test_both_are_written_to_at_their_present_addresses(register: Register, ends: tuple[int, ...]) -> None:
    waiting(register, *ends)
    exchange(register)
    found: dict[int, str | None] = {}
    for batch_no in range(1, len(ends) + 1):
        found |= claimed(register, batch_no)
    assert (found[ANNA], found[EERO]) == (PEOPLE[EERO][0], PEOPLE[ANNA][0])
    assert found.keys() == PEOPLE.keys()
    row, contact = schema.delivery.c, schema.contact.c
    with reading(register.engine) as connection:
        astray = sa.select(row.number).join(schema.contact, contact.id == row.contact_id)
        astray = astray.where(row.address_key.is_distinct_from(contact.email_key))
        assert connection.execute(astray).all() == []


def test_who_takes_an_address_that_was_written_to_is_a_duplicate(register: Register) -> None:
    waiting(register, 1, len(PEOPLE))
    assert ANNA in claimed(register, 1)  # the row is `sending` from here on
    exchange(register)
    hand = ledger.claim(register.engine, BatchRef(CAMPAIGN, 2), "worker")
    assert hand is not None
    assert hand.withheld == {"duplicate_address": 1}
    assert EERO not in {row.contact for row in hand.rows}
