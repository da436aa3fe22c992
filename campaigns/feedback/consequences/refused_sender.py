"""A refusal of policy says nothing of the person; that our own authentication fails is for the campaign to know.

Nothing changes for anybody here: the word is what the brakes count (`campaigns.delivery.brakes`), as they count the
same refusal said to our face.
"""

from __future__ import annotations

from campaigns.delivery.diagnosis import Said, diagnose
from campaigns.delivery.phrases import Cause
from campaigns.feedback.consequences.news import News


def tell_the_brakes(news: News) -> str:
    """`authentication` where SPF, DKIM, DMARC or the like of ours failed; else the refusal is only recorded."""
    status, said = news.event.status or "", news.event.diagnostic or ""
    # Providers are known by their codes as well as by their words.
    found = diagnose(Said(f"{status} {said}", None, status or None))
    return "authentication" if found.cause is Cause.AUTHENTICATION else "recorded"
