"""The audit log is append-only, whoever writes: triggers in the database itself.

Promise: an entry is never changed but to receive its seal, once; the values beside it never but to be redacted; nothing
is deleted but what lies before a recorded cut; nothing is emptied with TRUNCATE. Whoever owns the tables can drop the
triggers: that is for the roles to prevent (deploy/postgres/roles.sql) and for the seals to show.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

#: Raised with every change of what is made here, so that `install` makes it anew.
_EDITION: Final = 1
_PREFIX: Final = "audit_guard_"
_REFUSAL: Final = "the audit log is append-only"

_FIXED: Final = ("id", "at", "principal", "tag", "subjects", "evidence", "old_hash", "new_hash")
_SAME: Final = "IS NOT DISTINCT FROM"
_SEALING: Final = (
    "OLD.seal IS NULL AND NEW.seal IS NOT NULL AND "
    + " AND ".join(f"NEW.{column} {_SAME} OLD.{column}" for column in _FIXED)
)  # fmt: skip
_REDACTING: Final = (
    "OLD.redacted_at IS NULL AND NEW.redacted_at IS NOT NULL AND NEW.old IS NULL AND NEW.new IS NULL AND "
    + " AND ".join(
        f"NEW.{column} {_SAME} OLD.{column}" for column in ("audit_id", "contact_id", "old_hash", "new_hash")
    )
)
_LAST_CUT: Final = "(SELECT max(position) FROM audit_cut)"
_ENTRY_IS_CUT: Final = f"coalesce(OLD.seal_position <= {_LAST_CUT}, FALSE)"
_ENTRY: Final = "(SELECT seal_position FROM audit WHERE audit.id = OLD.audit_id)"
_VALUE_IS_CUT: Final = f"coalesce({_ENTRY} <= {_LAST_CUT}, FALSE)"
#: table -> what may be done to it: by event, the condition under which it is lawful.
LAWFUL: Final = {
    "audit": {"UPDATE": _SEALING, "DELETE": _ENTRY_IS_CUT},
    "audit_value": {"UPDATE": _REDACTING, "DELETE": _VALUE_IS_CUT},
    "audit_cut": {"UPDATE": "FALSE", "DELETE": "FALSE"},
}


def install(connection: sa.Connection) -> None:
    """Make the triggers, unless they are there. A migration that rebuilds a table on SQLite loses those on it."""
    postgres = connection.dialect.name == "postgresql"
    triggers = _postgres_triggers() if postgres else _sqlite_triggers()
    there = {
        row.name: row.at
        for row in connection.execute(
            sa.text(_THERE_POSTGRES if postgres else _THERE_SQLITE), {"like": f"{_PREFIX}%"}
        )
    }
    if set(triggers) == set(there):
        return
    for name, table in there.items():
        connection.execute(sa.text(f"DROP TRIGGER {name}" + (f" ON {table}" if postgres else "")))
    if postgres:
        connection.execute(sa.text(_refusing_function()))
    for text in triggers.values():
        connection.execute(sa.text(text))


def _postgres_triggers() -> dict[str, str]:
    triggers = {}
    for table in LAWFUL:
        name = f"{_PREFIX}{_EDITION}_{table}"
        triggers[f"{name}_row"] = (
            f"CREATE TRIGGER {name}_row BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW "
            "EXECUTE FUNCTION audit_guard()"
        )
        triggers[f"{name}_all"] = (
            f"CREATE TRIGGER {name}_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT "
            "EXECUTE FUNCTION audit_guard()"
        )
    return triggers


def _refusing_function() -> str:
    cases = "\n".join(
        f"IF TG_TABLE_NAME = '{table}' AND TG_OP = '{event}' THEN IF {lawful} THEN RETURN "
        f"{'NEW' if event == 'UPDATE' else 'OLD'}; END IF; END IF;"
        for table, events in LAWFUL.items()
        for event, lawful in events.items()
    )
    return f"""
        CREATE OR REPLACE FUNCTION audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            {cases}
            RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'integrity_constraint_violation';
        END $$
    """


def _sqlite_triggers() -> dict[str, str]:
    triggers = {}
    for table, events in LAWFUL.items():
        for event, lawful in events.items():
            name = f"{_PREFIX}{_EDITION}_{table}_{event.lower()}"
            condition = lawful.replace(_SAME, "IS")
            triggers[name] = (
                f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN NOT ({condition}) "
                f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            )
    return triggers


_THERE_POSTGRES: Final = """
    SELECT tgname AS name, relname AS at FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE NOT tgisinternal AND tgname LIKE :like AND relnamespace = current_schema()::regnamespace
"""
_THERE_SQLITE: Final = (
    "SELECT name, tbl_name AS at FROM sqlite_schema WHERE type = 'trigger' AND name LIKE :like"
)
