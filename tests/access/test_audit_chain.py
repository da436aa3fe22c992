"""Whoever meddles with the audit log is found out; who may not is kept off by the database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from campaigns.clock import utc_now
from campaigns.errors import RefusedOperation
from campaigns.keyfiles import make_keys, read_keys
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.register.audit_chain import Sealer, accept, cut, seal
from campaigns.register.audit_check import Findings, verify
from campaigns.register.audit_mark import SealFile, SealMark
from campaigns.store import audit_triggers, schema
from campaigns.store.engine import reading, writing
from tests.support.register import TESTER, Register

ANNA, EERO = 17, 18


@pytest.fixture
def sealer(register: Register) -> Sealer:
    return Sealer(register.engine, register.ring, SealFile(register.secrets_dir))


@pytest.fixture
def here(sqlite_register: Register) -> Sealer:
    """For what the kind of database has no part in."""
    return Sealer(sqlite_register.engine, sqlite_register.ring, SealFile(sqlite_register.secrets_dir))


def noted(sealer: Sealer, count: int = 1, **values: Any) -> list[int]:
    """Entries about Anna, each committed by itself."""
    made = []
    for number in range(count):
        with writing(sealer.engine) as connection:
            given = values or {"old": {"city": f"Vasa {number}"}, "new": {"city": "Åbo"}}
            entry = audit.Entry(
                TESTER, "contact:register:edit", [f"contact:{ANNA}"], f"letter {number}", **given
            )
            made.append(audit.write(connection, entry))
    return made


def sealed(sealer: Sealer, count: int = 5) -> list[int]:
    made = noted(sealer, count)
    seal(sealer)
    return made


@contextmanager
def unguarded(sealer: Sealer) -> Iterator[sa.Connection]:
    """A database administrator at work: the triggers are gone for a while."""
    with writing(sealer.engine) as connection:
        postgres = connection.dialect.name == "postgresql"
        named = audit_triggers._THERE_POSTGRES if postgres else audit_triggers._THERE_SQLITE
        for row in connection.execute(sa.text(named), {"like": "audit_guard_%"}).all():
            connection.execute(sa.text(f"DROP TRIGGER {row.name}" + (f" ON {row.at}" if postgres else "")))
        yield connection
        audit_triggers.install(connection)


def cut_off(connection: sa.Connection, entries: list[int]) -> None:
    """Delete entries as if they had never been."""
    for table, key in (
        (schema.audit_value, schema.audit_value.c.audit_id),
        (schema.audit, schema.audit.c.id),
    ):
        connection.execute(sa.delete(table).where(key.in_(entries)))


def problems(sealer: Sealer) -> dict[int | None, str]:
    found = verify(sealer)
    return {problem.entry: problem.problem for problem in found.problems}


def test_what_was_sealed_and_left_alone_holds(sealer: Sealer) -> None:
    made = sealed(sealer)
    noted(sealer, 2)
    assert verify(sealer) == Findings(entries=len(made) + 3, unsealed=2)
    assert seal(sealer) == 2
    assert seal(sealer) == 0
    assert verify(sealer).problems == []
    with reading(sealer.engine) as connection:
        places = connection.execute(sa.select(schema.audit.c.seal_position).order_by(schema.audit.c.id))
        assert places.scalars().all() == list(range(1, len(made) + 4))


COLUMNS: dict[str, Any] = {
    "at": utc_now() - timedelta(days=1),
    "principal": "os:somebody",
    "tag": "contact:register:erase",
    "subjects": ["contact:99"],
    "evidence": "another letter",
    "old_hash": b"0" * 32,
    "new_hash": None,
    "seal": b"\1" + b"0" * 32,
}


def test_any_altered_field_is_found_and_its_entry_named(sealer: Sealer) -> None:
    made = sealed(sealer, len(COLUMNS))
    for entry, (column, value) in zip(made, COLUMNS.items(), strict=True):
        with unguarded(sealer) as connection:
            table = schema.audit
            connection.execute(sa.update(table).where(table.c.id == entry).values({column: value}))
    assert set(made) <= set(problems(sealer))


VALUES: dict[str, dict[str, Any]] = {
    "another value": {"old": {"city": "Borgå"}},
    "no value": {"old": None},
    "another person": {"contact_id": EERO},
    "a hash that fits": {
        "old": {"city": "Borgå"},
        "old_hash": audit.value_hash(b"s", {"city": "Borgå"}),
        "salt": b"s",
    },
    "blanked by hand": {"old": None, "new": None, "salt": None, "redacted_at": utc_now()},
}


def test_altered_values_are_found(sealer: Sealer) -> None:
    made = sealed(sealer, len(VALUES))
    for entry, values in zip(made, VALUES.values(), strict=True):
        with unguarded(sealer) as connection:
            table = schema.audit_value
            connection.execute(sa.update(table).where(table.c.audit_id == entry).values(values))
    assert set(made) <= set(problems(sealer))


def test_a_removed_entry_is_found_wherever_it_stood(sealer: Sealer) -> None:
    made = sealed(sealer)
    for entry, place in ((made[2], "place 4 is empty"), (made[-1], "the log ends at 5")):
        with unguarded(sealer) as connection:
            for table in (schema.audit_value, schema.audit):
                key = table.c.audit_id if table is schema.audit_value else table.c.id
                connection.execute(sa.delete(table).where(key == entry))
        assert any(place in problem.problem for problem in verify(sealer).problems), place


def test_removed_values_are_found(sealer: Sealer) -> None:
    entry = sealed(sealer)[2]
    with unguarded(sealer) as connection:
        table = schema.audit_value
        connection.execute(sa.delete(table).where(table.c.audit_id == entry))
    assert entry in problems(sealer)


def test_entries_that_changed_places_are_found(sealer: Sealer) -> None:
    made = sealed(sealer)
    table = schema.audit
    with unguarded(sealer) as connection:
        first, second = connection.execute(
            sa.select(table.c.id, table.c.seal, table.c.seal_position).where(table.c.id.in_(made[1:3]))
        ).all()
        for row, other in ((first, None), (second, first), (first, second)):
            new = (
                {"seal": other.seal, "seal_position": other.seal_position}
                if other
                else {"seal": None, "seal_position": None}
            )
            connection.execute(sa.update(table).where(table.c.id == row.id).values(new))
    assert set(made[1:3]) <= set(problems(sealer))


def test_who_has_no_key_cannot_make_a_chain_that_holds(here: Sealer, tmp_path: Path) -> None:
    made = sealed(here)
    with unguarded(here) as connection:
        table = schema.audit
        connection.execute(sa.update(table).where(table.c.id == made[0]).values(principal="os:somebody"))
        connection.execute(sa.update(table).values(seal=None, seal_position=None))
    forger = Sealer(here.engine, make_keys(tmp_path / "forged"), SealFile(tmp_path))
    seal(forger)
    assert verify(forger).problems == []
    assert set(made) <= set(problems(here))


def test_a_seal_made_under_an_older_key_holds(here: Sealer, sqlite_register: Register) -> None:
    sealed(here)
    (sqlite_register.secrets_dir / "token-2.key").write_text("ab" * 32 + "\n")
    (sqlite_register.secrets_dir / "token-2.key").chmod(0o600)
    ring = read_keys(sqlite_register.secrets_dir)
    assert ring is not None
    newer = Sealer(here.engine, ring, here.file)
    sealed(newer)
    assert verify(newer).problems == []


def test_a_log_that_lost_its_end_is_not_sealed_over(here: Sealer) -> None:
    made = sealed(here)
    with unguarded(here) as connection:
        cut_off(connection, made[3:])
    noted(here)
    with pytest.raises(RefusedOperation, match="the log ends at 4, and this machine saw it sealed up to 6"):
        seal(here)
    told = accept(here, "backup of 2026-11-24", TESTER)
    assert "up to 6" in told
    assert seal(here) == 2
    assert verify(here).problems == []
    with pytest.raises(RefusedOperation, match="nothing to accept"):
        accept(here, "again", TESTER)


REFUSED: dict[str, Callable[[int], sa.Executable]] = {
    "another evidence": lambda entry: (
        sa.update(schema.audit).where(schema.audit.c.id == entry).values(evidence="x")
    ),
    "another seal": lambda entry: sa.update(schema.audit).where(schema.audit.c.id == entry).values(seal=b"x"),
    "no seal": lambda entry: (
        sa.update(schema.audit).where(schema.audit.c.id == entry).values(seal=None, seal_position=None)
    ),
    "a deleted entry": lambda entry: sa.delete(schema.audit).where(schema.audit.c.id == entry),
    "a changed value": lambda entry: (
        sa.update(schema.audit_value)
        .where(schema.audit_value.c.audit_id == entry)
        .values(old={"city": "Borgå"})
    ),
    "a redaction that leaves the hash out": lambda entry: (
        sa.update(schema.audit_value)
        .where(schema.audit_value.c.audit_id == entry)
        .values(old=None, new=None, salt=None, redacted_at=utc_now(), old_hash=None)
    ),
    "a deleted value": lambda entry: sa.delete(schema.audit_value).where(
        schema.audit_value.c.audit_id == entry
    ),
}


def test_the_database_refuses_any_other_change(sealer: Sealer) -> None:
    entry = sealed(sealer, 1)[0]
    cases = dict(REFUSED)
    if sealer.engine.dialect.name == "postgresql":
        cases["emptied"] = lambda _: sa.text("TRUNCATE audit_value")
    for name, change in cases.items():
        with pytest.raises(IntegrityError, match="append-only"), writing(sealer.engine) as connection:
            connection.execute(change(entry))
        assert problems(sealer) == {}, name


def test_redaction_blanks_one_person_and_leaves_the_chain_valid(sealer: Sealer) -> None:
    people = {f"contact:{ANNA}": {"city": "Vasa"}, f"contact:{EERO}": {"city": "Esbo"}}
    alone = noted(sealer)[0]
    together = noted(sealer, old=people, new=people)[0]
    seal(sealer)
    with writing(sealer.engine) as connection:
        assert audit.redact(connection, ANNA, "case 3", TESTER) == 2
        assert audit.redact(connection, ANNA, "case 3", TESTER) == 0
    seal(sealer)
    assert verify(sealer).problems == []
    with reading(sealer.engine) as connection:
        values = schema.audit_value
        rows = connection.execute(sa.select(values).where(values.c.old_hash.is_not(None))).all()
    left = {(row.audit_id, row.contact_id): (row.old, row.salt is None) for row in rows}
    assert left == {
        (alone, ANNA): (None, True),
        (together, ANNA): (None, True),
        (together, EERO): ({"city": "Esbo"}, False),
    }


def blanked(sealer: Sealer, entry: int, **values: Any) -> None:
    """Somebody with the database alone makes values look redacted."""
    table = schema.audit_value
    gone = {"old": None, "new": None, "salt": None, "redacted_at": utc_now(), **values}
    with unguarded(sealer) as connection:
        connection.execute(sa.update(table).where(table.c.audit_id == entry).values(gone))


def test_one_redaction_is_no_leave_for_what_was_written_later(sealer: Sealer) -> None:
    noted(sealer)
    with writing(sealer.engine) as connection:
        audit.redact(connection, ANNA, "case 3", TESTER)
    later = noted(sealer)[0]
    seal(sealer)
    assert problems(sealer) == {}
    blanked(sealer, later)
    assert "no sealed entry after it says so" in problems(sealer)[later]


def test_a_redacted_row_holds_nothing(sealer: Sealer) -> None:
    entry = noted(sealer)[0]
    with writing(sealer.engine) as connection:
        audit.redact(connection, ANNA, "case 3", TESTER)
    seal(sealer)
    blanked(sealer, entry, new={"city": "Borgå"})
    assert set(problems(sealer)) == {entry}


def test_a_retention_entry_tells_of_nothing_younger_than_itself(sealer: Sealer) -> None:
    entry = sealed(sealer, 1)[0]
    blanked(sealer, entry)
    told = {"principal": "os:root", "tag": audit.RETENTION, "evidence": "retention"}
    with writing(sealer.engine) as connection:
        subjects = ["before:2099-01-01T00:00:00+00:00"]
        connection.execute(sa.insert(schema.audit).values(at=utc_now(), subjects=subjects, **told))
    seal(sealer)
    assert "no sealed entry after it says so" in problems(sealer)[entry]


def test_another_name_of_the_register_hides_no_lost_end(here: Sealer) -> None:
    made = sealed(here)
    with unguarded(here) as connection:
        cut_off(connection, made[3:])
        connection.execute(sa.update(schema.gate).values(incarnation="another"))
    assert "the log ends at 4" in verify(here).problems[0].problem
    noted(here)
    with pytest.raises(RefusedOperation, match="this machine saw it sealed up to 6"):
        seal(here)


def test_a_file_of_another_register_is_named(here: Sealer) -> None:
    sealed(here)
    here.file.note("another", SealMark(1, b"x"))
    assert "audit-another.seal" in verify(here).problems[0].problem


def test_a_cut_at_the_beginning_holds_and_a_forged_one_does_not(sealer: Sealer) -> None:
    sealed(sealer, 3)
    moment = utc_now()
    kept = sealed(sealer, 2)
    assert cut(sealer, moment, TESTER) == 4
    seal(sealer)
    assert verify(sealer).problems == []
    with writing(sealer.engine) as connection:
        cut_of = sa.select(schema.audit.c.seal).where(schema.audit.c.id == kept[0])
        connection.execute(
            sa.insert(schema.audit_cut).values(
                position=5,
                seal=connection.execute(cut_of).scalar_one(),
                at=utc_now(),
                cut_by="os:x",
                proof=b"\1" * 33,
            )
        )
    assert "without the register's key" in verify(sealer).problems[0].problem


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8),
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8) | st.tuples(st.integers(0, 9)),
        max_size=4,
    )
)  # fmt: skip
def test_whatever_the_values_are_their_hash_fits_what_is_read_back(
    sealer: Sealer, values: dict[str, Any]
) -> None:
    noted(sealer, old=values, new={**values, "list": [1.5, {"x": (2, 1e22)}]})
    assert problems(sealer) == {}


def test_the_file_of_the_last_seal_is_the_owners_alone(here: Sealer) -> None:
    sealed(here)
    register = here.name
    (path,) = here.file._folder.glob("audit-*.seal")
    assert path.stat().st_mode & 0o777 == 0o600
    assert here.file.seen(register).position == 6
    assert SealFile(path.parent / "elsewhere").seen(register) == SealMark(0, b"")


def test_a_principal_is_named_in_what_it_reads(register: Register) -> None:
    with writing(register.engine) as connection:
        audit.read(connection, "register", [f"contact:{ANNA}"], Principal("os:kim"))
        row = connection.execute(sa.select(schema.audit).order_by(schema.audit.c.id.desc())).first()
    assert row is not None
    assert (row.principal, row.tag, row.subjects) == ("os:kim", "contact:register:read", [f"contact:{ANNA}"])
