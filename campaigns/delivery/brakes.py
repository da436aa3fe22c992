"""The brakes of a campaign: it halts by itself when too many of its first recipients bounce, complain or are refused
for our own fault.

Promise: a halt binds like a "no", on every machine, and is audited; a person resumes it, and then the count
begins anew. Hard bounces are addresses refused for good at hand-over and, later, verified bounces; rates are
judged from the `after`th message handed over on. Refusals because our authentication is wrong (SPF, DKIM,
DMARC; 550 5.7.515 and the like) say nothing about addresses: a handful of them halts the campaign at once, also where
they are reported later.
Counts are kept per batch, so a killed worker may lose those of the batch in hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from campaigns.delivery import control
from campaigns.errors import NotFound, RefusedOperation
from campaigns.planning.status import HoldReason
from campaigns.principal import Principal
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from campaigns.store.upsert import insert_into

#: A rate is not judged by a single case, however few messages went out.
FEWEST_CASES: Final = 2


@dataclass(frozen=True)
class Brakes:
    """When a campaign halts: shares of what was handed over, judged after so many; refusals of our authentication."""

    after: int = 200
    hard_bounces: float = 0.02
    complaints: float = 0.003
    authentication: int = 5


@dataclass(frozen=True)
class Tally:
    """What became of the messages of a campaign that were handed over."""

    handed_over: int = 0
    hard_bounces: int = 0
    complaints: int = 0
    authentication: int = 0


def verdict(brakes: Brakes, tally: Tally) -> HoldReason | None:
    """Why to halt, or None. Pure."""
    if tally.authentication >= brakes.authentication:
        return "authentication"
    if tally.handed_over < brakes.after:
        return None
    if _passes(tally.hard_bounces, brakes.hard_bounces, tally.handed_over):
        return "hard_bounces"
    if _passes(tally.complaints, brakes.complaints, tally.handed_over):
        return "complaints"
    return None


def note(engine: sa.Engine, campaign_id: int, pass_tally: Tally) -> None:
    """Add what a pass over a batch came to.

    Raises:
        Unreachable: the database is away; the counts of this pass may be lost.
    """
    table = schema.campaign_brake
    with writing(engine) as connection:
        added = {
            "handed_over": pass_tally.handed_over,
            "hard_bounces": pass_tally.hard_bounces,
            "authentication": pass_tally.authentication,
        }
        statement = insert_into(table, connection).values(campaign_id=campaign_id, **added)
        sums = {name: table.c[name] + statement.excluded[name] for name in added}
        connection.execute(statement.on_conflict_do_update(index_elements=["campaign_id"], set_=sums))


def tally(engine: sa.Engine, campaign_id: int) -> Tally:
    """What there is to judge: everything since the campaign was last halted by its brakes."""
    with reading(engine) as connection:
        now, before = _counted(connection, campaign_id)
    return Tally(*(max(0, count - was) for count, was in zip(now, before, strict=True)))


def halt_if_needed(
    engine: sa.Engine, campaign_id: int, brakes: Brakes, principal: Principal
) -> HoldReason | None:
    """Halt a campaign whose counts ask for it; the reason, None where they do not.

    Raises:
        Unreachable: the database is away or the outcome is unknown; ask again.
    """
    reason = verdict(brakes, tally(engine, campaign_id))
    if reason is None:
        return None
    try:
        change = control.halt(engine, campaign_id, reason, principal)
    except (NotFound, RefusedOperation):
        return None  # it is over already
    if change.before == change.status:
        return None  # somebody else held it a moment ago
    _begin_anew(engine, campaign_id)
    return reason


def _passes(count: int, share: float, handed_over: int) -> bool:
    return count >= FEWEST_CASES and count > share * handed_over


def _counted(connection: sa.Connection, campaign_id: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """All counts of a campaign, and those at its last halt, in the order of `Tally`."""
    event, table = schema.feedback_event.c, schema.campaign_brake
    events = sa.select(
        sa.func.count().filter(event.kind == "hard").label("hard"),
        sa.func.count().filter(event.kind == "complaint").label("complaints"),
        # What was said to our face has been counted where it was heard.
        sa.func.count()
        .filter(event.consequence == "authentication", event.source != "smtp")
        .label("authentication"),
    ).where(event.campaign_id == campaign_id, event.verified.is_(True))
    news: Any = connection.execute(events).one()
    row: Any = connection.execute(sa.select(table).where(table.c.campaign_id == campaign_id)).one_or_none()
    if row is None:
        return (0, news.hard, news.complaints, news.authentication), (0, 0, 0, 0)
    refused = row.authentication + news.authentication
    now = (row.handed_over, row.hard_bounces + news.hard, news.complaints, refused)
    return now, (
        row.judged_handed_over,
        row.judged_hard_bounces,
        row.judged_complaints,
        row.judged_authentication,
    )


def _begin_anew(engine: sa.Engine, campaign_id: int) -> None:
    """After a halt a person decides; what they decided upon is not judged again."""
    table = schema.campaign_brake
    with writing(engine) as connection:
        now, _ = _counted(connection, campaign_id)
        connection.execute(
            sa.update(table)
            .where(table.c.campaign_id == campaign_id)
            .values(
                judged_handed_over=now[0],
                judged_hard_bounces=now[1],
                judged_complaints=now[2],
                judged_authentication=now[3],
            )
        )
