"""The ledger's partitions on PostgreSQL: ranges of campaigns, so that a year of sends can be dropped in a moment.

Promise: the rows of a campaign have a partition before the campaign is expanded. Partitions are made as tables of their
own and then attached, which keeps no sender waiting. They live in a schema of their own, `utskick_ledger`. On SQLite
there are none, and nothing here does anything. Fails with `RefusedOperation` where a partition is missing and the
database role may not make it: the role that owns the schema makes them ahead with `utskick init`.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

from campaigns.errors import RefusedOperation
from campaigns.store.engine import reading, writing
from campaigns.store.ledger_tables import campaign

#: How many campaigns share a partition.
CAMPAIGNS: Final = 100
#: Partitions are made this many campaigns ahead.
AHEAD: Final = 150
PARTITIONED: Final = ("delivery", "attempt")
#: How full a partition's pages are made, in per cent. A delivery is changed twice, when it is claimed and when it is
#: settled: with room on its own page for one more version, neither change touches an index.
FILL: Final = {"delivery": 45, "attempt": 100}
SCHEMA: Final = "utskick_ledger"
_OWNS: Final = "pg_has_role((SELECT relowner FROM pg_class WHERE oid = to_regclass('delivery')), 'USAGE')"
_ADVISORY_LOCK: Final = 0x7574706D  # "utpm": any fixed number will do


def make_ahead(engine: sa.Engine, campaign_id: int) -> int:
    """Make what is missing of the partitions for this campaign and those to come; returns how many were made.

    Raises:
        RefusedOperation: some are missing and this role may not make them.
        Unreachable: the database is away.
    """
    if engine.dialect.name != "postgresql":
        return 0
    starts = range(start_of(campaign_id), campaign_id + AHEAD, CAMPAIGNS)
    with reading(engine) as connection:
        missing = [start for start in starts if not _exists(connection, start)]
    if not missing:
        return 0
    try:
        with writing(engine) as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
            connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            return sum(_make(connection, start) for start in missing)
    except ProgrammingError:
        if start_of(campaign_id) not in missing:
            return 0  # this campaign has its own; `utskick check` tells of those to come
        problem = "the ledger has no partition for coming campaigns, and this role may not make one"
        raise RefusedOperation(f"{problem}; run `utskick init` as the owner of the database") from None


def missing_ahead(engine: sa.Engine, campaigns: int) -> bool:
    """Whether one of so many coming campaigns has no partition, and this role may not make one.

    Raises:
        Unreachable: the database is away.
    """
    if engine.dialect.name != "postgresql":
        return False
    may = sa.select(sa.func.has_schema_privilege(SCHEMA, "CREATE"), sa.text(_OWNS))
    newest = sa.select(sa.func.coalesce(sa.func.max(campaign.c.id), 0))
    with reading(engine) as connection:
        if all(connection.execute(may).one()):
            return False
        number: int = connection.execute(newest).scalar_one()
        return not all(_exists(connection, start_of(place)) for place in (number + 1, number + campaigns))


def drop(connection: sa.Connection, start: int) -> bool:
    """Drop the partitions of the campaigns from `start` on, within the caller's transaction; False where there are
    none (on SQLite there never are).

    Raises:
        RefusedOperation: this role may not drop them.
    """
    if connection.dialect.name != "postgresql" or not _exists(connection, start):
        return False
    try:
        for table in PARTITIONED:
            connection.execute(sa.text(f"DROP TABLE {partition(table, start)}"))
    except ProgrammingError:
        problem = "this role may not drop partitions of the ledger"
        raise RefusedOperation(
            f"{problem}; run `utskick retention sweep` as the owner of the database"
        ) from None
    return True


def start_of(campaign_id: int) -> int:
    """The first campaign of the partition that holds this one."""
    return campaign_id // CAMPAIGNS * CAMPAIGNS


def partition(table: str, campaign_id: int) -> str:
    """The full name of the partition that holds a campaign's rows of a table."""
    return f"{SCHEMA}.{table}_{start_of(campaign_id):09d}"


def _exists(connection: sa.Connection, start: int) -> bool:
    names = [sa.func.to_regclass(partition(table, start)).is_not(None) for table in PARTITIONED]
    return bool(connection.execute(sa.select(sa.and_(*names))).scalar_one())


def _make(connection: sa.Connection, start: int) -> bool:
    if _exists(connection, start):
        return False
    for table in PARTITIONED:
        name, values = partition(table, start), f"FROM ({start}) TO ({start + CAMPAIGNS})"
        with_room = f"WITH (fillfactor = {FILL[table]})"
        connection.execute(sa.text(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL) {with_room}"))
        # The statistics of yesterday know nothing of today's campaign: the planner would take it for a single row, and
        # read the whole of it time and again. Without any it assumes a two-hundredth of the rows, which is near enough.
        connection.execute(sa.text(f"ALTER TABLE {name} ALTER campaign_id SET STATISTICS 0"))
        connection.execute(sa.text(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES {values}"))
    return True
