"""Reading delivery status notifications and automatic replies. Pure.

Promise: never raises on any octets; what cannot be read is kind `unreadable`. The same message with CRLF,
LF or CR gives the same reading. Only `Action: failed` is a failure; delayed, delivered, relayed and
expanded are told apart. Sources: RFC 3464 2.3, RFC 6522, RFC 3834 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message
from typing import Any, Final

from campaigns.feedback.classify import classify

MESSAGE_OCTETS: Final = 10_000_000
_PARTS: Final = 200
_FIELD_CHARACTERS: Final = 1_000


@dataclass(frozen=True)
class RecipientReport:
    """What a report says of one recipient; `kind` is its class."""

    recipient: str
    kind: str
    status: str
    action: str
    diagnostic: str


@dataclass(frozen=True)
class Report:
    """One message read: its kind, its recipients, and the headers of the message that it returns."""

    kind: str
    recipients: tuple[RecipientReport, ...] = ()
    message_ids: tuple[str, ...] = ()
    addressed_to: tuple[str, ...] = ()

    def as_contract(self) -> dict[str, Any]:
        """The shape that `utskick feedback parse` prints."""
        events = [
            {
                "recipient": item.recipient,
                "class": item.kind,
                "status": item.status,
                "action": item.action,
                "diagnostic": item.diagnostic,
            }
            for item in self.recipients
        ]
        return {"kind": self.kind, "events": events}


def read_report(raw: bytes) -> Report:
    """Read one message."""
    if len(raw) > MESSAGE_OCTETS:
        return Report("unreadable")
    raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        return _read(message_from_bytes(raw, policy=policy.compat32))
    except Exception:  # noqa: BLE001 (the standard parser meets hostile input here; whatever it raises means this)
        return Report("unreadable")


def _read(message: Message) -> Report:
    parts = [part for part, _ in zip(message.walk(), range(_PARTS), strict=False)]
    recipients = tuple(_recipients(parts))
    found = {
        "message_ids": tuple(_returned_ids(parts)),
        "addressed_to": tuple(_field(message, name) for name in ("To", "Delivered-To", "X-Original-To")),
    }
    if recipients:
        failed = any(item.action == "failed" for item in recipients)
        return Report("bounce" if failed else recipients[0].action or "other", recipients, **found)
    if _is_automatic(message):
        return Report("auto-reply", (), **found)
    return Report("other", (), **found)


def _recipients(parts: list[Message]) -> Iterator[RecipientReport]:
    for part in parts:
        if part.get_content_type() not in ("message/delivery-status", "message/global-delivery-status"):
            continue
        blocks = part.get_payload()
        for block in blocks if isinstance(blocks, list) else ():
            if isinstance(block, Message) and (block["Final-Recipient"] or block["Original-Recipient"]):
                yield _recipient(block)


def _recipient(block: Message) -> RecipientReport:
    address = _field(block, "Final-Recipient") or _field(block, "Original-Recipient")
    status, action = _field(block, "Status").split(" ")[0], _field(block, "Action").lower()
    diagnostic = _field(block, "Diagnostic-Code")
    kind = classify(status, diagnostic) if action == "failed" else action or "other"
    return RecipientReport(address.rpartition(";")[2].strip().strip("<>"), kind, status, action, diagnostic)


def _returned_ids(parts: list[Message]) -> Iterator[str]:
    for part in parts[1:]:
        if part.get_content_type() in ("text/rfc822-headers", "message/global-headers"):
            payload = part.get_payload()
            text = payload if isinstance(payload, str) else ""
            found = re.search(r"(?im)^message-id:\s*(<[^<>\s]{3,200}>)", text[:100_000])
            if found:
                yield found.group(1)
        elif part["Message-ID"]:
            yield _field(part, "Message-ID")


def _is_automatic(message: Message) -> bool:
    submitted = _field(message, "Auto-Submitted").lower()
    return (bool(submitted) and not submitted.startswith("no")) or bool(message["X-Auto-Response-Suppress"])


def _field(message: Message, name: str) -> str:
    return " ".join(str(message[name] or "").split())[:_FIELD_CHARACTERS]
