"""The tables of the settings about who handles personal data for us, and who may be given it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

from campaigns.errors import Fault
from campaigns.register.processors import EEA, SELF, Party, Processor, Recipient, outside
from workers import settings_checks as checks
from workers.settings_access import ApprovalTable

Text = Annotated[str, Field(min_length=1, max_length=200)]


class _Party(BaseModel):
    model_config = checks.STRICT

    name: Text
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    ends: date | None = None
    transfer_ground: Text | None = None
    transfer_approved_by: Text | None = None


class ProcessorTable(_Party):
    """A company that handles personal data for the controller."""

    role: Text
    contract: Text

    def processor(self, key: str) -> Processor:
        """The processor as the register knows it."""
        return Processor(key, **self.model_dump())


class RecipientTable(_Party):
    """Somebody who may be given exports: `ground` is the agreement, consent or law that allows it."""

    ground: Text

    def recipient(self, key: str) -> Recipient:
        """The recipient as the register knows it."""
        return Recipient(key, contract=self.ground, **self.model_dump(exclude={"ground"}))


def party_faults(
    recipients: Mapping[str, RecipientTable],
    processors: Mapping[str, ProcessorTable],
    approval: ApprovalTable,
) -> Iterator[Fault]:
    """Recipients that may never be given anything, names that are taken, and transfers outside the EEA that nobody is
    named to have approved, where the settings ask for it."""
    for key, table in recipients.items():
        if key == SELF or key in processors:
            problem = "this name is taken by a processor, which may be given exports as it is"
            yield Fault(f"recipients.{key}", problem)
        if table.country not in EEA and not table.transfer_ground:
            yield Fault(f"recipients.{key}", f"{table.country} is outside the EEA; name a transfer_ground")
    parties = [(f"processors.{key}", table.processor(key)) for key, table in processors.items()]
    told: list[tuple[str, Party]] = [
        *parties,
        *((f"recipients.{k}", it.recipient(k)) for k, it in recipients.items()),
    ]
    for place, party in told:
        if approval.transfers and outside([party]) and not party.transfer_approved_by:
            yield Fault(
                place, f"{party.country} is outside the EEA; say who approved it: transfer_approved_by"
            )
