"""Reading complaints: reports of the Abuse Reporting Format, and Microsoft's own form. Pure.

Promise: only a report that says abuse, fraud, virus, opt-out or nothing is a complaint; `not-spam` is its
contrary and a failed authentication is about us, not about a person. Sources: RFC 5965 3, RFC 6430, RFC 6591.
"""

from __future__ import annotations

from typing import Final

from campaigns.feedback.addresses import addresses, first_address, speaks_for_a_system
from campaigns.feedback.mime import Fields, Part, read_fields
from campaigns.feedback.report import Class, MessageKind, RecipientReport

REPORT_PARTS: Final = frozenset({"message/feedback-report"})
RECIPIENTS: Final = 100
_KINDS: Final[dict[str, MessageKind]] = {
    "abuse": "complaint",
    "fraud": "complaint",
    "virus": "complaint",
    "other": "complaint",
    "opt-out": "complaint",
    "opt-out-list": "complaint",
    "complaint": "complaint",
    "miscategorized": "not-spam",
    "not-spam": "not-spam",
    "auth-failure": "authentication",
    "dmarc": "authentication",
}
_NAMING: Final = ("original-rcpt-to", "removal-recipient", "redacted-address")
#: Where Microsoft's and other loops write whom the message went to.
_RETURNED_NAMING: Final = (
    "x-hmxmroriginalrecipient",
    "x-rcpt-to",
    "x-apparently-to",
    "to",
    "x-original-to",
    "delivered-to",
)


def read_complaint(
    reports: list[Part], returned: list[Fields]
) -> tuple[MessageKind, tuple[RecipientReport, ...]]:
    """The kind of a feedback report, and whom it is about as far as anybody says."""
    fields = read_fields(reports[0].content.lstrip(b"\n"))
    type_ = fields.get("feedback-type").lower().strip()
    kind = _KINDS.get(type_, "complaint")
    named = [address for name in _NAMING for value in fields.all(name) for address in addresses(value)]
    recipients = list(dict.fromkeys(named)) or _addressed(returned)
    return kind, _verdicts(kind, recipients, f"feedback type {type_ or 'unknown'}")


def is_microsoft_complaint(fields: Fields, returned: list[Fields]) -> bool:
    """Whether this is a report of Outlook.com's junk mail programme, which comes without a report part."""
    return any(inner.get("x-hmxmroriginalrecipient") for inner in returned) and (
        "complaint about message from" in fields.get("subject").lower()
        or "staff@" in fields.get("from").lower()
    )


def microsoft_complaint(returned: list[Fields]) -> tuple[RecipientReport, ...]:
    """Whom such a report is about."""
    named = [inner.get("x-hmxmroriginalrecipient") for inner in returned]
    return _verdicts(
        "complaint", [address for text in named for address in addresses(text)], "junk mail report"
    )


def _addressed(returned: list[Fields]) -> list[str]:
    for fields in returned:
        for name in _RETURNED_NAMING:
            found = first_address(fields.get(name))
            if found and not speaks_for_a_system(found):
                return [found]
    return []


def _verdicts(kind: MessageKind, recipients: list[str], why: str) -> tuple[RecipientReport, ...]:
    word: Class = "complaint" if kind == "complaint" else "other"
    shown = recipients[:RECIPIENTS] or [""]
    return tuple(RecipientReport(address, word, "", "", "", why=why) for address in shown)
