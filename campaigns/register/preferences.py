"""What a person may decide for themselves: lists, channels, language, a pause, and no marketing at all.

Promise: a choice is recorded whole or not at all, in the caller's transaction, with the evidence that it came by;
choosing the same again changes nothing. What the person was not asked about stays as it is. A list or a channel is
taken up again on the person's own word; an objection to all marketing is not lifted here, and neither is anything that
somebody else recorded. Call what changes things inside `permit.answering_a_no`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from campaigns.keyring import KeyRing
from campaigns.principal import Principal
from campaigns.register import (
    bases,
    companies,
    corrections,
    objections,
    own_words,
    pauses,
    persons,
    subscriptions,
)
from campaigns.register.clearance import Channel
from campaigns.register.intake_rows import has_postal_address
from campaigns.register.pauses import Evidence
from campaigns.store import schema

CHANNELS: Final[tuple[Channel, ...]] = ("email", "post")
#: What stands against a person in every list and channel, until it is lifted.
_EVERYTHING: Final = ("objection", "restricted", "complaint", "manual")


@dataclass(frozen=True)
class ListState:
    """A list that the person is or was on."""

    id: int
    name: str
    kind: str
    subscribed: bool


@dataclass(frozen=True)
class Preferences:
    """How things stand for one person. `person` holds the common columns, blank where nothing is known; `channels`
    says for each channel that we could use whether we may; `stopped` that nothing is sent at all."""

    contact_id: int
    person: Mapping[str, str]
    company: str
    lists: Sequence[ListState]
    channels: Mapping[Channel, bool]
    paused_until: datetime | None
    stopped: bool


@dataclass(frozen=True)
class Choice:
    """What a person chose; only what they were asked about is named. `pause` is the new end of the pause; `unpaused`
    ends one. Only the pause that they saw when they chose (`seen_pause`, its end) gives way to a shorter one or none.
    """

    lists: Mapping[int, bool] = field(default_factory=dict)
    channels: Mapping[Channel, bool] = field(default_factory=dict)
    language: str | None = None
    pause: datetime | None = None
    unpaused: bool = False
    seen_pause: datetime | None = None


def read(connection: sa.Connection, contact_id: int) -> Preferences | None:
    """How things stand for a contact, of merged ones for the one that was kept; None where there is none any more."""
    table = schema.contact
    contact_id = persons.root(connection, contact_id)
    row = connection.execute(sa.select(table).where(table.c.id == contact_id)).mappings().one_or_none()
    if row is None or row["erased_at"] is not None:
        return None
    keys = subscriptions.keys_of(connection, contact_id)
    noes = _standing(connection, keys)
    address = {name: row[name] for name in corrections.EDITABLE}
    reachable: dict[Channel, bool] = {"email": row["email"] is not None, "post": has_postal_address(address)}
    employers = companies.employers(connection, [contact_id])
    return Preferences(
        contact_id,
        {name: row[name] or "" for name in corrections.EDITABLE},
        next((str(item["company"]) for item in employers), ""),
        _lists(connection, contact_id, {no.list_id for no in noes if no.kind == "unsubscribed"}),
        {it: not _against(noes, it) for it, usable in reachable.items() if usable},
        pauses.paused_until(connection, keys),
        any(no.kind in _EVERYTHING and not (no.list_id or no.purpose or no.channel) for no in noes),
    )


def choose(
    connection: sa.Connection,
    ring: KeyRing,
    contact_id: int,
    choice: Choice,
    said: tuple[Evidence, Principal],
) -> None:
    """Record a choice.

    Raises:
        NotFound: there is no such contact any more.
        InputError: the language is none of ours.
    """
    evidence, principal = said
    contact_id = persons.root(connection, contact_id)
    known = _known_lists(connection, contact_id)
    for list_id, wanted in choice.lists.items():
        if list_id in known and wanted:
            join(connection, contact_id, list_id, said)
        elif list_id in known:
            leaving = subscriptions.Unsubscription(contact_id, list_id, evidence.origin, evidence.proof)
            subscriptions.unsubscribe(connection, leaving, principal)
    keys = subscriptions.keys_of(connection, contact_id)
    for channel, wanted in choice.channels.items():
        _set_channel(connection, keys, (channel, wanted), said)
    _set_pause(connection, keys, choice, said)
    if choice.language is not None:
        wanted_language = corrections.Correction(
            {"language": choice.language}, evidence.origin, "person", evidence.proof
        )
        corrections.edit(connection, ring, contact_id, wanted_language, principal)


def join(connection: sa.Connection, contact_id: int, list_id: int, said: tuple[Evidence, Principal]) -> None:
    """Join a list on the person's own word, which is a consent to its purpose where nothing else allows it."""
    evidence, principal = said
    contact_id = persons.root(connection, contact_id)
    subscriptions.join(connection, contact_id, list_id, evidence.proof, principal)
    table = schema.mailing_list.c
    purpose = connection.execute(sa.select(table.purpose).where(table.id == list_id)).scalar_one()
    if not bases.allows(connection, contact_id, purpose):
        bases.consent(
            connection,
            contact_id,
            bases.Basis(purpose, "consent", None, f"{evidence.origin}: {evidence.proof}"),
        )


