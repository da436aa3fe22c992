"""Objection and restriction (GDPR Art. 21(2) and 18): recorded as a "no", so that the gate holds them at once.

Promise: whatever the person is reached by (mail address, postal address) is covered, also what is not in the register
yet; an objection needs no identification and no reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.principal import Principal
from campaigns.register import objections
from campaigns.register.permit import answering_a_no
from campaigns.rights import people, requests

_KEYS: Final[dict[objections.Subject, str]] = {"address": "email_key", "postal": "postal_key"}


def keys_of(connection: sa.Connection, contact_id: int) -> list[objections.SubjectKey]:
    """What a contact is reached by.

    Raises:
        NotFound: there is no such contact.
    """
    row = people.living(connection, contact_id)
    return [
        objections.SubjectKey(subject, row["key_id"], bytes(row[name]))
        for subject, name in _KEYS.items()
        if row[name] is not None
    ]


def object_to_everything(
    engine: sa.Engine, asked: requests.Asked, key: objections.SubjectKey | None, principal: Principal
) -> int:
    """Record an objection and its request, closed at once; its number. It binds when this returns. `key` is the
    address of somebody who is no contact.

    Raises:
        NotFound: there is no such contact.
        Unreachable: the database is away, or the outcome is unknown; do it again.
    """
    demand(principal, Operation.REQUEST_OPEN)
    with answering_a_no(engine) as connection:
        number = requests.open_request(connection, asked, principal)
        own = [key] if key is not None else []
        keys = keys_of(connection, asked.contact_id) if asked.contact_id is not None else own
        say_no(connection, "objection", keys, f"request {number}", principal)
        requests.fulfil(connection, number, frozenset({"objection"}), principal)
    return number


def say_no(
    connection: sa.Connection,
    kind: objections.SuppressionKind,
    keys: Sequence[objections.SubjectKey],
    evidence: str,
    principal: Principal,
) -> bool:
    """Record a "no" of everything; True where any of it is new."""
    noes = [objections.No(kind, key, objections.Scope(), "rights request", evidence) for key in keys]
    recorded = [objections.suppress(connection, no, principal) for no in noes]
    return any(recorded)
