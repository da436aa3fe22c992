"""What one message turned out to be: its kind, and a verdict per recipient. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from campaigns.feedback.event import BounceClass

#: What a verdict says of its recipient.
Class = Literal[BounceClass, "auto-reply", "complaint", "delivered", "delayed"]
#: What a message is; `stop` is a person's reply that asks for no more mail, `receipt` an MDN (RFC 8098).
MessageKind = Literal[
    "bounce",
    "delayed",
    "delivered",
    "complaint",
    "not-spam",
    "authentication",
    "auto-reply",
    "receipt",
    "challenge",
    "unsubscribe",
    "stop",
    "reply",
    "other",
    "unreadable",
]


@dataclass(frozen=True)
class RecipientReport:
    """What a message says of one recipient. `status` is an enhanced status code, `original` the address that
    the sender wrote to where another one failed, `certain` whether more than one sign speaks for it, `why`
    the rule by which it was read."""

    recipient: str
    kind: Class
    status: str
    action: str
    diagnostic: str
    original: str = ""
    certain: bool = True
    why: str = ""


@dataclass(frozen=True)
class Returned:
    """What a message says of the one that it answers: where a token of ours may stand."""

    message_ids: tuple[str, ...] = ()
    return_paths: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    sender: str = ""


@dataclass(frozen=True)
class Report:
    """One message read. `message_ids` and `addressed_to` are where a token of ours may stand: Message-IDs and
    return paths of the messages returned or answered, addresses it was sent to. `system` is the mail system
    that wrote a notice, `sender` the address of who wrote; `wants_nothing` says that a person's words ask for
    no marketing at all."""

    kind: MessageKind
    recipients: tuple[RecipientReport, ...] = ()
    message_ids: tuple[str, ...] = ()
    addressed_to: tuple[str, ...] = ()
    system: str = ""
    sender: str = ""
    wants_nothing: bool = False

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

    def explained(self) -> dict[str, Any]:
        """The same with the reasons: confidence and rule of every verdict, and the mail system."""
        shown = self.as_contract()
        for event, item in zip(shown["events"], self.recipients, strict=True):
            event["confidence"] = "high" if item.certain else "low"
            event["why"] = item.why
        return {**shown, "system": self.system}
