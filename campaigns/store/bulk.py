"""Many rows at once: COPY on PostgreSQL, one prepared statement on SQLite.

Promise: `insert` writes all rows within the caller's transaction or fails as a whole, and needs no memory beyond the
rows it is given; values are bound as the columns' types say; lists for JSON come as
tuples. `new_ids` reserves ids that nobody else is given. Fails
as any statement of the engine fails: what cannot be reached is told by `engine.writing` around it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

Row = Sequence[Any]
_Binder = Callable[[Any], Any]

#: SQLite takes 32,766 parameters in one statement.
_SQLITE_KEYS: Final = 20_000


def insert(
    table: sa.Table,
    connection: sa.Connection,
    names: Sequence[str],
    rows: Iterable[Row],
    shared: Mapping[str, Any] | None = None,
) -> None:
    """Insert rows, given as their values in the order of `names`; `shared` are columns that are the same in all."""
    shared = shared or {}
    dialect = connection.dialect
    binders = [_binder(table.c[name], dialect) for name in names]
    if dialect.name == "postgresql":
        same = tuple(_copied(table.c[name], value, dialect) for name, value in shared.items())
        _copy(connection, table.name, [*names, *shared], _bound(rows, binders, same))
        return
    listed = list(_bound(rows, binders, ()))
    if listed:
        values = ["?"] * len(names) + [
            _written(table.c[name], value, dialect) for name, value in shared.items()
        ]
        statement = f"INSERT INTO {table.name} ({', '.join([*names, *shared])}) VALUES ({', '.join(values)})"  # noqa: S608 (our own schema's names)
        connection.exec_driver_sql(statement, listed)


def _copied(column: sa.Column[Any], value: Any, dialect: sa.Dialect) -> Any:
    """A value as it goes into each line of a COPY: a moment as text, which the driver would make of it each time."""
    bind = _binder(column, dialect)
    bound = bind(value) if bind else value
    return bound.isoformat() if isinstance(bound, datetime) else bound


def _written(column: sa.Column[Any], value: Any, dialect: sa.Dialect) -> str:
    """A value as it stands in a statement: bound once instead of in every row."""
    if value is None:
        return "NULL"
    literal = sa.literal(value, column.type)
    return str(literal.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def new_ids(connection: sa.Connection, table: sa.Table, count: int) -> range | list[int]:
    """So many fresh values for the table's `id`, ascending. Within a writing transaction only."""
    if connection.dialect.name == "postgresql":
        sequence = sa.func.pg_get_serial_sequence(table.name, "id")
        numbers = sa.func.generate_series(1, count).table_valued("number")
        return sorted(connection.execute(sa.select(sa.func.nextval(sequence)).select_from(numbers)).scalars())
    highest: int = connection.execute(sa.select(sa.func.coalesce(sa.func.max(table.c.id), 0))).scalar_one()
    return range(highest + 1, highest + 1 + count)


def matching(
    connection: sa.Connection, statement: sa.Select[Any], column: sa.Column[Any], values: Collection[Any]
) -> Iterator[Any]:
    """The rows of a statement whose column has one of many values, as the driver gives them: one array on PostgreSQL,
    pieces on SQLite. The statement selects numbers, texts and octets only."""
    listed = list(values)
    if not listed:
        return
    if connection.dialect.name == "postgresql":
        array = sa.text(f"{column} = ANY(CAST(:wanted AS {_ARRAYS[type(listed[0])]}))")
        yield from connection.execute(statement.where(array), {"wanted": _literal(listed)})
        return
    for start in range(0, len(listed), _SQLITE_KEYS):
        some = tuple(listed[start : start + _SQLITE_KEYS])
        marks = sa.text(f"{column} IN ({', '.join('?' * len(some))})")
        whole = statement.where(marks).compile(
            dialect=connection.dialect, compile_kwargs={"literal_binds": True}
        )
        yield from connection.exec_driver_sql(str(whole), some)


def any_of(
    first: sa.Column[int], second: sa.Column[int], pairs: Iterable[tuple[int, int]]
) -> sa.ColumnElement[bool]:
    """Whether two columns are one of some pairs, of which both databases look each up in an index of the two. SQLite
    3.40 reads the whole table when it is asked for a list of pairs."""
    seconds: dict[int, list[int]] = {}
    for one, other in pairs:
        seconds.setdefault(one, []).append(other)
    places = (sa.and_(first == one, second.in_(others)) for one, others in seconds.items())
    return sa.or_(sa.false(), *places)


_ARRAYS: Final = {bytes: "bytea[]", int: "bigint[]", str: "text[]"}


def _literal(values: Sequence[Any]) -> str:
    """The array as PostgreSQL writes it; a driver's own way costs more than looking the values up."""
    if isinstance(values[0], bytes):
        return "{" + ",".join([f'"\\\\x{value.hex()}"' for value in values]) + "}"
    if isinstance(values[0], str):
        quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
        return "{" + ",".join([f'"{value}"' for value in quoted]) + "}"
    return "{" + ",".join([str(int(value)) for value in values]) + "}"


def _binder(column: sa.Column[Any], dialect: sa.Dialect) -> _Binder | None:
    if isinstance(column.type, sa.LargeBinary):
        return None  # both drivers take octets as they are; the driver's wrapper costs more than the rest of the row
    bind = column.type.dialect_impl(dialect).bind_processor(dialect)
    if bind is not None and isinstance(column.type, sa.JSON):
        return lru_cache(256)(bind)  # the same few lists come in row after row
    return bind


def _bound(rows: Iterable[Row], binders: Sequence[_Binder | None], same: tuple[Any, ...]) -> Iterator[Row]:
    places = [(place, bind) for place, bind in enumerate(binders) if bind is not None]
    for row in rows:
        bound = list(row)
        for place, bind in places:
            bound[place] = bind(bound[place])
        yield (*bound, *same)


def _copy(connection: sa.Connection, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    quote = connection.dialect.identifier_preparer.quote
    statement = f"COPY {quote(table)} ({', '.join(map(quote, columns))}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    lost: Any = connection.dialect.loaded_dbapi.OperationalError
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except lost as error:  # the driver's own error, which SQLAlchemy has not seen
        raise OperationalError(statement, None, error) from error
