"""The gate's two answers, as types.

A `Clearance` is the only thing that a transport takes a message with. It names one delivery and one
address, carries the moment until which it is good, and can be made by nothing but the gate
(`campaigns.register.suppression`): the constructor wants a seal that is private to this package, and an
architecture test forbids anybody else to fetch it. `Withheld` is the other answer; it names the reason.
There is no third.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

Channel = Literal["email", "post"]


class DeliveryRef(NamedTuple):
    """Which delivery: the campaign's id, the number of the row within that campaign."""

    campaign: int
    number: int

    def __str__(self) -> str:
        return f"{self.campaign}.{self.number}"


_GATE_SEAL: Final = object()


@dataclass(frozen=True, slots=True)
class Clearance:
    """The gate's yes for one delivery to one address, good until `valid_until` (seconds of `clock.boot_seconds`)."""

    delivery: DeliveryRef
    address: str
    valid_until: float
    seal: object = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.seal is not _GATE_SEAL:
            raise TypeError("only the gate makes a Clearance")

    def covers(self, delivery: DeliveryRef, address: str, now: float) -> bool:
        """Whether this yes is for that delivery and address, and still good at `now` (boot seconds)."""
        return now < self.valid_until and delivery == self.delivery and address == self.address


@dataclass(frozen=True, slots=True)
class Withheld:
    """The gate's no. `reason` is one of the words listed in docs/states.md; `final` is False where the
    delivery only has to wait (its campaign is paused, the register is halted), so that its row goes back
    to pending."""

    delivery: DeliveryRef
    reason: str
    final: bool = True


Verdict = Clearance | Withheld
