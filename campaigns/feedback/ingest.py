"""A message that came back, whichever way it came: which delivery it is about, and what it does.

Promise: the delivery is found by a token of ours only: in the return path that the message was sent to, in
its To fields, or in the Message-ID of the message that it returns. The same message gives the same event
however often and with whatever line ends it comes. Nothing in it can name somebody else's delivery. Pure
but for `apply`, which it calls.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final, get_args

import sqlalchemy as sa

from campaigns.delivery.composing import RETURN_PATH_PREFIX, UNSUBSCRIBE_PREFIX
from campaigns.feedback.apply import apply
from campaigns.feedback.dsn import Report, read_report
from campaigns.feedback.event import FeedbackEvent, Kind
from campaigns.principal import Principal
from campaigns.tokens import TokenClaims, TokenMaker, TokenPurpose

_ADDRESS: Final = re.compile(r"([a-z]-)([a-z2-7]{40,64})@", re.IGNORECASE)
_MESSAGE_ID: Final = re.compile(r"<([a-z2-7]{40,64})@", re.IGNORECASE)
SOURCE: Final = "mail"


def ingest(
    engine: sa.Engine, tokens: TokenMaker, raw: bytes, envelope_recipient: str | None, principal: Principal
) -> list[str]:
    """Apply one message; returns the consequences.

    Raises:
        Unreachable: the database is away; hand the message in again.
    """
    return [apply(engine, event, principal) for event in events_of(tokens, raw, envelope_recipient)]


def events_of(tokens: TokenMaker, raw: bytes, envelope_recipient: str | None) -> list[FeedbackEvent]:
    """The events that one message stands for."""
    report = read_report(raw)
    digest = hashlib.sha256(raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")).hexdigest()
    leaving = local_part_claims(tokens, UNSUBSCRIBE_PREFIX, [envelope_recipient or "", *report.addressed_to])
    if leaving is not None and not report.recipients and report.kind != "auto-reply":
        return [FeedbackEvent(SOURCE, digest, "unsubscribe", leaving)]
    claims = _reference(tokens, report, envelope_recipient)
    if not report.recipients:
        kind: Kind = (
            "auto-reply"
            if report.kind == "auto-reply"
            else "unreadable"
            if report.kind == "unreadable"
            else "other"
        )
        return [FeedbackEvent(SOURCE, digest, kind, claims)]
    return [
        FeedbackEvent(
            SOURCE,
            f"{digest}:{index}",
            _kind(item.kind),
            claims,
            item.status or None,
            item.diagnostic or None,
        )
        for index, item in enumerate(report.recipients)
    ]


def local_part_claims(tokens: TokenMaker, prefix: str, addresses: Iterable[str]) -> TokenClaims | None:
    """The claims of the first of our own addresses with that prefix."""
    purpose = TokenPurpose.RETURN_PATH if prefix == RETURN_PATH_PREFIX else TokenPurpose.UNSUBSCRIBE
    for address in addresses:
        found = _ADDRESS.search(address)
        if found and found.group(1).lower() == prefix:
            claims = tokens.read_local_part(purpose, found.group(2))
            if claims is not None:
                return claims
    return None


def message_id_claims(tokens: TokenMaker, message_id: str) -> TokenClaims | None:
    """The claims of a Message-ID of ours."""
    found = _MESSAGE_ID.match(message_id.strip())
    return tokens.read_local_part(TokenPurpose.MESSAGE_ID, found.group(1)) if found else None


def _reference(tokens: TokenMaker, report: Report, envelope_recipient: str | None) -> TokenClaims | None:
    claims = local_part_claims(tokens, RETURN_PATH_PREFIX, [envelope_recipient or "", *report.addressed_to])
    if claims is not None:
        return claims
    found = (message_id_claims(tokens, message_id) for message_id in report.message_ids)
    return next((claims for claims in found if claims is not None), None)


def _kind(word: str) -> Kind:
    for kind in get_args(Kind):
        if kind == word:
            return kind  # type: ignore[no-any-return]
    return "other"
