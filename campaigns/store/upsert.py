"""Inserts that say what becomes of a row that is there already: both databases know them, SQLAlchemy by two names."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(table: sa.Table, bind: sa.Connection | sa.Engine) -> postgresql.Insert | sqlite.Insert:
    """An insert that has `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return postgresql.insert(table) if bind.dialect.name == "postgresql" else sqlite.insert(table)
