"""Transfers outside the EEA, told in the audit log: on which ground, and approved by whom.

Promise: once noted, each ground that lets data leave the EEA stands in the log with who approved it, once for each
wording; another ground or approver is another entry.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa

from campaigns.principal import Principal
from campaigns.register import audit
from campaigns.register.processors import Party, outside
from campaigns.store import schema

ALLOWED: Final = "processor:transfer:allow"


def note_transfers(connection: sa.Connection, parties: Iterable[Party], principal: Principal) -> list[str]:
    """Tell in the audit log on which ground data may leave the EEA, and approved by whom, where it does not yet;
    whose entries were new."""
    noted = []
    for party in outside(parties):
        approved = (
            f"approved by {party.transfer_approved_by}" if party.transfer_approved_by else "nobody named"
        )
        evidence = f"{party.label}, {party.country}: {party.transfer_ground}; {approved}"
        entry = schema.audit.c
        known = sa.select(entry.id).where(entry.tag == ALLOWED, entry.evidence == evidence).limit(1)
        if connection.execute(known).first() is None:
            audit.write(
                connection, audit.Entry(principal, ALLOWED, [party.label.replace(" ", ":")], evidence)
            )
            noted.append(party.key)
    return noted
