"""A person's reply that asks for no more mail: withheld at once, decided by a person."""

from __future__ import annotations

from campaigns.feedback import cases
from campaigns.feedback.consequences.news import News
from campaigns.register import objections


def withhold_and_ask(news: News) -> str:
    """Open a case and write to nobody at that address until somebody has decided it."""
    missed = news.misses
    if missed:
        return missed
    no = objections.No("manual", news.key, objections.Scope(), news.event.source, news.evidence)
    objections.suppress(news.connection, no, news.principal)
    matter = cases.Matter("stop", f"contact:{news.sent.claims.contact}", news.evidence, news.sent.claims)
    cases.open_case(news.connection, matter, news.principal)
    return "withheld"
