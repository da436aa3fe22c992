"""Every table that the gate's predicate reads raises the epoch, whoever changes it and by whatever program."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.sql import visitors

from campaigns.register.suppression import InHand, _refusals
from campaigns.store import schema
from campaigns.store.engine import make_engine, reading, writing
from campaigns.store.gate_triggers import WATCHED, install
from tests.support.register import LIST_ID, MOMENT, Register

#: What the predicate reads of the rows in hand themselves is changed by their owner only; the gate's own row is read
#: with every permit.
NOT_WATCHED = {"delivery", "gate"}
ROWS: dict[str, dict[str, Any]] = {
    "suppression": {
        "id": 1, "kind": "objection", "subject": "address", "subject_key": b"k", "key_id": 1, "origin": "x",
        "evidence": "x", "recorded_at": MOMENT, "recorded_by": "x",
    },
    "company": {"id": 1, "name": "Sågen", "company_key": b"k", "created_at": MOMENT, "created_by": "x"},
    "position": {"id": 1, "contact_id": 1, "company_id": 1, "started_at": MOMENT, "created_by": "x"},
}  # fmt: skip


def test_what_is_watched_is_what_the_predicate_reads() -> None:
    read = read_by(_refusals(InHand(1, 1, 1, 1)))
    assert set(read) - NOT_WATCHED == set(WATCHED)
    for table, watch in WATCHED.items():
        assert set(watch.columns) == read[table], table


def read_by(statement: sa.Select[Any]) -> dict[str, set[str]]:
    """The columns that a statement reads, by table."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for part in visitors.iterate(statement):
        if isinstance(part, sa.Column):
            table: Any = part.table
            while isinstance(table, sa.Alias):
                table = table.element
            if isinstance(table, sa.Table):
                found[table.name].add(part.name)
    return found


@pytest.fixture
def filled(register: Register) -> Register:
    """The register, with a row in every watched table."""
    with writing(register.engine) as connection:
        for table in ("suppression", "company", "position"):
            connection.execute(sa.insert(schema.metadata.tables[table]).values(ROWS[table]))
    return register


def test_each_watched_column_raises_the_epoch_when_it_is_changed_by_hand(filled: Register) -> None:
    for table, watch in WATCHED.items():
        for column in watch.columns:
            with raising(filled) as connection:
                connection.execute(sa.text(f"UPDATE {table} SET {column} = {column}"))


def test_each_watched_table_raises_the_epoch_when_rows_go(filled: Register) -> None:
    for table in WATCHED:
        if table in (
            "company",
            "contact",
            "campaign",
        ):  # others hang on them; a deletion of none is one on PostgreSQL
            continue
        with raising(filled) as connection:
            connection.execute(sa.text(f"DELETE FROM {table}"))


def test_new_rows_that_can_forbid_raise_the_epoch(register: Register) -> None:
    with writing(register.engine) as connection:
        connection.execute(sa.insert(schema.company).values(ROWS["company"]))
    for table, watch in WATCHED.items():
        if watch.new_rows:
            with raising(register) as connection:
                connection.execute(sa.insert(schema.metadata.tables[table]).values(ROWS[table]))


def test_new_rows_that_can_only_widen_are_free(register: Register) -> None:
    before = epoch(register)
    with writing(register.engine) as connection:
        connection.execute(
            sa.insert(schema.subscription).values(
                list_id=LIST_ID, contact_id=new_contact(connection), status="subscribed", since=MOMENT,
                changed_by="x",
            )
        )  # fmt: skip
    assert epoch(register) == before


def test_what_is_not_read_raises_nothing(register: Register) -> None:
    before = epoch(register)
    with writing(register.engine) as connection:
        connection.execute(sa.update(schema.contact).values(first_name="Kim"))
        connection.execute(sa.update(schema.delivery).values(tries=1))
    assert epoch(register) == before


def test_what_is_rolled_back_raises_nothing_and_what_stays_does(register: Register) -> None:
    before = epoch(register)
    with writing(register.engine) as connection, connection.begin_nested() as part:
        connection.execute(sa.text("UPDATE contact SET city = city"))
        part.rollback()
    assert epoch(register) == before
    with raising(register) as connection:
        with connection.begin_nested() as part:
            connection.execute(sa.text("UPDATE contact SET city = city"))
            part.rollback()
        connection.execute(sa.text("UPDATE contact SET city = city"))


def test_postgresql_raises_once_and_locks_the_gate_only_at_commit(register: Register) -> None:
    if register.engine.dialect.name == "sqlite":
        return  # one writer: there is nobody to keep waiting
    before = epoch(register)
    with writing(register.engine) as long:
        for _ in range(3):
            long.execute(sa.text("UPDATE contact SET city = city"))
        with raising(register) as other:
            other.execute(sa.text("UPDATE gate SET halted = halted"))
            other.execute(sa.text("UPDATE gate SET epoch = epoch + 1"))
    assert epoch(register) == before + 2
    with reading(register.engine) as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.gate_raise)).scalar_one() == 0


def test_truncating_counts_on_postgresql(register: Register) -> None:
    if register.engine.dialect.name == "sqlite":
        return  # it has no such statement
    with raising(register) as connection:
        connection.execute(sa.text("TRUNCATE suppression"))


def test_lost_triggers_are_made_again(register: Register) -> None:
    postgres = register.engine.dialect.name == "postgresql"
    named = "SELECT tgname FROM pg_trigger" if postgres else "SELECT name FROM sqlite_schema"
    with writing(register.engine) as connection:
        names = connection.execute(sa.text(named)).scalars()
        (lost,) = (name for name in names if name.endswith("contact_0") and "gate_raise" in name)
        connection.execute(sa.text(f"DROP TRIGGER {lost}" + (" ON contact" if postgres else "")))
        before = epoch(register)
        connection.execute(sa.text("UPDATE contact SET city = city"))
    assert epoch(register) == before
    with writing(register.engine) as connection:
        install(connection)
    with raising(register) as connection:
        connection.execute(sa.text("UPDATE contact SET city = city"))


@contextmanager
def raising(register: Register) -> Iterator[sa.Connection]:
    """A transaction after which the epoch is higher, and during which nobody else sees it so."""
    before = epoch(register)
    with writing(register.engine) as connection:
        yield connection
        if register.engine.dialect.name == "postgresql":
            assert epoch(register) == before
    assert epoch(register) > before


def epoch(register: Register) -> int:
    """The epoch as others see it."""
    other = make_engine(register.url)
    with reading(other) as connection:
        seen: int = connection.execute(sa.select(schema.gate.c.epoch)).scalar_one()
    other.dispose()
    return seen


def new_contact(connection: sa.Connection) -> int:
    """One more contact."""
    made = {"created_at": MOMENT, "created_by": "x", "updated_at": MOMENT, "updated_by": "x"}
    connection.execute(sa.insert(schema.contact).values(id=99, key_id=1, **made))
    return 99