def _set_channel(
    connection: sa.Connection,
    keys: Sequence[objections.SubjectKey],
    wish: tuple[Channel, bool],
    said: tuple[Evidence, Principal],
) -> None:
    (channel, wanted), (evidence, principal) = wish, said
    if not wanted:
        for key in keys:
            scope = objections.Scope(channel=channel)
            whole = objections.No("objection", key, scope, evidence.origin, evidence.proof)
            objections.suppress(connection, whole, principal)
        return
    own = own_words.takeable(connection, keys)
    for no in _standing(connection, keys):
        if no.id in own and _is_about_channel(no, channel):
            objections.lift(connection, no.id, f"{evidence.origin}: {evidence.proof}", principal)


def _set_pause(
    connection: sa.Connection,
    keys: Sequence[objections.SubjectKey],
    choice: Choice,
    said: tuple[Evidence, Principal],
) -> None:
    standing = pauses.paused_until(connection, keys)
    seen = standing is not None and standing == choice.seen_pause
    if choice.pause is not None and (seen or standing is None or choice.pause >= standing):
        pauses.pause(connection, keys, choice.pause, *said)
    elif choice.pause is None and choice.unpaused and seen:
        pauses.end_pause(connection, keys, *said)


def _standing(connection: sa.Connection, keys: Sequence[objections.SubjectKey]) -> list[sa.Row[Any]]:
    table = schema.suppression.c
    return list(
        connection.execute(
            sa.select(table.id, table.kind, table.list_id, table.purpose, table.channel).where(
                table.lifted_at.is_(None), table.subject_key.in_([key.key for key in keys])
            )
        )
    )


def _is_about_channel(no: sa.Row[Any], channel: Channel) -> bool:
    """Whether this is the person's "no" to a whole channel."""
    return bool(no.kind == "objection" and no.channel == channel and not no.list_id and not no.purpose)


def _against(noes: Sequence[sa.Row[Any]], channel: Channel) -> bool:
    return any(_is_about_channel(no, channel) for no in noes)


def _lists(connection: sa.Connection, contact_id: int, left: set[int]) -> list[ListState]:
    subscription, mailing_list = schema.subscription.c, schema.mailing_list.c
    rows = connection.execute(
        sa.select(mailing_list.id, mailing_list.name, mailing_list.kind, subscription.status)
        .join_from(schema.subscription, schema.mailing_list, mailing_list.id == subscription.list_id)
        .where(subscription.contact_id == contact_id, subscription.status != "pending")
        .order_by(mailing_list.name, mailing_list.id)
    )
    return [
        ListState(row.id, row.name, row.kind, row.status == "subscribed" and row.id not in left)
        for row in rows
    ]


def _known_lists(connection: sa.Connection, contact_id: int) -> set[int]:
    return {item.id for item in _lists(connection, contact_id, set())}
