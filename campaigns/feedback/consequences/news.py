"""What every consequence is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from campaigns.address import parse_email
from campaigns.errors import AddressFault
from campaigns.feedback.event import FeedbackEvent
from campaigns.feedback.trust import Sent
from campaigns.principal import Principal
from campaigns.register.objections import SubjectKey


@dataclass(frozen=True)
class News:
    """An event that may act: about which delivery, heard when, applied by whom, in which transaction."""

    connection: sa.Connection
    event: FeedbackEvent
    sent: Sent
    principal: Principal
    now: datetime

    @property
    def evidence(self) -> str:
        """What a change rests on, without an address."""
        return f"{self.event.source} event {self.event.event_id}"

    @property
    def key(self) -> SubjectKey:
        """The address that the delivery went to."""
        return SubjectKey("address", self.sent.key_id, self.sent.address_key or b"")

    @property
    def misses(self) -> str:
        """Why it is not about the person's present address: `outdated`, `others`, or nothing."""
        if not self.sent.is_current:
            return "outdated"
        if self.event.named and not names(self.event.named, self.sent.email or ""):
            return "others"
        return ""


def names(named: tuple[str, ...], address: str) -> bool:
    """Whether the address is among those that a report names, whatever their spelling."""
    wanted = parse_email(address).comparison_text
    for text in named:
        try:
            if parse_email(text).comparison_text == wanted:
                return True
        except AddressFault:
            continue
    return False
