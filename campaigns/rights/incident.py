"""Whom did a wrong send concern (GDPR Art. 33-34)? The people, by number, and a draft of what to tell them.

Promise: everybody whose message may have left us is in it (accepted, uncertain and rejected are told apart); nobody
else is. Addresses are read only where they are asked for, and that is logged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import iso
from campaigns.content.language import LANGUAGES, Language
from campaigns.errors import InputError, NotFound
from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.store import schema
from campaigns.store.engine import reading, writing

#: Statuses of a delivery whose content may have left us.
BEGUN: Final = ("accepted", "uncertain", "rejected")
_AT_A_TIME: Final = 5_000


@dataclass(frozen=True)
class Wrong:
    """Which sends were wrong: of a campaign, in a span of time, or both."""

    campaign: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.campaign is None and self.since is None:
            raise InputError("say which sends were wrong: a campaign, or since when")


def concerned(engine: sa.Engine, wrong: Wrong) -> dict[str, Any]:
    """Who was concerned: numbers of contacts, how many by status, and between when.

    Raises:
        NotFound: there is no such campaign.
        Unreachable: the database is away.
    """
    delivery = schema.delivery.c
    statement = sa.select(delivery.contact_id, delivery.status, delivery.handed_over_at, delivery.campaign_id)
    contacts: set[int] = set()
    campaigns: set[int] = set()
    statuses: Counter[str] = Counter()
    moments: list[datetime] = []
    with reading(engine) as connection:
        _demand(connection, wrong)
        rows = connection.execute(statement.where(*_wanted(wrong)).execution_options(yield_per=_AT_A_TIME))
        for some in rows.partitions():
            contacts.update(row.contact_id for row in some)
            campaigns.update(row.campaign_id for row in some)
            statuses.update(row.status for row in some)
            at = [row.handed_over_at for row in some if row.handed_over_at is not None]
            moments = [min(at + moments[:1]), max(at + moments[1:])] if at else moments
    return {
        "campaigns": sorted(campaigns),
        "people": len(contacts),
        "by_status": dict(sorted(statuses.items())),
        "first_at": iso(moments[0]) if moments else None,
        "last_at": iso(moments[1]) if moments else None,
        "contacts": sorted(contacts),
    }


def with_addresses(engine: sa.Engine, wrong: Wrong, principal: Principal) -> Iterator[dict[str, Any]]:
    """The people with address and language, for telling them; logged before the first is given.

    Raises:
        NotFound: there is no such campaign.
        Unreachable: the database is away.
    """
    demand(principal, Operation.CONTACT_EXPORT)
    delivery, contact = schema.delivery.c, schema.contact.c
    demand(principal, Operation.CONTACT_EXPORT)
    with writing(engine) as connection:
        _demand(connection, wrong)
        about = [f"campaign:{wrong.campaign}"] if wrong.campaign is not None else []
        since = f"since {iso(wrong.since)}" if wrong.since else ""
        audit.write(connection, audit.Entry(principal, "contact:incident:read", about, since))
    statement = (
        sa.select(contact.id, contact.email, contact.language)
        .join_from(schema.delivery, schema.contact, contact.id == delivery.contact_id)
        .where(*_wanted(wrong), contact.erased_at.is_(None))
        .order_by(contact.id)
        .distinct()
    )
    with reading(engine) as connection:
        for row in connection.execute(statement.execution_options(yield_per=_AT_A_TIME)):
            yield {"contact": row.id, "email": row.email or "", "language": row.language or ""}


def drafts(found: Mapping[str, Any], controller: Mapping[str, str]) -> dict[Language, str]:
    """A notice to the people in each language, with gaps for what only people know."""
    values = {
        "name": controller.get("name", ""),
        "contact": ", ".join(
            it for name in ("contact_person", "email", "phone") if (it := controller.get(name))
        ),
        "first": (found["first_at"] or "…")[:10],
        "last": (found["last_at"] or "…")[:10],
    }
    return {language: _DRAFTS[language].format(**values) for language in LANGUAGES}


def _demand(connection: sa.Connection, wrong: Wrong) -> None:
    campaign = schema.campaign.c
    if wrong.campaign is None:
        return
    if connection.execute(sa.select(campaign.id).where(campaign.id == wrong.campaign)).one_or_none() is None:
        raise NotFound(f"there is no campaign {wrong.campaign}")


def _wanted(wrong: Wrong) -> list[sa.ColumnElement[bool]]:
    delivery = schema.delivery.c
    wanted: list[sa.ColumnElement[bool]] = [delivery.status.in_(BEGUN)]
    if wrong.campaign is not None:
        wanted.append(delivery.campaign_id == wrong.campaign)
    at = sa.func.coalesce(delivery.handed_over_at, delivery.settled_at)
    if wrong.since is not None:
        wanted.append(at >= wrong.since)
    if wrong.until is not None:
        wanted.append(at < wrong.until)
    return wanted


_DRAFTS: Final[Mapping[Language, str]] = {
    "sv": (
        "UTKAST – fyll i det som står inom hakparenteser.\n\n"
        "Mellan {first} och {last} sände vi dig ett meddelande som inte borde ha sänts så. [Vad som hände.]\n"
        "Uppgifter om dig som berördes: [vilka]. Troliga följder för dig: [vilka].\n"
        "Vi har gjort följande åt det: [vad]. Du kan själv göra följande: [vad].\n\n"
        "Frågor besvaras av {contact}.\n{name}\n"
    ),
    "fi": (
        "LUONNOS – täydennä hakasulkeissa olevat kohdat.\n\n"
        "Lähetimme sinulle {first}–{last} viestin, jota ei olisi pitänyt lähettää sellaisena. [Mitä tapahtui.]\n"
        "Tiedot, joita asia koskee: [mitkä]. Todennäköiset seuraukset sinulle: [mitkä].\n"
        "Olemme tehneet asialle seuraavaa: [mitä]. Voit itse tehdä seuraavaa: [mitä].\n\n"
        "Kysymyksiin vastaa {contact}.\n{name}\n"
    ),
    "en": (
        "DRAFT – fill in what stands in brackets.\n\n"
        "Between {first} and {last} we sent you a message that should not have been sent like that. [What happened.]\n"
        "Data about you that was affected: [which]. Likely consequences for you: [which].\n"
        "We have done this about it: [what]. You can do this yourself: [what].\n\n"
        "Questions are answered by {contact}.\n{name}\n"
    ),
}
