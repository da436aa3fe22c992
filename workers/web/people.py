"""What the unsubscribe page shows of the person who holds its link, and what pressing its buttons does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from campaigns.content.language import as_language, date_text
from campaigns.principal import Principal
from campaigns.register import preferences, subscriptions
from campaigns.register.permit import Binding, recording_noes
from campaigns.register.preferences import Preferences
from campaigns.store import schema
from campaigns.store.engine import reading
from campaigns.tokens import TokenClaims

ORIGIN: Final = "unsubscribe link"
_WEEKDAYS: Final = {
    "sv": ["måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag"],
    "fi": [
        "maanantaina",
        "tiistaina",
        "keskiviikkona",
        "torstaina",
        "perjantaina",
        "lauantaina",
        "sunnuntaina",
    ],
    "en": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
}


@dataclass(frozen=True)
class Holder:
    """The person behind a link; blank where the register has forgotten them."""

    address: str = ""
    language: str = ""
    list_name: str = ""


def holder(engine: sa.Engine, claims: TokenClaims) -> Holder:
    """Who holds a link, as far as the register still knows.

    Raises:
        Unreachable: the database is away.
    """
    contact, mailing_list = schema.contact.c, schema.mailing_list.c
    with reading(engine) as connection:
        person = connection.execute(
            sa.select(contact.email, contact.language).where(contact.id == claims.contact)
        ).one_or_none()
        name = connection.execute(
            sa.select(mailing_list.name).where(mailing_list.id == claims.list_id)
        ).scalar_one_or_none()
    return Holder(person.email or "" if person else "", person.language or "" if person else "", name or "")


def what_is_left(engine: sa.Engine, claims: TokenClaims) -> Preferences | None:
    """How things stand for the holder of a link now; None where the register has forgotten them.

    Raises:
        Unreachable: the database is away.
    """
    with reading(engine) as connection:
        return preferences.read(connection, claims.contact)


@dataclass(frozen=True)
class Wish:
    """What the holder of a link asked for: to leave its list, or everything."""

    claims: TokenClaims
    everything: bool


def leave(engine: sa.Engine, wishes: Sequence[Wish]) -> tuple[list[None], Binding]:
    """Leave lists, or all marketing, in one transaction for several people; nobody may be answered before the
    binding that is returned says so. Doing it again changes nothing.

    Raises:
        Unreachable: the database is away or the outcome is unknown: nothing may be answered but "try again".
    """
    with recording_noes(engine) as (connection, binding):
        # In one order, whatever order they came in: two transactions then never wait for each other in a circle.
        for wish in sorted(wishes, key=lambda wish: (wish.claims.contact, wish.claims.list_id)):
            _leave(connection, wish)
    return [None] * len(wishes), binding


def _leave(connection: sa.Connection, wish: Wish) -> None:
    claims = wish.claims
    principal = Principal(f"contact:{claims.contact}")
    evidence = f"link of delivery {claims.campaign}.{claims.number}"
    unsubscription = subscriptions.Unsubscription(claims.contact, claims.list_id, ORIGIN, evidence)
    subscriptions.unsubscribe(connection, unsubscription, principal)
    if wish.everything:
        subscriptions.object_to_marketing(connection, claims.contact, ORIGIN, evidence, principal)


def time_text(moment: datetime, zone: str, language: str) -> str:
    """A moment in running text, in local time."""
    local = moment.astimezone(ZoneInfo(zone))
    day = date_text(local.date(), as_language(language))
    weekday = _WEEKDAYS[language][local.weekday()]
    if language == "en":
        return f"on {weekday} {day} at {local:%H:%M}"
    if language == "fi":
        return f"{weekday} {day} klo\u00a0{local.hour}.{local:%M}"
    return f"{weekday} {day} kl.\u00a0{local:%H.%M}"
