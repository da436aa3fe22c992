"""Whoever changes what the gate looks at raises the epoch, also by hand: triggers in the database itself.

Promise: a transaction that changes one of `WATCHED` raises the epoch in itself, whatever program it comes from.
On PostgreSQL one trigger per statement notes that in `gate_raise`, and the epoch is raised once, at COMMIT: the gate's
row is locked only then, so that a long transaction keeps no "no" waiting. SQLite has one writer and triggers per row
only; there the epoch rises with every row. What can only widen (a new contact, a new subscription) is not watched, so
that an import of a million people costs nothing. Why it is so:
docs/decisions ("The database itself raises the epoch").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa


@dataclass(frozen=True)
class Watch:
    """What is watched of a table: changes of these columns, deletion, and new rows where they can forbid something."""

    columns: tuple[str, ...]
    new_rows: bool = False


WATCHED: Final = {
    "suppression": Watch(
        ("kind", "subject_key", "list_id", "purpose", "channel", "until", "lifted_at"), new_rows=True
    ),
    "subscription": Watch(("list_id", "contact_id", "status")),
    "contact_basis": Watch(("contact_id", "purpose", "ended_at")),
    "contact": Watch(
        (
            "id",
            "email",
            "email_key",
            "domain_key",
            "postal_key",
            "street",
            "postal_code",
            "city",
            "erased_at",
        )
    ),
    "position": Watch(("contact_id", "company_id", "ended_at"), new_rows=True),
    "company": Watch(("id", "company_key")),
    "campaign": Watch(("id", "purpose", "status")),
}
#: Raised with every change of what is made here, so that `install` makes it anew.
_EDITION: Final = 3
_PREFIX: Final = "gate_raise_"
_RAISE_AT_ONCE: Final = "BEGIN UPDATE gate SET epoch = epoch + 1; END"


def install(connection: sa.Connection) -> None:
    """Make the triggers, unless they are there. A migration that rebuilds a table on SQLite loses those on it."""
    postgres = connection.dialect.name == "postgresql"
    triggers = _postgres_triggers() if postgres else _sqlite_triggers()
    there = _there(connection, postgres)
    if set(triggers) == set(there):
        return
    for name, table in there.items():
        connection.execute(sa.text(f"DROP TRIGGER {name}" + (f" ON {table}" if postgres else "")))
    if postgres:
        for function in _FUNCTIONS:
            connection.execute(sa.text(function))
    for text in triggers.values():
        connection.execute(sa.text(text))


def _there(connection: sa.Connection, postgres: bool) -> dict[str, str]:
    """The triggers of this kind, with their tables."""
    found = connection.execute(
        sa.text(_THERE_POSTGRES if postgres else _THERE_SQLITE), {"like": f"{_PREFIX}%"}
    )
    return {row.name: row.at for row in found}


def _postgres_triggers() -> dict[str, str]:
    triggers = {}
    for table, watch in WATCHED.items():
        events = [f"UPDATE OF {', '.join(watch.columns)}", "DELETE", *(["INSERT"] if watch.new_rows else [])]
        for number, event in enumerate((" OR ".join(events), "TRUNCATE")):
            name = f"{_PREFIX}{_EDITION}_{table}_{number}"
            triggers[name] = (
                f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH STATEMENT "
                "EXECUTE FUNCTION gate_touched()"
            )
    name = f"{_PREFIX}{_EDITION}_at_commit"
    triggers[name] = (
        f"CREATE CONSTRAINT TRIGGER {name} AFTER INSERT ON gate_raise DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION gate_raised()"
    )
    return triggers


def _sqlite_triggers() -> dict[str, str]:
    triggers = {}
    for table, watch in WATCHED.items():
        events = [f"UPDATE OF {', '.join(watch.columns)}", "DELETE", *(["INSERT"] if watch.new_rows else [])]
        for number, event in enumerate(events):
            name = f"{_PREFIX}{_EDITION}_{table}_{number}"
            triggers[name] = f"CREATE TRIGGER {name} AFTER {event} ON {table} {_RAISE_AT_ONCE}"
    return triggers


# The functions run with their owner's rights, so that whoever may change a watched table needs none on the gate; every
# name in them is therefore qualified.
_FUNCTIONS: Final = (
    """
    CREATE OR REPLACE FUNCTION gate_touched() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    DECLARE
        present text := pg_current_xact_id()::text;
    BEGIN
        IF current_setting('utskick.gate_touched', true) IS DISTINCT FROM present THEN
            EXECUTE format('INSERT INTO %I.gate_raise DEFAULT VALUES', TG_TABLE_SCHEMA);
            PERFORM set_config('utskick.gate_touched', present, true);
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE OR REPLACE FUNCTION gate_raised() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    BEGIN
        EXECUTE format('UPDATE %I.gate SET epoch = epoch + 1', TG_TABLE_SCHEMA);
        EXECUTE format('DELETE FROM %I.gate_raise WHERE id = $1', TG_TABLE_SCHEMA) USING NEW.id;
        RETURN NULL;
    END $$
    """,
)
_THERE_POSTGRES: Final = """
    SELECT tgname AS name, relname AS at FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE NOT tgisinternal AND tgname LIKE :like AND relnamespace = current_schema()::regnamespace
"""
_THERE_SQLITE: Final = (
    "SELECT name, tbl_name AS at FROM sqlite_schema WHERE type = 'trigger' AND name LIKE :like"
)
