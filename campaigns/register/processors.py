"""Who handles personal data for us, where, and until when: the guard before any hand-over.

Promise: nothing goes to a processor that is not declared, whose contract has ended, or that sits outside
the EEA without a named transfer ground (GDPR Art. 28 and 44-49). What stays on this machine belongs to the
processor `self`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from campaigns.errors import GuardRefused

#: The EU's member states and Iceland, Liechtenstein and Norway, as ISO 3166-1 alpha-2; AX is part of Finland.
EEA: Final = frozenset(
    [
        "AT",
        "AX",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IS",
        "IT",
        "LI",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "NO",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ]
)
SELF: Final = "self"


@dataclass(frozen=True)
class Processor:
    """One processor: `country` is where it processes (ISO alpha-2), `ends` the last day of its contract."""

    key: str
    name: str
    role: str
    country: str
    contract: str
    ends: date | None
    transfer_ground: str | None = None


def guard(processor: Processor, today: date) -> None:
    """Let a processor pass on `today`.

    Raises:
        GuardRefused: its contract has ended, or it is outside the EEA without a transfer ground.
    """
    if processor.ends is not None and processor.ends < today:
        raise GuardRefused(
            f"processor {processor.key}: contract {processor.contract!r} ended on {processor.ends}; nothing goes there"
        )
    if processor.country not in EEA and not processor.transfer_ground:
        raise GuardRefused(
            f"processor {processor.key}: {processor.country} is outside the EEA; name a transfer_ground"
        )
