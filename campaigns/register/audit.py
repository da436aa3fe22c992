"""The audit log: who did what to whose data, on what evidence.

Promise: every change of the register leaves exactly one entry in the same transaction, so an entry exists
if and only if the change does. Values stand in a row of their own that can be redacted; the entry keeps
salted hashes of them, so that redaction leaves the log checkable. Tags read `subject:object:action`, e.g.
`contact:subscription:unsubscribe`.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.principal import Principal
from campaigns.store import schema

_TAG = re.compile(r"[a-z_]+:[a-z_]+:[a-z_]+")
_SALT_OCTETS = 16

Values = Mapping[str, Any] | None


@dataclass(frozen=True)
class Entry:
    """One entry: `subjects` are ids ("contact:17"), `evidence` says what the change rests on and holds no address."""

    principal: Principal
    tag: str
    subjects: Sequence[str]
    evidence: str
    old: Values = None
    new: Values = None

    def __post_init__(self) -> None:
        if not _TAG.fullmatch(self.tag):
            raise ValueError(f"audit tag {self.tag!r} is not subject:object:action")


def write(connection: sa.Connection, entry: Entry) -> int:
    """Write one entry within the caller's transaction; returns its id."""
    salt = secrets.token_bytes(_SALT_OCTETS)
    audit_id: int = connection.execute(
        sa.insert(schema.audit)
        .values(
            at=utc_now(),
            principal=entry.principal.name,
            tag=entry.tag,
            subjects=list(entry.subjects),
            evidence=entry.evidence,
            salt=salt,
            old_hash=_salted(salt, entry.old),
            new_hash=_salted(salt, entry.new),
        )
        .returning(schema.audit.c.id)
    ).scalar_one()
    if entry.old is not None or entry.new is not None:
        connection.execute(
            sa.insert(schema.audit_value).values(
                audit_id=audit_id, old=_plain(entry.old), new=_plain(entry.new)
            )
        )
    return audit_id


def _salted(salt: bytes, values: Values) -> bytes | None:
    if values is None:
        return None
    text = json.dumps(_plain(values), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(salt + text.encode()).digest()


def _plain(values: Values) -> dict[str, Any] | None:
    return None if values is None else {key: _json_value(value) for key, value in values.items()}


def _json_value(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | bool | list | dict) else str(value)
