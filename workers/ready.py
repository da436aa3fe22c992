"""Whether the register can be worked with, and if not, why: what `/readyz` says."""

from __future__ import annotations

import sqlalchemy as sa

from campaigns.errors import Unreachable
from campaigns.store import schema
from campaigns.store.engine import reading, where


def database_problems(engine: sa.Engine) -> list[str]:
    """Why the register cannot be worked with; empty where it can. Never repeats what the driver says."""
    try:
        with reading(engine) as connection:
            found = connection.execute(sa.select(schema.gate.c.epoch)).one_or_none()
    except Unreachable:
        return [f"the database does not answer: {where(engine)}"]
    except sa.exc.SQLAlchemyError:
        return [f"the database is not a register of this release: {where(engine)}; run `utskick init`"]
    return [] if found is not None else ["the register has no gate; run `utskick init`"]
