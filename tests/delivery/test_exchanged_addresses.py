"""People who exchange addresses after the expansion each get the edition, under the address that is theirs now."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from campaigns.delivery import claimed_rows, ledger
from campaigns.delivery.ledger import BatchRef
from campaigns.register import subscriptions
from campaigns.register.permit import answering_a_no
from campaigns.store import schema
from campaigns.store.engine import make_engine, reading, writing
from tests.support.register import CAMPAIGN, PEOPLE, TESTER, Register, made_register

ANNA, EERO = 1, 2
#: How often two claims meet.
ROUNDS = 8


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


def _meeting(question: Callable[..., Any], together: threading.Barrier) -> Callable[..., Any]:
    """The same question, answered when both have asked it, or after a second: SQLite has one writer at a time."""

    def asked(*given: Any) -> Any:
        found = question(*given)
        with suppress(threading.BrokenBarrierError):
            together.wait(1)
        return found

    return asked


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


def test_claims_at_the_same_moment_whose_people_exchanged_addresses_do_not_lock_each_other(
    register: Register,
) -> None:
    """Each claim has rows of the other batch in its way, and the other has its rows."""
    addresses = {number: address for number, (address, _) in PEOPLE.items()}
    crossing = {1: 4, 4: 1, 2: 3, 3: 2}
    for _ in range(ROUNDS):
        waiting(register, 2, len(PEOPLE))
        for number in PEOPLE:
            register.move(number, f"between{number}@kund.example")
        for number, other in crossing.items():
            register.move(number, addresses[other])
        together = threading.Barrier(2)

        def claim(batch_no: int, together: threading.Barrier = together) -> dict[int, str | None]:
            engine = make_engine(register.url)
            try:
                together.wait(10)
                hand = ledger.claim(engine, BatchRef(CAMPAIGN, batch_no), f"worker {batch_no}")
            finally:
                engine.dispose()
            assert hand is not None
            assert hand.withheld == {}
            return {row.contact: row.address for row in hand.rows}

        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(claim, (1, 2))
        addresses = {number: addresses[other] for number, other in crossing.items()}
        assert first | second == addresses


def test_claims_that_hold_what_the_other_wants_both_end(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In each batch somebody has said no whose old address is by now somebody's in the other batch."""
    addresses = {number: address for number, (address, _) in PEOPLE.items()}
    waiting(register, 2, len(PEOPLE))
    for number in PEOPLE:
        register.move(number, f"between{number}@kund.example")
    register.move(2, addresses[4])
    register.move(3, addresses[1])
    with answering_a_no(register.engine) as connection:
        for number in (1, 4):
            subscriptions.object_to_marketing(connection, number, "link", "x", TESTER)
    together = threading.Barrier(2)
    monkeypatch.setattr(ledger, "moved_addresses", _meeting(claimed_rows.moved_addresses, together))
    with ThreadPoolExecutor(2) as pool:
        hands = list(
            pool.map(lambda batch: ledger.claim(register.engine, BatchRef(CAMPAIGN, batch), "w"), (1, 2))
        )
    written = {row.contact: row.address for hand in hands if hand for row in hand.rows}
    assert written == {2: addresses[4], 3: addresses[1]}
