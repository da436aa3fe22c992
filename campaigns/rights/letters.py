"""Where a person may stand in what others wrote: mail that was kept for people, told apart by words only they have.

Promise: `words_of` holds addresses and telephone numbers, also those of before that the audit log remembers; whatever
parked mail holds one of them, in plain text or in the usual transfer encodings, is blanked.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from typing import Any, Final

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.rights.reach import Person
from campaigns.store import schema

#: A number shorter than this may be anything.
_SHORTEST: Final = 7
_FIELDS: Final = ("email", "phone")
_BASE64: Final = re.compile(rb"(?:[A-Za-z0-9+/]{40,}[ \t]*\r?\n)*[A-Za-z0-9+/]{20,}={0,2}")
_AT_A_TIME: Final = 100


def words_of(connection: sa.Connection, whose: Person) -> frozenset[str]:
    """The words by which the person is found in files and in mail, in lower case."""
    contact, value = schema.contact.c, schema.audit_value.c
    present = connection.execute(
        sa.select(contact.email, contact.phone).where(contact.id.in_(whose.contacts))
    ).mappings()
    found: set[str] = {row[name] for row in present for name in _FIELDS if row[name]}
    further = schema.contact_address.c
    found |= set(
        connection.execute(sa.select(further.email).where(further.contact_id.in_(whose.contacts))).scalars()
    )
    logged = connection.execute(sa.select(value.old, value.new).where(value.contact_id.in_(whose.contacts)))
    for values in (it for row in logged for it in row if isinstance(it, dict)):
        found |= {values[name] for name in _FIELDS if isinstance(values.get(name), str)}
    return frozenset(word.lower() for word in found if len(word) >= _SHORTEST)


def blank_mail(connection: sa.Connection, words: frozenset[str]) -> int:
    """Blank the parked mail that holds one of the words, within the caller's transaction; how many."""
    table, octets = schema.parked_mail, [word.encode() for word in words]
    if not octets:
        return 0
    kept = sa.select(table.c.id, table.c.raw, table.c.recipient).where(table.c.blanked_at.is_(None))
    found: list[int] = []
    for some in connection.execute(kept.execution_options(yield_per=_AT_A_TIME)).partitions():
        found += [row.id for row in some if holds(_whole(row), octets)]
    if not found:
        return 0
    blanked: dict[str, Any] = {"raw": None, "recipient": None, "about_key": None, "blanked_at": utc_now()}
    return connection.execute(sa.update(table).where(table.c.id.in_(found)).values(blanked)).rowcount


def holds(content: bytes, words: list[bytes]) -> bool:
    """Whether one of the words stands in the content, as it is or encoded for transfer."""
    lower = content.lower()
    if any(word in lower for word in words):
        return True
    if b"quoted-printable" in lower and any(word in quopri.decodestring(content).lower() for word in words):
        return True
    return b"base64" in lower and any(word in text for text in _decoded(content) for word in words)


def _whole(row: Any) -> bytes:
    return bytes(row.raw or b"") + b"\n" + (row.recipient or "").encode()


def _decoded(content: bytes) -> list[bytes]:
    texts = []
    for run in _BASE64.findall(content):
        packed = b"".join(run.split())
        try:
            texts.append(base64.b64decode(packed[: len(packed) // 4 * 4]).lower())
        except binascii.Error:
            continue
    return texts
