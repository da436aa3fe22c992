"""Failures in a row are counted; a success ends the count and lifts what it led to.

Promise: whether the suppression stands follows from what is known of all deliveries to the address, not from the order
in which it became known; so it is looked at again with every piece of news.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa

from campaigns.feedback import soft_limit
from campaigns.feedback.consequences.news import News
from campaigns.feedback.soft_limit import Outing
from campaigns.register import objections
from campaigns.store import bulk, schema

#: News that counts towards the limit. Any other failure (full, policy, content, hard) is as if nothing had been heard:
#: it may not count against the person, not even by keeping a message from having arrived.
_FAILED: Final = frozenset({"soft", "network", "other"})
#: So many deliveries are looked at.
_OUTINGS: Final = 50


def count_failures(news: News) -> str:
    """Suppress the address for e-mail where the limit is reached; lift it where it is not (any more)."""
    missed = news.misses
    if missed:
        return missed
    standing = _standing(news)
    if soft_limit.limit_reached(_outings(news), news.now):
        scope = objections.Scope(channel="email")
        no = objections.No("soft_bounces", news.key, scope, news.event.source, news.evidence)
        objections.suppress(news.connection, no, news.principal)
        return "soft_bounces"
    for suppression in standing:
        objections.lift_failures(news.connection, suppression, news.evidence, news.principal)
    return "lifted" if standing else "recorded"


def standing_for(connection: sa.Connection, keys: Iterable[bytes]) -> frozenset[bytes]:
    """Those of the addresses that are suppressed for failures in a row."""
    wanted = list(keys)
    if not wanted:
        return frozenset()
    table = schema.suppression.c
    found = connection.execute(
        sa.select(table.subject_key).where(
            table.kind == "soft_bounces", table.subject_key.in_(wanted), table.lifted_at.is_(None)
        )
    )
    return frozenset(found.scalars())


def _standing(news: News) -> list[int]:
    table = schema.suppression.c
    found = news.connection.execute(
        sa.select(table.id).where(
            table.kind == "soft_bounces", table.subject_key == news.key.key, table.lifted_at.is_(None)
        )
    )
    return list(found.scalars())


def _outings(news: News) -> list[Outing]:
    delivery = schema.delivery.c
    at = sa.func.coalesce(delivery.handed_over_at, delivery.settled_at)
    rows = news.connection.execute(
        sa.select(delivery.campaign_id, delivery.number, at.label("at"))
        .where(
            delivery.contact_id == news.sent.claims.contact,
            delivery.channel == "email",
            delivery.address_key == news.key.key,
            delivery.attempt > 0,
            delivery.status.in_(["accepted", "rejected", "uncertain"]),
        )
        .order_by(at.desc())
        .limit(_OUTINGS)
    ).all()
    event = schema.feedback_event.c
    heard = news.connection.execute(
        sa.select(event.campaign_id, event.number, event.kind).where(
            bulk.any_of(event.campaign_id, event.number, [(row.campaign_id, row.number) for row in rows]),
            event.verified,
            event.consequence.not_in(["hint", "late", "others", "outdated"]),
        )
    )
    kinds: dict[tuple[int, int], set[str]] = {}
    for row in heard:
        kinds.setdefault((row.campaign_id, row.number), set()).add(row.kind)
    return [Outing(row.at, _news(kinds.get((row.campaign_id, row.number), set()))) for row in rows]


def _news(kinds: set[str]) -> soft_limit.News:
    if "delivered" in kinds:
        return "arrived"
    return "failed" if kinds & _FAILED else "nothing"
