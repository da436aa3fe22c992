"""A dead address is not written to again, and the register knows that it is out of date.

Many at once, in few statements: providers report the bounces of a whole campaign in bodies of a hundred and more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from campaigns.feedback.consequences.news import News
from campaigns.principal import Principal
from campaigns.register import objections, outdated

_SCOPE: Final = objections.Scope(channel="email")


def suppress_addresses(connection: sa.Connection, found: Sequence[News]) -> list[str]:
    """Suppress addresses for e-mail and flag them; the post still reaches the people. The word of each."""
    words = [news.misses or "hard_bounce" for news in found]
    by_principal: dict[Principal, list[News]] = {}
    for news, word in zip(found, words, strict=True):
        if word == "hard_bounce":
            by_principal.setdefault(news.principal, []).append(news)
    for principal, dead in by_principal.items():
        objections.record_many(connection, [_no(news) for news in dead], principal)
        outdated.flag_many(connection, [_datum(news) for news in dead], principal)
    return words


def _no(news: News) -> objections.No:
    return objections.No("hard_bounce", news.key, _SCOPE, news.event.source, news.evidence)


def _datum(news: News) -> outdated.Outdated:
    return outdated.Outdated(news.sent.claims.contact, "email", news.key.key, "hard_bounce", news.evidence)
