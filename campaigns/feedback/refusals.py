"""Refusals heard while handing over, as news like any other: what a smarthost says to our face counts as what it
reports later.

Promise: each refused attempt is one event (source `smtp`), however often this is called, and has the consequences
of its class. Nothing of it is new to anybody but the register: the delivery is `rejected` already.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from campaigns.delivery.diagnosis import Said
from campaigns.delivery.ledger import BatchRef
from campaigns.feedback.apply import apply_reports
from campaigns.feedback.classify import classified
from campaigns.feedback.event import FeedbackEvent
from campaigns.principal import Principal
from campaigns.store import schema
from campaigns.store.engine import reading
from campaigns.tokens import TokenClaims

SOURCE: Final = "smtp"


def heed(engine: sa.Engine, ref: BatchRef, principal: Principal) -> int:
    """Apply the refusals of a batch that nothing was heard of yet; how many.

    Raises:
        Unreachable: the database is away; call it again.
    """
    with reading(engine) as connection:
        events = [_event(row) for row in _refused(connection, ref)]
    if events:
        apply_reports(engine, [(events, principal)])
    return len(events)


def _refused(connection: sa.Connection, ref: BatchRef) -> list[Any]:
    attempt, delivery, batch = schema.attempt.c, schema.delivery.c, schema.batch.c
    event = schema.feedback_event.c
    known = sa.exists().where(
        event.campaign_id == attempt.campaign_id, event.number == attempt.number, event.source == SOURCE
    )
    statement = (
        sa.select(
            attempt.campaign_id,
            attempt.number,
            attempt.attempt,
            attempt.code,
            attempt.enhanced,
            attempt.reply,
            attempt.stage,
        )
        .add_columns(delivery.list_id, delivery.contact_id, attempt.ended_at)
        .join_from(
            schema.batch,
            schema.attempt,
            sa.and_(
                attempt.campaign_id == batch.campaign_id,
                attempt.number.between(batch.first_number, batch.last_number),
            ),
        )
        .join(
            schema.delivery,
            sa.and_(delivery.campaign_id == attempt.campaign_id, delivery.number == attempt.number),
        )
        .where(
            batch.campaign_id == ref.campaign,
            batch.batch_no == ref.batch_no,
            attempt.outcome == "rejected",
            delivery.channel == "email",
            sa.not_(known),
        )
    )
    return list(connection.execute(statement))


def _event(row: Any) -> FeedbackEvent:
    # Providers are known by their codes as well as by their words; an attempt keeps the two apart.
    text = f"{row.enhanced or ''} {row.reply or ''}".strip()
    kind, _ = classified(Said(text, row.code, row.enhanced, row.stage))
    return FeedbackEvent(
        SOURCE,
        f"{row.campaign_id}.{row.number}.{row.attempt}",
        kind,
        TokenClaims(row.campaign_id, row.number, row.list_id, row.contact_id),
        row.enhanced,
        row.reply,
        row.ended_at,
    )
