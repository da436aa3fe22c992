"""Entries about what is known by a fingerprint, with the person whose it is.

Promise: where an entry's evidence may name somebody, the entry names the person with that address, if there is one, so
that erasure finds and redacts it. Nobody is looked for where there is nothing to redact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from campaigns.register import audit, persons


def write(connection: sa.Connection, entries: Sequence[audit.Entry], keys: Sequence[bytes | None]) -> None:
    """Write entries, each about an address with the fingerprint beside it (None: about no person's)."""
    pairs = list(zip(entries, keys, strict=True))
    asked = {key for entry, key in pairs if key is not None and entry.stands_beside}
    whose: dict[bytes | None, int] = {}
    for member in persons.of_keys(connection, asked) if asked else ():
        for key in (member.email_key, member.postal_key):
            if key is not None:
                whose.setdefault(bytes(key), member.root)
    audit.write_many(connection, [_about(entry, whose.get(key)) for entry, key in pairs])


def _about(entry: audit.Entry, contact: int | None) -> audit.Entry:
    return entry if contact is None else replace(entry, subjects=[*entry.subjects, f"contact:{contact}"])
