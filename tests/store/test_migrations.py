"""The schema is the sum of the migrations, on both databases, however often and by how many they are run."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from campaigns.errors import RefusedOperation
from campaigns.store import schema
from campaigns.store.engine import make_engine, reading, writing
from campaigns.store.migrate import migrate, schema_is_current
from tests.support.postgres import fresh_database


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[sa.Engine]:
    made = make_engine(empty_database_url)
    yield made
    made.dispose()


@pytest.fixture
def declared(engine: sa.Engine, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """Another database of the same kind, made from the declared tables without any migration."""
    if engine.dialect.name == "sqlite":
        made = make_engine(f"sqlite:///{tmp_path / 'declared.db'}")
        schema.metadata.create_all(made)
        yield made
        made.dispose()
        return
    with fresh_database(request.getfixturevalue("postgres_server")) as url:
        made = make_engine(url)
        schema.metadata.create_all(made)
        yield made
        made.dispose()


def test_the_migrations_add_up_to_the_declared_tables(engine: sa.Engine, declared: sa.Engine) -> None:
    migrate(engine)
    migrated, wanted = described(engine), described(declared)
    migrated.pop("alembic_version")
    assert migrated.keys() == wanted.keys()
    for table in wanted:
        assert migrated[table] == wanted[table], table


def test_alembic_finds_nothing_to_add(engine: sa.Engine) -> None:
    migrate(engine)
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []


def test_migrating_again_changes_nothing(engine: sa.Engine) -> None:
    assert not schema_is_current(engine)
    migrate(engine)
    before = described(engine)
    migrate(engine)
    assert described(engine) == before
    assert schema_is_current(engine)


def test_many_may_migrate_at_the_same_moment(empty_database_url: str) -> None:
    engines = [make_engine(empty_database_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(migrate, engines)) == [None] * 4
    assert schema_is_current(engines[0])
    for engine in engines:
        engine.dispose()


def test_a_database_of_a_newer_release_is_refused_and_left_alone(engine: sa.Engine) -> None:
    migrate(engine)
    with writing(engine) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'tomorrow'"))
    assert not schema_is_current(engine)
    with pytest.raises(RefusedOperation, match="another release"):
        migrate(engine)
    with reading(engine) as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == "tomorrow"


def test_every_key_of_the_ledger_begins_with_the_campaign() -> None:
    ledger = (schema.batch, schema.delivery, schema.attempt, schema.print_file, schema.print_item)
    for table in ledger:
        assert next(iter(table.primary_key.columns)).name == "campaign_id"
        for constraint in table.constraints:
            if isinstance(constraint, sa.UniqueConstraint) and constraint.name != "uq_delivery_contact":
                assert next(iter(constraint.columns)).name == "campaign_id"
    person = next(item for item in schema.delivery.constraints if item.name == "uq_delivery_contact")
    assert isinstance(person, sa.UniqueConstraint)  # it serves those who ask by the contact as well
    assert [column.name for column in person.columns] == ["contact_id", "campaign_id", "channel"]


def described(engine: sa.Engine) -> dict[str, Any]:
    """Everything that the database says of its tables."""
    inspector = sa.inspect(engine)
    return {table: _described(inspector, table) for table in inspector.get_table_names()}


def _described(inspector: sa.Inspector, table: str) -> dict[str, Any]:
    columns = {
        column["name"]: (str(column["type"]), column["nullable"], _plain(column["default"]))
        for column in inspector.get_columns(table)
    }
    checks = {check["name"]: _plain(check["sqltext"]) for check in inspector.get_check_constraints(table)}
    return {
        "columns": columns,
        "primary key": inspector.get_pk_constraint(table),
        "foreign keys": _by_name(inspector.get_foreign_keys(table)),
        "unique": _by_name(inspector.get_unique_constraints(table)),
        "indexes": _by_name(inspector.get_indexes(table)),
        "checks": checks,
    }


def _by_name(items: Any) -> dict[str, str | None]:
    return {item["name"]: _plain(repr(sorted(item.items()))) for item in items}


def _plain(text: str | None) -> str | None:
    return None if text is None else re.sub(r"0x[0-9a-f]+|[\s'\"]+", " ", text).strip()
