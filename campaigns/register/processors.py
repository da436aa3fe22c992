"""Who handles personal data for us, and who is given it; where, and until when: the guard before any hand-over.

Promise: nothing goes to a processor or recipient that is not declared, whose contract or permission has ended, or that
sits outside the EEA without a named transfer ground (GDPR Art. 28 and 44-49). What stays on this
machine belongs to the processor `self`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from campaigns.errors import ContractEnded, GuardRefused

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
    """One processor: `country` is where it processes (ISO alpha-2), `ends` the last day of its contract; who approved a
    transfer outside the EEA is named beside its ground."""

    key: str
    name: str
    role: str
    country: str
    contract: str
    ends: date | None
    transfer_ground: str | None = None
    transfer_approved_by: str | None = None

    @property
    def label(self) -> str:
        """What it is called in the settings."""
        return f"processor {self.key}"


@dataclass(frozen=True)
class Recipient:
    """Somebody who may be given exports, and why (`contract`); `ends` is the last day."""

    key: str
    name: str
    country: str
    contract: str
    ends: date | None = None
    transfer_ground: str | None = None
    transfer_approved_by: str | None = None

    @property
    def label(self) -> str:
        """What it is called in the settings."""
        return f"recipient {self.key}"


Party = Processor | Recipient


def outside(parties: Iterable[Party]) -> list[Party]:
    """Those outside the EEA whom a transfer ground lets pass."""
    return [it for it in parties if it.country not in EEA and it.transfer_ground]


def ended(parties: Iterable[Party], today: date) -> list[Party]:
    """Those whose last day is over."""
    return [it for it in parties if it.ends is not None and it.ends < today]


def guard(party: Party, today: date) -> None:
    """Let somebody be given data on `today`.

    Raises:
        ContractEnded: its last day is over.
        GuardRefused: it is outside the EEA without a transfer ground.
    """
    if ended([party], today):
        raise ContractEnded(
            f"{party.label}: contract {party.contract!r} ended on {party.ends}; nothing goes there until a new "
            "one is entered with its last day (`ends`)"
        )
    if party.country not in EEA and not party.transfer_ground:
        raise GuardRefused(f"{party.label}: {party.country} is outside the EEA; name a transfer_ground")


def allowed_recipient(declared: Mapping[str, Party], wanted: str, today: date) -> Party:
    """Who is meant by a key or a name, of those who may be given exports on `today`.

    Raises:
        GuardRefused: nobody is declared so, or the guard does not let it pass.
    """
    named = (it for it in declared.values() if it.name.casefold() == wanted.strip().casefold())
    found = declared.get(wanted) or next(named, None)
    if found is None:
        keys = ", ".join(sorted(declared))
        raise GuardRefused(f"{wanted!r} is no declared recipient ([recipients.KEY]); there are: {keys}")
    guard(found, today)
    return found
