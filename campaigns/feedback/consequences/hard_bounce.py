"""A dead address is not written to again, and the register knows that it is out of date."""

from __future__ import annotations

from campaigns.feedback.consequences.news import News
from campaigns.register import objections, outdated


def suppress_the_address(news: News) -> str:
    """Suppress the address for e-mail and flag it; the post still reaches the person."""
    missed = news.misses
    if missed:
        return missed
    no = objections.No(
        "hard_bounce", news.key, objections.Scope(channel="email"), news.event.source, news.evidence
    )
    objections.suppress(news.connection, no, news.principal)
    datum = outdated.Outdated(news.sent.claims.contact, "email", news.key.key, "hard_bounce", news.evidence)
    outdated.flag(news.connection, datum, news.principal)
    return "hard_bounce"
