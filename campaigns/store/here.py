"""The clock of the database, for what several machines have to agree on: leases.

Promise: `here(after)` is the present moment and so much later by the database's own clock, whoever asks; comparisons
and updates with it need no round trip of their own. On SQLite that is the clock of the one host.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from campaigns.store.columns import Instant

_NOW: Final = timedelta(0)


class _Here(FunctionElement[datetime]):
    inherit_cache = True
    name = "here"
    type = Instant()


def here(after: timedelta | sa.ColumnElement[float] = _NOW) -> sa.ColumnElement[datetime]:
    """SQL: the database's present moment, and so much after it (as SQL: in seconds). Two of them in one transaction may
    differ."""
    return _Here(sa.literal(after.total_seconds(), sa.Float) if isinstance(after, timedelta) else after)


@compiles(_Here)
def _postgresql(element: _Here, compiler: sa.sql.compiler.SQLCompiler, **options: Any) -> str:
    seconds = compiler.process(element.clauses, **options)
    return f"(clock_timestamp() + make_interval(secs => {seconds}))"


@compiles(_Here, "sqlite")
def _sqlite(element: _Here, compiler: sa.sql.compiler.SQLCompiler, **options: Any) -> str:
    # As instants are kept there: as text with six digits, of which SQLite knows three.
    seconds = compiler.process(element.clauses, **options)
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', {seconds} || ' seconds')"
