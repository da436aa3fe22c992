"""A message that came back, whichever way it came: which delivery it is about, and what it does.

Promise: the delivery is found by a token of ours only: in the address that the message was sent to, or in
the Message-ID or return path of the message that it returns. The same message about the same delivery is
one event, however often and with whatever line ends it comes. Nothing in it can name somebody else's
delivery. Pure but for `ingest` and `arrived`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa

from campaigns.address import parse_email
from campaigns.delivery.composing import RETURN_PATH_PREFIX, UNSUBSCRIBE_PREFIX
from campaigns.errors import AddressFault
from campaigns.feedback import parking
from campaigns.feedback.apply import apply_all
from campaigns.feedback.event import FeedbackEvent, Kind
from campaigns.feedback.reader import read_report
from campaigns.feedback.report import MessageKind, RecipientReport, Report
from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register.objections import address_key
from campaigns.tokens import TokenClaims, TokenMaker, TokenPurpose

SOURCE: Final = "mail"
_ADDRESS: Final = re.compile(r"(?<![a-z0-9])([a-z]-)([a-z2-7]{40,64})@", re.IGNORECASE)
_MESSAGE_ID: Final = re.compile(r"<?([a-z2-7]{40,64})@", re.IGNORECASE)
_PURPOSES: Final = {
    RETURN_PATH_PREFIX: TokenPurpose.RETURN_PATH,
    UNSUBSCRIBE_PREFIX: TokenPurpose.UNSUBSCRIBE,
}


def ingest(
    engine: sa.Engine,
    tokens: TokenMaker,
    raw: bytes,
    envelope_recipient: str | None,
    principal: Principal,
    ring: KeyRing | None = None,
) -> list[str]:
    """Apply one message; returns the consequence of each of its events. What only a person can deal with is parked
    before. With `ring`, hints are counted by the address that they name.

    Raises:
        Unreachable: the database is away; hand the message in again.
    """
    return apply_all(engine, arrived(engine, tokens, raw, envelope_recipient, ring), principal)


def arrived(
    engine: sa.Engine,
    tokens: TokenMaker,
    raw: bytes,
    envelope_recipient: str | None,
    ring: KeyRing | None = None,
) -> list[FeedbackEvent]:
    """The events of one message, to be applied; what only a person can deal with is parked when this returns.

    Raises:
        Unreachable: the database is away; hand the message in again.
    """
    events = events_of(tokens, raw, envelope_recipient, ring)
    if events[0].kind in parking.FOR_PEOPLE:
        parking.park(engine, raw, events[0].kind, envelope_recipient, events[0])
    return events


def events_of(
    tokens: TokenMaker, raw: bytes, envelope_recipient: str | None, ring: KeyRing | None = None
) -> list[FeedbackEvent]:
    """The events that one message stands for; `envelope_recipient` is None where only the message itself
    is left."""
    report = read_report(raw)
    sent_to = [envelope_recipient] if envelope_recipient else list(report.addressed_to)
    leaving = local_part_claims(tokens, UNSUBSCRIBE_PREFIX, sent_to)
    if leaving is not None and report.kind in _WISHES:
        kind: Kind = "objection" if report.wants_nothing else "unsubscribe"
        return [FeedbackEvent(SOURCE, f"{_digest(raw, leaving)}:{kind}", kind, leaving)]
    claims = _reference(tokens, report, envelope_recipient) or leaving
    digest = _digest(raw, claims)
    if report.kind not in _ABOUT_RECIPIENTS or not report.recipients:
        kind = _KINDS.get(report.kind, "unknown")
        about = _about(ring, report.sender) if claims is None else None
        return [FeedbackEvent(SOURCE, f"{digest}:{kind}", kind, claims, about=about)]
    several = len(report.recipients) > 1
    return [
        FeedbackEvent(
            SOURCE,
            f"{digest}:{index}:{item.kind}",
            item.kind,
            claims,
            item.status or None,
            item.diagnostic or None,
            named=_named(item) if several else (),
            about=_about(ring, item.recipient) if claims is None else None,
        )
        for index, item in enumerate(report.recipients)
    ]


def recipient_claims(tokens: TokenMaker, address: str) -> TokenClaims | None:
    """The claims of an address that we receive mail at: a return path, or one for leaving; nothing else
    about it."""
    local = address.rpartition("@")[0]
    purpose = _PURPOSES.get(local[:2].lower())
    return tokens.read_local_part(purpose, local[2:]) if purpose is not None else None


def local_part_claims(tokens: TokenMaker, prefix: str, addresses: Iterable[str]) -> TokenClaims | None:
    """The claims of the first of our own addresses with that prefix."""
    for address in addresses:
        for found in _ADDRESS.finditer(address):
            if found[1].lower() == prefix:
                claims = tokens.read_local_part(_PURPOSES[prefix], found[2])
                if claims is not None:
                    return claims
    return None


def message_id_claims(tokens: TokenMaker, message_id: str) -> TokenClaims | None:
    """The claims of a Message-ID of ours, with or without its angle brackets."""
    found = _MESSAGE_ID.match(message_id.strip())
    return tokens.read_local_part(TokenPurpose.MESSAGE_ID, found[1]) if found else None


def return_path_claims(tokens: TokenMaker, reference: str) -> TokenClaims | None:
    """The claims of a return path of ours: the whole address or the token alone."""
    token = reference.strip()
    return tokens.read_local_part(TokenPurpose.RETURN_PATH, token) or local_part_claims(
        tokens, RETURN_PATH_PREFIX, [token]
    )


def _reference(tokens: TokenMaker, report: Report, envelope_recipient: str | None) -> TokenClaims | None:
    """Where the message was sent to counts before what it holds."""
    claims = local_part_claims(tokens, RETURN_PATH_PREFIX, [envelope_recipient or "", *report.addressed_to])
    if claims is not None:
        return claims
    references = (reference for text in report.message_ids for reference in text.split()[:_REFERENCES])
    found = (message_id_claims(tokens, reference) for reference in references)
    return next((claims for claims in found if claims is not None), None)


def _about(ring: KeyRing | None, address: str) -> bytes | None:
    """The fingerprint of an address that somebody names, to count by."""
    if ring is None or not address:
        return None
    try:
        return address_key(ring, parse_email(address)).key
    except AddressFault:
        return None


def _digest(raw: bytes, claims: TokenClaims | None) -> str:
    """One message about one delivery. The delivery belongs to it: the same few words may come from many
    people."""
    text = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip(b"\n")
    about = f"{claims.campaign}.{claims.number}.{claims.list_id}.{claims.contact}" if claims else "-"
    return hashlib.sha256(about.encode() + b"\n" + text).hexdigest()


def _named(item: RecipientReport) -> tuple[str, ...]:
    return tuple(filter(None, (item.original, item.recipient)))


_REFERENCES: Final = 20
#: Kinds that say something of each of their recipients; of all others the message itself is the news.
_ABOUT_RECIPIENTS: Final = frozenset({"bounce", "delayed", "delivered", "complaint"})
#: What a person may write to the address for leaving.
_WISHES: Final = frozenset({"unsubscribe", "stop", "reply", "other"})
_KINDS: Final[dict[MessageKind, Kind]] = {
    "bounce": "other",
    "delayed": "delayed",
    "delivered": "delivered",
    "complaint": "complaint",
    "not-spam": "not-spam",
    "authentication": "authentication",
    "auto-reply": "auto-reply",
    "receipt": "receipt",
    "challenge": "challenge",
    "stop": "stop",
    "reply": "reply",
    "unreadable": "unreadable",
}
