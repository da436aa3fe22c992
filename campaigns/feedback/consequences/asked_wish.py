"""News of a mail that asked for a confirmation: the wish ends where its mailbox does not work or does not want it.

Promise: nothing that is said of such a mail suppresses an address, with one exception: who presses "spam" on it gets no
more mail of any kind from us, whoever types their address into a form. Only that mailbox has ever had the token.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from campaigns.feedback.consequences.news import names
from campaigns.feedback.event import FeedbackEvent, Kind
from campaigns.principal import Principal
from campaigns.register import objections, opt_ins
from campaigns.tokens import TokenClaims

#: The mailbox is not there, or its owner does not want what somebody asked in their name.
_ENDS: Final[frozenset[Kind]] = frozenset({"hard", "complaint", "stop", "unsubscribe", "objection"})


def end_the_wish(
    connection: sa.Connection, event: FeedbackEvent, claims: TokenClaims, principal: Principal
) -> str:
    """What one event about such a mail does, in a word: complaint, ended, others, recorded; hint where there is no such
    wish (any more)."""
    found = opt_ins.asked(connection, claims)
    if found is None:
        return "hint"
    if event.kind not in _ENDS:
        return "recorded"
    if event.named and found.email and not names(event.named, found.email):
        return "others"
    evidence = f"{event.source} event {event.event_id}"
    ended = opt_ins.end(connection, found, evidence, principal)
    if event.kind == "complaint":
        key = objections.SubjectKey("address", found.key_id, found.address_key)
        no = objections.No("complaint", key, objections.Scope(), event.source, evidence)
        objections.suppress(connection, no, principal)
        return "complaint"
    return "ended" if ended else "recorded"
