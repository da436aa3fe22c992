"""Objection and restriction (GDPR Art. 21(2) and 18): recorded as a "no", so that the gate holds them at once.

Promise: whatever the person is reached by (mail address, postal address) is covered, also what is not in the register
yet; an objection needs no identification and no reason. Call it inside `permit.answering_a_no`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from campaigns.principal import Principal
from campaigns.register import objections
from campaigns.rights import people

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
