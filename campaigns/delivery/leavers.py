"""Somebody leaves: the account ends at once, and what it had under way waits for somebody else's word.

Promise: in one transaction the account is disabled, the campaigns that it submitted and that have not started are held
(`author_left`), and its recurring schedules are stopped; what runs already goes on, it was lawful when it began. When
`cut_off` returns, it binds like a "no". Fails as `campaigns.register.accounts.disable` does, and nothing has changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from campaigns.delivery import control
from campaigns.planning import recurrence
from campaigns.principal import Principal
from campaigns.register import accounts
from campaigns.register.permit import answering_a_no
from campaigns.store import schema


@dataclass(frozen=True)
class CutOff:
    """Whether the account was alive; which campaigns are held now, which schedules stopped."""

    fresh: bool
    held: tuple[int, ...]
    stopped: tuple[int, ...]


def cut_off(engine: sa.Engine, name: str, principal: Principal) -> CutOff:
    """Disable an account (`anna`, `service:shop`) and hold what it has under way.

    Raises:
        NotAllowed, NotFound: not by this principal, nobody of that name.
        Unreachable: the database is away or the outcome is unknown; say it again.
    """
    named = name if ":" in name else f"account:{name}"
    campaign, schedule = schema.campaign.c, schema.recurrence.c
    with answering_a_no(engine) as connection:
        fresh = accounts.disable(connection, named, principal)
        waiting = connection.execute(
            sa.select(campaign.id)
            .where(campaign.created_by == named, campaign.expanded_at.is_(None))
            .where(campaign.status.in_(("scheduled", "expanding")))
            .order_by(campaign.id)
        ).scalars()
        held = [
            number
            for number in waiting.all()
            if control.hold_in(connection, number, "author_left", principal)
        ]
        active = connection.execute(
            sa.select(schedule.id)
            .where(schedule.created_by == named, schedule.status == "active")
            .order_by(schedule.id)
        ).scalars()
        stopped = [number for number in active.all() if recurrence.stop_in(connection, number, principal)]
    return CutOff(fresh, tuple(held), tuple(stopped))
