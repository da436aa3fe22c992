"""The mail that asks a person to confirm what was asked in their name.

Promise: one wish is one mail: that it is begun is noted in the register before its final dot leaves, so that a sender
that dies before is followed by another, and one that dies after leaves it uncertain and nobody sends it again. It goes
by the routes and within the limits of its sender, as any mail does. The gate is asked right before and again before the
final dot; what others recorded against the mailbox withholds it, without a word to whoever asked. What is certain not
to have left is tried again until the wish is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from campaigns.address import parse_email
from campaigns.clock import utc_now
from campaigns.content.language import as_language
from campaigns.content.notice import Notice, compose_notice
from campaigns.delivery.composing import RETURN_PATH_PREFIX, Author, Stationery
from campaigns.delivery.pacing import domain_of
from campaigns.delivery.transport import (
    Accepted,
    Begun,
    Deferred,
    Envelope,
    Letter,
    NotBegun,
    Outcome,
    Recheck,
    Rejected,
    Transport,
    ask_gate,
    checked_letter,
)
from campaigns.errors import GateClosed, InputError
from campaigns.keyring import KeyRing
from campaigns.register import objections, opt_ins
from campaigns.register.clearance import DeliveryRef, Verdict, Withheld
from campaigns.register.opt_ins import NO_CAMPAIGN, OptIn
from campaigns.register.suppression import Gate, Requested
from campaigns.store import schema
from campaigns.store.engine import reading
from campaigns.tokens import TokenPurpose

#: What is put off is tried again after as long as it has waited, within these bounds: somebody looks into their mailbox
#: now, and a mailbox that puts mail off for days is not to be asked without end.
SOONEST: Final = timedelta(minutes=2)
LATEST: Final = timedelta(hours=2)

#: Per language, the texts of the mails: `words[language][kind]["subject" or "text"]`.
Words = Mapping[str, Mapping[str, Mapping[str, str]]]


@dataclass(frozen=True)
class Road:
    """A smarthost that is well and has room for one mail now. `heard` is told what became of it, and says when to try
    again where the smarthost turned out to be away."""

    transport: Transport
    heard: Callable[[Outcome], datetime | None]


#: The way for one mail to a domain, or when to ask for one again; the transport calls `Begun` before the final dot.
Roads = Callable[[str, Begun], AbstractContextManager[Road | datetime]]


@dataclass(frozen=True)
class OptInDesk:
    """What sending these mails takes."""

    engine: sa.Engine
    ring: KeyRing
    gate: Gate
    roads: Roads
    author: Author
    stationery: Stationery
    words: Words
    controller: str


class _NotCompletedError(Exception):
    """The mail was stopped right before its final dot: nothing was delivered."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


def send_opt_in(desk: OptInDesk, opt_in: int) -> str | None:
    """Send the mail of one wish; its status afterwards, or None where there was nothing to send.

    Raises:
        Unreachable: the database is away; what was taken is sent by somebody else, what was begun is doubted later.
    """
    found = opt_ins.claim(desk.engine, opt_in)
    if found is None:
        return None
    try:
        letter = _letter(desk, found)
    except InputError:
        status, again = "failed", None
    else:
        status, again = _hand_over(desk, found, letter)
    opt_ins.settle(desk.engine, found, status, again)
    return status


def _hand_over(desk: OptInDesk, found: OptIn, letter: Letter) -> tuple[str, datetime | None]:
    """What became of a letter, as the status of its wish, and when it is tried again."""
    requested = _requested(desk.ring, letter)

    def ask() -> Verdict:
        return desk.gate.clear_requested(requested, found.email)

    def begun(_delivery: DeliveryRef) -> None:
        _begin(desk.engine, found, letter, ask)

    with desk.roads(domain_of(found.email), begun) as road:
        if isinstance(road, datetime):
            return "waiting", road
        try:
            outcome = _offer(road.transport, letter, ask)
        except _NotCompletedError as stopped:
            return stopped.status, _later(found)
        away_until = road.heard(outcome)
    status = _status(outcome)
    return status, (away_until or _later(found)) if status == "waiting" else None


def _offer(transport: Transport, letter: Letter, ask: Recheck) -> Outcome:
    try:
        verdict = ask()
    except GateClosed as closed:
        return NotBegun(None, str(closed))
    if isinstance(verdict, Withheld):
        return NotBegun(verdict, verdict.reason)
    return transport.hand_over(letter, verdict, ask)


def _begin(engine: sa.Engine, found: OptIn, letter: Letter, ask: Recheck) -> None:
    """Note that the mail is begun; the gate is asked again, since noting it may have taken longer than its answer is
    good for."""
    if not opt_ins.begin(engine, found):
        raise _NotCompletedError("waiting")  # and is settled by whoever has it now, if anybody
    if (no := ask_gate(letter, ask)) is not None:
        raise _NotCompletedError(_status(no))


def _status(outcome: Outcome) -> str:
    """What became of the mail, as the status of its wish."""
    match outcome:
        case Accepted():
            return "sent"
        case Rejected():
            return "failed"
        case NotBegun(verdict=Withheld(final=True)):
            return "withheld"
        case Deferred() | NotBegun():
            return "waiting"
    return "uncertain"


def _later(found: OptIn) -> datetime:
    now = utc_now()
    return now + min(max(now - found.requested_at, SOONEST), LATEST)


def _requested(ring: KeyRing, letter: Letter) -> Requested:
    address = parse_email(letter.envelope.recipient)
    return Requested(
        letter.delivery,
        frozenset(key.key for key in objections.address_keys(ring, address)),
        frozenset(key.key for key in objections.domain_keys(ring, address.domain)),
    )


def _letter(desk: OptInDesk, found: OptIn) -> Letter:
    claims, tokens = found.claims, desk.stationery.tokens
    delivery, domain = DeliveryRef(NO_CAMPAIGN, found.id), desk.stationery.mail_domain
    words = desk.words[found.language][found.kind]
    told = {
        "{list}": _list_name(desk.engine, found.list_id),
        "{controller}": desk.controller,
        "{link}": f"{desk.stationery.public_url}/c/{tokens.for_link(TokenPurpose.CONFIRM, claims)}",
    }
    content = compose_notice(
        Notice(
            from_name=desk.author.name,
            from_address=desk.author.address,
            reply_to=desk.author.reply_to,
            to_address=found.email,
            subject=_filled(words["subject"], told),
            text=_filled(words["text"], told),
            language=as_language(found.language),
            date=found.requested_at,
            message_id=f"<{tokens.for_local_part(TokenPurpose.MESSAGE_ID, claims)}@{domain}>",
        )
    )
    if desk.author.signer is not None:
        content = desk.author.signer.signed(content)
    sender = f"{RETURN_PATH_PREFIX}{tokens.for_local_part(TokenPurpose.RETURN_PATH, claims)}@{domain}"
    return checked_letter(delivery, Envelope(sender, found.email), content)


def _filled(text: str, told: Mapping[str, str]) -> str:
    for mark, value in told.items():
        text = text.replace(mark, value)
    return text


def _list_name(engine: sa.Engine, list_id: int | None) -> str:
    table = schema.mailing_list.c
    with reading(engine) as connection:
        return connection.execute(sa.select(table.name).where(table.id == list_id)).scalar_one_or_none() or ""
