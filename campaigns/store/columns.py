"""The column types and shorthands that all tables share.

Promise: an instant is timezone-aware UTC on the way in and on the way out, on SQLite as on PostgreSQL; a naive one is
refused. A column with personal data says so in its `info`: see `campaigns.store.data_map`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator

from campaigns.store.data_map import Category, personal_info

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
#: Where nothing is there, nothing is stored: NULL, not JSON's null.
JsonOrNull = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


class Instant(TypeDecorator[datetime]):
    """A moment in UTC; `timestamptz` on PostgreSQL, ISO text on SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002 (SQLAlchemy's signature)
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant without a time zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002 (SQLAlchemy's signature)
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def one_of(column: str, words: Iterable[str]) -> sa.CheckConstraint:
    """A check that a text column holds one of the words."""
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"{column}_is_known")


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> sa.Index:
    """An index of the rows for which a condition holds, the same on both databases."""
    condition = sa.text(where)
    return sa.Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def required(name: str, kind: Any, *rest: Any, **more: Any) -> sa.Column[Any]:
    """A column that is never null."""
    return sa.Column(name, kind, *rest, nullable=False, **more)


def personal(
    name: str,
    kind: Any = sa.Text,
    *,
    about: Category | None = None,
    given: bool = False,
    nullable: bool = True,
) -> sa.Column[Any]:
    """A column with personal data: of which category (else its record's), and whether people give it themselves."""
    return sa.Column(name, kind, nullable=nullable, info=personal_info(about, given=given))
