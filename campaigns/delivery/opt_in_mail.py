"""The mail that asks a person to confirm what was asked in their name.

Promise: one wish is one mail: it is marked as begun before its first octet leaves, so that a sender that dies meanwhile
leaves it uncertain and never sends it again. The gate is asked right before and again before the final dot; what others
recorded against the mailbox withholds it, without a word to whoever asked. What is certain not to have left is tried
again until the wish is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from campaigns.address import parse_email
from campaigns.clock import utc_now
from campaigns.content.language import as_language
from campaigns.content.notice import Notice, compose_notice
from campaigns.delivery.composing import RETURN_PATH_PREFIX, Author, Stationery
from campaigns.delivery.transport import (
    Accepted,
    Deferred,
    Envelope,
    Letter,
    NotBegun,
    Rejected,
    Transport,
    checked_letter,
)
from campaigns.errors import GateClosed, GuardRefused, InputError
from campaigns.keyring import KeyRing
from campaigns.register import objections, opt_ins
from campaigns.register.clearance import DeliveryRef, Verdict, Withheld
from campaigns.register.opt_ins import OptIn
from campaigns.register.suppression import Gate, Requested
from campaigns.store import schema
from campaigns.store.engine import reading
from campaigns.tokens import TokenClaims, TokenPurpose

#: What is put off is tried again after so long.
AGAIN_AFTER: Final = timedelta(minutes=5)
#: No campaign has this number: what these mails are known by belongs to no ledger row.
NO_CAMPAIGN: Final = 0

#: Per language, the texts of the mails: `words[language][kind]["subject" or "text"]`.
Words = Mapping[str, Mapping[str, Mapping[str, str]]]


@dataclass(frozen=True)
class OptInDesk:
    """What sending these mails takes; `transport` is asked for when there is a mail to hand over."""

    engine: sa.Engine
    ring: KeyRing
    gate: Gate
    transport: Callable[[], Transport]
    author: Author
    stationery: Stationery
    words: Words
    controller: str


def claims_of(found: OptIn) -> TokenClaims:
    """What the tokens of a wish say."""
    return TokenClaims(NO_CAMPAIGN, found.id, found.list_id or 0, found.contact_id or 0)


def send_opt_in(desk: OptInDesk, opt_in: int) -> str | None:
    """Send the mail of one wish; its status afterwards, or None where there was nothing to send.

    Raises:
        Unreachable: the database is away; what was begun is doubted later.
    """
    found = opt_ins.claim(desk.engine, opt_in)
    if found is None:
        return None
    try:
        letter = _letter(desk, found)
    except InputError:
        status, again = "failed", False
    else:
        status, again = _hand_over(desk, found, letter)
    opt_ins.settle(desk.engine, found.id, status, utc_now() + AGAIN_AFTER if again else None)
    return status


def _hand_over(desk: OptInDesk, found: OptIn, letter: Letter) -> tuple[str, bool]:
    """What became of a letter, as the status of its wish, and whether it is tried again."""
    requested = _requested(desk.ring, letter)

    def ask() -> Verdict:
        return desk.gate.clear_requested(requested, found.email)

    try:
        verdict = ask()
    except GateClosed:
        return "waiting", True
    if isinstance(verdict, Withheld):
        return "withheld", False
    try:
        transport = desk.transport()
    except GuardRefused:  # until somebody has seen to the contract
        return "waiting", True
    try:
        outcome = transport.hand_over(letter, verdict, ask)
    finally:
        transport.close()
    match outcome:
        case Accepted():
            return "sent", False
        case Rejected():
            return "failed", False
        case NotBegun(verdict=Withheld()):
            return "withheld", False
        case Deferred() | NotBegun():
            return "waiting", True
    return "uncertain", False


def _requested(ring: KeyRing, letter: Letter) -> Requested:
    address = parse_email(letter.envelope.recipient)
    return Requested(
        letter.delivery,
        frozenset(key.key for key in objections.address_keys(ring, address)),
        frozenset(key.key for key in objections.domain_keys(ring, address.domain)),
    )


def _letter(desk: OptInDesk, found: OptIn) -> Letter:
    claims, tokens = claims_of(found), desk.stationery.tokens
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
