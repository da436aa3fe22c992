"""What a database keeps of rows that are gone, in space that it has not used again.

Promise: on SQLite every connection overwrites what it frees (`secure_delete`, `campaigns.store.engine`), and `clear`
empties the write-ahead log, which would keep older pages; it says whether that could be done: a reader that is still
at work keeps it from being emptied, and the next call or checkpoint will. PostgreSQL shows freed rows to nobody, and
its autovacuum overwrites them.
"""

from __future__ import annotations

import time
from typing import Final

import sqlalchemy as sa

_TRIES: Final = 20
_PAUSE: Final = 0.05


def clear(engine: sa.Engine) -> bool:
    """Leave nothing of what was just deleted in the write-ahead log; whether nothing is left.

    Raises:
        Unreachable: the database is away.
    """
    if engine.dialect.name != "sqlite":
        return True
    for _ in range(_TRIES):
        if _emptied(engine):
            return True
        time.sleep(_PAUSE)
    return False


def _emptied(engine: sa.Engine) -> bool:
    driver = engine.raw_connection()
    try:
        busy, *_ = driver.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        driver.close()
    return not busy
