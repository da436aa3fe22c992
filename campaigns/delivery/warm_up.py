"""Warm-up: how many messages a smarthost or a sender's domain may carry on each day while its volume grows.

Promise: the count of a day is kept in the register's database, so that a flushed queue does not start it anew; senders
take shares of it before they use them and give back what they did not use, so that a day's cap is never passed. A share
that a killed sender held is lost for that day. Fails with `Unreachable`: nothing was taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from campaigns.store import schema
from campaigns.store.engine import writing
from campaigns.store.upsert import insert_into


@dataclass(frozen=True)
class WarmUp:
    """A ramp: `first_day` messages on `starts`, `growth` times as many on each later day, until a day's cap would
    reach `ends_at`; from then on nothing is limited."""

    starts: date
    first_day: int
    growth: float
    ends_at: int

    def cap(self, day: date) -> int | None:
        """How many messages may go on a day: None without end, 0 before the start."""
        age = (day - self.starts).days
        if age < 0:
            return 0
        allowed = float(self.first_day)
        for _ in range(age):
            allowed *= self.growth
            if allowed >= self.ends_at:
                return None
        return int(allowed) if allowed < self.ends_at else None


def take(engine: sa.Engine, scope: str, day: date, cap: int, wanted: int) -> int:
    """Take up to `wanted` of what a scope ("smarthost:main", "domain:company.example") may still send on a day."""
    table = schema.warm_up_day
    this = (table.c.scope == scope, table.c.day == day.isoformat())
    with writing(engine) as connection:
        connection.execute(
            insert_into(table, connection)
            .values(scope=scope, day=day.isoformat(), taken=0)
            .on_conflict_do_nothing()
        )
        taken: int = connection.execute(sa.select(table.c.taken).where(*this).with_for_update()).scalar_one()
        share = max(0, min(wanted, cap - taken))
        if share:
            connection.execute(sa.update(table).where(*this).values(taken=table.c.taken + share))
    return share


def give_back(engine: sa.Engine, scope: str, day: date, unused: int) -> None:
    """Return what was taken and not used."""
    table = schema.warm_up_day
    this = (table.c.scope == scope, table.c.day == day.isoformat())
    with writing(engine) as connection:
        connection.execute(sa.update(table).where(*this).values(taken=table.c.taken - unused))
