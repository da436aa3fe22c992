"""Requests that come by mail: what people wrote and was parked becomes a case, the person as far as the mail proves it.

Promise: a letter is one case, however often it is looked at, and counts from the moment it came; it stays parked until
somebody has dealt with it. Whose it is, is known by the delivery that it answers or the address that it names as its
sender, which identifies nobody: identification is a step of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.errors import NotFound, RefusedOperation
from campaigns.principal import Principal
from campaigns.rights import asked_by_mail, deadlines
from campaigns.rights.requests import Asked, RequestKind, open_request
from campaigns.store import schema
from campaigns.store.engine import writing

#: Kinds of parked mail in which a person may have written.
_WRITTEN: Final = ("reply", "unknown", "stop")
#: A scheduler that was away for longer leaves what came before to people.
_BACK: Final = timedelta(days=7)
_AT_A_TIME: Final = 200


@dataclass
class TakingUp:
    """Looks at each parked letter once in the life of this object."""

    engine: sa.Engine
    principal: Principal
    time_zone: str = deadlines.HOME
    _seen: int = 0

    def look(self) -> list[int]:
        """Open a case for every new letter that plainly asks for a right; their numbers.

        Raises:
            Unreachable: the database is away; look again.
        """
        table, opened = schema.parked_mail.c, []
        fresh = sa.select(schema.parked_mail).where(
            table.id > self._seen,
            table.received_at > utc_now() - _BACK,
            table.kind.in_(_WRITTEN),
            table.settled_at.is_(None),
            table.raw.is_not(None),
        )
        with writing(self.engine) as connection:
            rows = connection.execute(fresh.order_by(table.id).limit(_AT_A_TIME)).mappings().all()
            for row in rows:
                kind = asked_by_mail.read(bytes(row["raw"]))
                asked = _asked(connection, row, kind, self.time_zone) if kind else None
                if asked is not None:
                    opened.append(open_request(connection, asked, self.principal))
        self._seen = max((row["id"] for row in rows), default=self._seen)
        return opened


def take_up(
    connection: sa.Connection,
    message: int,
    kind: RequestKind,
    principal: Principal,
    time_zone: str = deadlines.HOME,
) -> int:
    """Open the case of a parked letter on a person's word, within the caller's transaction; its number.

    Raises:
        NotFound: there is no such message.
        RefusedOperation: nothing in it tells whose it is; open the case by contact or address instead.
    """
    demand(principal, Operation.REQUEST_OPEN)
    table = schema.parked_mail
    row = connection.execute(sa.select(table).where(table.c.id == message)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no parked message {message}")
    asked = _asked(connection, row, kind, time_zone)
    if asked is None:
        raise RefusedOperation(
            f"nothing in message {message} tells whose it is: use --contact or --address-from instead"
        )
    return open_request(connection, asked, principal)


def _asked(connection: sa.Connection, row: Any, kind: RequestKind, time_zone: str) -> Asked | None:
    contact = _contact(connection, row)
    if contact is None and row["about_key"] is None:
        return None
    person = schema.contact.c
    language = connection.execute(sa.select(person.language).where(person.id == contact)).scalar_one_or_none()
    return Asked(
        kind=kind,
        came_by="mail",
        contact_id=contact,
        subject_key=row["about_key"] if contact is None else None,
        evidence=f"parked message {row['id']}",
        reference=row["digest"],
        language=language,
        received_at=row["received_at"],
        time_zone=time_zone,
    )


def _contact(connection: sa.Connection, row: Any) -> int | None:
    contact, delivery = schema.contact.c, schema.delivery.c
    if row["campaign_id"] is not None:
        sent = sa.and_(delivery.campaign_id == row["campaign_id"], delivery.number == row["number"])
        found: int | None = connection.execute(
            sa.select(delivery.contact_id).where(sent)
        ).scalar_one_or_none()
        return found
    if row["about_key"] is None:
        return None
    known = sa.select(contact.id).where(contact.email_key == row["about_key"], contact.erased_at.is_(None))
    return connection.execute(known.order_by(contact.id).limit(1)).scalar_one_or_none()
