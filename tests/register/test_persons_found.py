"""Who is one person is found as a plain reading of the tables says, and by looking up nobody else."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.register import contacts, persons
from campaigns.register.persons import Member
from campaigns.store import bulk, schema
from campaigns.store.engine import reading, writing
from tests.support.plans import listening
from tests.support.register import MOMENT, Register

FEW = 8
NUMBERS = range(101, 101 + FEW)
#: So many people, of whom every tenth was merged, that a look at each is dearer than looking some up.
MANY = 20_000
PLACE = st.one_of(st.none(), st.integers(0, 3).map(lambda number: f"k{number}".encode()))
#: A contact's address, postal address, the contact before it that was kept instead, whether it was erased.
CONTACT = st.tuples(PLACE, PLACE, st.one_of(st.none(), st.integers(0, FEW - 1)), st.booleans())


def entered(register: Register, people: Sequence[Any], further: dict[bytes, int]) -> None:
    with writing(register.engine) as connection:
        connection.execute(sa.delete(schema.contact_address))
        connection.execute(sa.delete(schema.contact).where(schema.contact.c.id > 100))
        made = {"created_at": MOMENT, "created_by": "test", "updated_at": MOMENT, "updated_by": "test"}
        gone: dict[int, bool] = {}
        for number, (email, postal, kept, wiped) in zip(NUMBERS, people, strict=True):
            above = None if kept is None or kept + 101 >= number else kept + 101
            erased = gone[number] = wiped if above is None else gone[above]  # who is erased is so as a whole
            values = {
                "email": None if email is None or erased else f"{email.decode()}@kund.example",
                "email_key": None if erased else email,
                "postal_key": postal,
                "merged_into": above,
                "erased_at": MOMENT if erased else None,
            }
            connection.execute(sa.insert(schema.contact).values(id=number, key_id=1, **values, **made))
        for key, owner in further.items():
            row = {"contact_id": owner + 101, "email": "x@kund.example", "email_key": key, "key_id": 1}
            connection.execute(
                sa.insert(schema.contact_address).values(**row, added_at=MOMENT, added_by="test")
            )


def read(register: Register) -> tuple[dict[int, Any], list[Any]]:
    with reading(register.engine) as connection:
        people = {row.id: row for row in connection.execute(sa.select(schema.contact))}
        return people, list(connection.execute(sa.select(schema.contact_address)))


def root_of(people: dict[int, Any], number: int) -> int:
    while people[number].merged_into is not None:
        number = people[number].merged_into
    return number


def plainly(register: Register, keys: Collection[bytes]) -> list[Member]:
    people, further = read(register)
    named = {number for number, row in people.items() if {row.email_key, row.postal_key} & set(keys)}
    named |= {row.contact_id for row in further if row.email_key in keys}
    wanted = {root_of(people, number) for number in named}
    found = [
        Member(number, root_of(people, number), row.key_id, row.email_key, row.postal_key)
        for number, row in people.items()
        if root_of(people, number) in wanted
    ]
    found += [
        Member(row.contact_id, root_of(people, row.contact_id), row.key_id, row.email_key, None)
        for row in further
        if root_of(people, row.contact_id) in wanted
    ]
    return found


def plain_owner(register: Register, column: str, key: bytes) -> int | None:
    """Of several the oldest; a contact's own address before a further one; the one that was kept."""
    people, further = read(register)
    alive = {number: row for number, row in people.items() if row.erased_at is None}
    owners = sorted(number for number, row in alive.items() if getattr(row, column) == key)
    if column == "email_key":
        owners += [row.contact_id for row in further if row.email_key == key and row.contact_id in alive]
    return root_of(people, owners[0]) if owners else None


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    people=st.lists(CONTACT, min_size=FEW, max_size=FEW),
    further=st.dictionaries(st.sampled_from([b"k0", b"k1", b"k4"]), st.integers(0, FEW - 1)),
    keys=st.lists(st.sampled_from([b"k0", b"k1", b"k2", b"k3", b"k4"]), min_size=1, unique=True),
)
def test_persons_are_found_as_the_tables_say(
    register: Register, people: list[Any], further: dict[bytes, int], keys: list[bytes]
) -> None:
    entered(register, people, further)
    with reading(register.engine) as connection:
        found = persons.of_keys(connection, keys)
        assert sorted(map(repr, found)) == sorted(map(repr, plainly(register, keys)))
        for column in ("email_key", "postal_key"):
            by_key = contacts.by_keys(connection, column, keys)
            owners = {key: row["id"] for key, row in by_key.items()}
            expected = {key: plain_owner(register, column, key) for key in keys}
            assert owners == {key: owner for key, owner in expected.items() if owner is not None}


def test_twenty_persons_cost_no_look_at_the_register(register: Register) -> None:
    made = {
        "created_at": MOMENT,
        "created_by": "test",
        "updated_at": MOMENT,
        "updated_by": "test",
        "key_id": 1,
    }
    people = [
        (
            1_000 + number,
            f"n{number}@kund.example",
            f"n{number}".encode(),
            999 + number if number % 10 == 9 else None,
        )
        for number in range(MANY)
    ]
    further = [(row[0], f"f{row[1]}", b"f" + row[2]) for row in people[:5_000]]
    with writing(register.engine) as connection:
        bulk.insert(schema.contact, connection, ("id", "email", "email_key", "merged_into"), people, made)
        names, shared = (
            ("contact_id", "email", "email_key"),
            {"key_id": 1, "added_at": MOMENT, "added_by": "test"},
        )
        bulk.insert(schema.contact_address, connection, names, further, shared)
        if register.engine.dialect.name == "postgresql":
            connection.exec_driver_sql("ANALYZE")
    for many in (1, 20):
        keys = [f"n{number * 900 + 8}".encode() for number in range(many)]
        with listening(register.engine) as heard, reading(register.engine) as connection:
            assert len(persons.of_keys(connection, keys)) >= many
        assert whole(register.engine, heard) == []


def whole(engine: sa.Engine, heard: dict[str, Any]) -> list[str]:
    """The lines of the plans that read all there is of people, by a table or by an index."""
    lines = []
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    with engine.connect() as connection:
        for statement, parameters in heard.items():
            lines += [str(row[-1]) for row in connection.exec_driver_sql(explain + statement, parameters)]
    below = [*lines[1:], ""]
    return [
        line
        for line, after in zip(lines, below, strict=True)
        if "contact" in line and (line.startswith("SCAN") or _is_whole(line, after))
    ]


def _is_whole(line: str, after: str) -> bool:
    return "Seq Scan" in line or ("Index" in line and " Scan " in line and "Index Cond" not in after)
