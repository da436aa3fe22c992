"""Who presses "spam" gets no marketing any more, on any list (RFC 6449 4.3.1)."""

from __future__ import annotations

from campaigns.feedback.consequences.news import News
from campaigns.register import objections


def suppress_all_marketing(news: News) -> str:
    """Suppress the address everywhere."""
    missed = news.misses
    if missed:
        return missed
    no = objections.No("complaint", news.key, objections.Scope(), news.event.source, news.evidence)
    objections.suppress(news.connection, no, news.principal)
    return "complaint"
