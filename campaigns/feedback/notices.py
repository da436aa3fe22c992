"""Reading notices that a sending service mails as JSON text: Amazon SES by way of SNS. Pure.

Promise: never raises; what is no such notice is None. Source: Amazon SES Developer Guide, "Notification contents".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from campaigns.delivery.diagnosis import Said, enhanced_code
from campaigns.feedback.classify import classified
from campaigns.feedback.event import plain
from campaigns.feedback.report import RecipientReport, Returned

RECIPIENTS: Final = 200
_KINDS: Final = ("bounce", "complaint", "delivery", "deliverydelay")
_NOT_HARD: Final = frozenset(
    {"suppressed", "onaccountsuppressionlist", "contentrejected", "mailboxfull", "messagetoolarge"}
)


def read_notice(text: str) -> tuple[tuple[RecipientReport, ...], Returned] | None:
    """The verdicts of a notice and the message it is about; None where the text is none."""
    begin = text.find("{")
    if begin < 0 or (
        '"notificationType"' not in text and "notificationType" not in text and "eventType" not in text
    ):
        return None
    notice = _document(text[begin:])
    inner = notice.get("Message")
    notice = _document(inner) if isinstance(inner, str) else notice
    kind = str(notice.get("notificationType") or notice.get("eventType") or "").lower()
    if kind not in _KINDS:
        return None
    mail = notice.get("mail")
    return tuple(_verdicts(kind, notice)), _returned(mail if isinstance(mail, dict) else {})


def _document(text: str) -> dict[str, Any]:
    """The object that a text begins with; where mail has broken its lines, without the line ends."""
    for spelling in (text, text.replace("\n", "")):
        try:
            document, _ = json.JSONDecoder().raw_decode(spelling)
        except (ValueError, RecursionError):
            continue
        if isinstance(document, dict):
            return document
    return {}


def _verdicts(kind: str, notice: dict[str, Any]) -> Iterator[RecipientReport]:
    part = notice.get("deliveryDelay" if kind == "deliverydelay" else kind)
    part = part if isinstance(part, dict) else {}
    if kind == "delivery":
        answer = plain(_text(part, "smtpResponse"))
        for address in _listed(part, "recipients"):
            yield RecipientReport(
                _address(address), "delivered", "2.0.0", "delivered", answer, why="SES delivery"
            )
    elif kind == "complaint":
        for person in _listed(part, "complainedRecipients"):
            yield RecipientReport(_address(person), "complaint", "", "", "", why="SES complaint")
    elif kind == "deliverydelay":
        for person in _listed(part, "delayedRecipients"):
            yield _failed(person, "delayed", "delayed")
    else:
        permanent = _text(part, "bounceType").lower() == "permanent"
        sub_type = _text(part, "bounceSubType").lower()
        for person in _listed(part, "bouncedRecipients"):
            yield _failed(
                person, "failed", "" if permanent and sub_type not in _NOT_HARD else sub_type or "transient"
            )


def _failed(person: Any, action: str, but: str) -> RecipientReport:
    fields = person if isinstance(person, dict) else {}
    status, diagnostic = enhanced_code(_text(fields, "status").lower()), _text(fields, "diagnosticCode")
    kind, found = classified(Said(diagnostic, enhanced=status or None, own=not but))
    if action == "delayed":
        return RecipientReport(
            _address(person), "delayed", status, action, plain(diagnostic), why="SES delay"
        )
    if but and kind == "hard":
        kind = "other" if "suppress" in but else "soft"
    return RecipientReport(
        _address(person), kind, status, action, plain(diagnostic), certain=found.certain, why=found.why
    )


def _listed(part: dict[str, Any], name: str) -> list[Any]:
    items = part.get(name)
    return items[:RECIPIENTS] if isinstance(items, list) else []


def _address(person: Any) -> str:
    text = person.get("emailAddress") if isinstance(person, dict) else person
    return plain(text, 320).strip("<> ") if isinstance(text, str) else ""


def _text(part: dict[str, Any], name: str) -> str:
    value = part.get(name)
    return value[:2_000] if isinstance(value, str) else ""


def _returned(mail: dict[str, Any]) -> Returned:
    headers = mail.get("commonHeaders")
    common = headers if isinstance(headers, dict) else {}
    return Returned((_text(common, "messageId"),), (_text(mail, "source"),))
