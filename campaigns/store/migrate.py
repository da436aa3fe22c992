"""Bring a database to the present schema, and tell whether it is there.

Promise: `migrate` may be run by any number of processes at once and any number of times; the schema afterwards is the
sum of the migrations, the triggers of gate and audit log are there, and so are partitions for coming campaigns. A
database made by a newer Utskick is refused, not downgraded.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from campaigns.errors import RefusedOperation
from campaigns.store import audit_triggers, gate_triggers, partitions
from campaigns.store.engine import is_missing, reading, where, writing
from campaigns.store.ledger_tables import campaign

# Alembic is imported where migrations run: every command asks whether the schema is current, few change it.
if TYPE_CHECKING:
    from alembic.config import Config

_ADVISORY_LOCK = 0x75747363  # "utsc": any fixed number will do


def migrate(engine: sa.Engine) -> None:
    """Run all migrations that the database does not have yet.

    Raises:
        Unreachable: the database is away.
        RefusedOperation: the database belongs to a newer release.
    """
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        if not _is_current(connection):
            _upgrade(connection, where(engine))
        gate_triggers.install(connection)
        audit_triggers.install(connection)
        newest = connection.execute(sa.select(sa.func.coalesce(sa.func.max(campaign.c.id), 0))).scalar_one()
    partitions.make_ahead(engine, newest)


def schema_is_current(engine: sa.Engine) -> bool:
    """Whether the database has all migrations and no unknown one.

    Raises:
        Unreachable: the database is away.
    """
    if is_missing(engine):
        return False
    with reading(engine) as connection:
        return _is_current(connection)


def newest_revision() -> str:
    """The revision that all migrations together lead to: they are one line, numbered by their file names."""
    return max(path.name[:4] for path in (_scripts() / "versions").glob("[0-9]*.py"))


def _is_current(connection: sa.Connection) -> bool:
    if not sa.inspect(connection).has_table("alembic_version"):
        return False
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars().all()
    return found == [newest_revision()]


def _upgrade(connection: sa.Connection, place: str) -> None:
    from alembic import command
    from alembic.util import CommandError

    try:
        command.upgrade(_config(connection), "head")
    except CommandError as error:
        raise RefusedOperation(f"{place} was made by another release of Utskick: {error}") from None


def _config(connection: sa.Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_scripts()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _scripts() -> Path:
    return Path(__file__).parent / "migrations"
