"""Reading delivery status notifications and automatic replies. Pure.

Promise: never raises on any octets; what cannot be read is kind `unreadable`. The same message with CRLF,
LF or CR gives the same reading. Only `Action: failed` is a failure; delayed, delivered, relayed and
expanded are told apart. Sources: RFC 3464 2.1-2.3, RFC 6522, RFC 6533 3, RFC 3834 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from campaigns.feedback.classify import classify
from campaigns.feedback.event import plain
from campaigns.feedback.mime import (
    MESSAGE_OCTETS,
    Fields,
    Part,
    leaves,
    read_fields,
    read_message,
)

__all__ = ["MESSAGE_OCTETS", "RecipientReport", "Report", "read_report"]

RECIPIENTS: Final = 1_000
_STATUS_PARTS: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED_PARTS: Final = frozenset(
    {
        "message/rfc822",
        "message/global",
        "text/rfc822-headers",
        "message/rfc822-headers",
        "message/global-headers",
    }
)
#: What an action means where it is no failure; unknown words are taken as no news.
_ACTIONS: Final = {
    "failed": "failed",
    "delayed": "delayed",
    "delivered": "delivered",
    "relayed": "delivered",
    "expanded": "delivered",
}
_ACTION_BY_CLASS: Final = {"2": "delivered", "4": "delayed", "5": "failed"}
_ENHANCED: Final = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_UNICODE_POINT: Final = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_SOURCE_ROUTE: Final = re.compile(r"^@[^:]*:")
_ADDRESSED: Final = ("to", "delivered-to", "x-original-to", "envelope-to")


@dataclass(frozen=True)
class RecipientReport:
    """What a report says of one recipient; `kind` is its class: hard, soft, policy, full, other, delayed,
    delivered."""

    recipient: str
    kind: str
    status: str
    action: str
    diagnostic: str
    original: str = ""


@dataclass(frozen=True)
class Report:
    """One message read: its kind (bounce, delayed, delivered, auto-reply, other, unreadable), its
    recipients, and where a token of ours may stand: Message-IDs and return paths of the messages
    returned, addresses it was sent to."""

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
    """Read one message; of more than MESSAGE_OCTETS only the beginning."""
    try:
        message = read_message(raw)
        parts = list(leaves(message))
        if not message.fields.items:
            return Report("unreadable")
        return _read(message, parts)
    except Exception:  # noqa: BLE001 (hostile octets: whatever reading them raises, the message is kept)
        return Report("unreadable")


def _read(message: Part, parts: list[Part]) -> Report:
    recipients = tuple(
        report for part in parts if part.fields.content_type in _STATUS_PARTS for report in _recipients(part)
    )
    returned = [read_fields(part.content) for part in parts if part.fields.content_type in _RETURNED_PARTS]
    addressed = [message.fields.get(name) for name in _ADDRESSED]
    return Report(
        _kind(message, recipients),
        recipients[:RECIPIENTS],
        tuple(filter(None, (fields.get("message-id") for fields in returned))),
        tuple(filter(None, [*addressed, *(fields.get("return-path") for fields in returned)])),
    )


def _kind(message: Part, recipients: tuple[RecipientReport, ...]) -> str:
    actions = {_ACTIONS.get(report.action, "") for report in recipients}
    for action, kind in (("failed", "bounce"), ("delayed", "delayed"), ("delivered", "delivered")):
        if action in actions:
            return kind
    return "auto-reply" if not recipients and _is_reply(message.fields) else "other"


def _is_reply(fields: Fields) -> bool:
    """Whether a program answered in somebody's place: absence notes and the like."""
    submitted = fields.get("auto-submitted").lower()
    replied = bool(submitted) and not submitted.startswith(("no", "auto-generated"))
    precedence = fields.get("precedence").lower() in {"auto_reply", "bulk", "junk"}
    return replied or precedence or bool(fields.get("x-auto-response-suppress") or fields.get("x-autoreply"))


def _recipients(part: Part) -> Iterator[RecipientReport]:
    """The recipients of a status part. Some systems put several into one block, so each Final-Recipient
    begins one."""
    for block in re.split(rb"\n[ \t]*\n", part.content, maxsplit=RECIPIENTS + 1):
        group: list[tuple[str, str]] = []
        for item in read_fields(block.strip(b"\n")).items:
            if item[0] in {name for name, _ in group} & {"final-recipient", "original-recipient"}:
                yield from _recipient(Fields(tuple(group)))
                group = []
            group.append(item)
        yield from _recipient(Fields(tuple(group)))


def _recipient(fields: Fields) -> Iterator[RecipientReport]:
    original, final = (_address(fields.get(f"{which}-recipient")) for which in ("original", "final"))
    if not (final or original):
        return
    diagnostic = plain(fields.get("diagnostic-code"))
    found = _ENHANCED.search(fields.get("status"))
    status = found[0] if found else ""
    words = fields.get("action").lower().split() or [_ACTION_BY_CLASS.get(status[:1], "")]
    meaning = _ACTIONS.get(words[0], "other")
    kind = classify(status, diagnostic) if meaning == "failed" else meaning
    yield RecipientReport(final or original, kind, status, plain(words[0], 20), diagnostic, original)


def _address(text: str) -> str:
    """The address of `rfc822; a@b.example`, whatever its type; code points of RFC 6533 as characters."""
    address = text.partition(";")[2] if ";" in text else text
    spelled = plain(_UNICODE_POINT.sub(_character, address), 320).strip("<> ")
    return _SOURCE_ROUTE.sub("", spelled)


def _character(found: re.Match[str]) -> str:
    point = int(found[1], 16)
    return chr(point) if point <= 0x10FFFF else ""
