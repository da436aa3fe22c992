"""The statuses of a delivery and the moves between them, as one table. Pure.

`accepted` means that the smarthost (or the closed print file) took responsibility. What is heard later is
an event about a delivery, never a status of it. The diagram in the docs and the conditions of the ledger's
updates come from this table.
"""

from __future__ import annotations

from typing import Final, Literal

Status = Literal[
    "pending", "sending", "accepted", "rejected", "deferred", "uncertain", "withheld", "expired", "cancelled"
]

#: From a status to those that may follow, each with what makes it so.
MOVES: Final[dict[Status, dict[Status, str]]] = {
    "pending": {
        "sending": "claimed",
        "withheld": "the gate said no at the claim, or the same person gets it already",
        "uncertain": "the register was restored from a backup",
        "expired": "deadline passed",
        "cancelled": "campaign cancelled",
    },
    "deferred": {
        "sending": "claimed again when due",
        "withheld": "the gate said no at the claim, or the same person gets it already",
        "uncertain": "the register was restored from a backup",
        "expired": "deadline passed",
        "cancelled": "campaign cancelled",
    },
    "sending": {
        "accepted": "the final reply was positive",
        "rejected": "a permanent reply",
        "deferred": "a transient reply",
        "uncertain": "the final reply was lost",
        "withheld": "the gate said no, or the message could not be made",
        "pending": "proof that nothing was begun",
        "expired": "a transient reply after the deadline",
    },
    "uncertain": {
        "accepted": "late evidence, or a person's word",
        "rejected": "late evidence, or a person's word",
        "pending": "proof that nothing was begun, or a person has it sent again",
        "expired": "the same proof after the campaign was closed, or a person's word",
    },
    "accepted": {},
    "rejected": {},
    "withheld": {},
    "expired": {},
    "cancelled": {},
}

#: Statuses in which a delivery still waits for something.
OPEN: Final = ("pending", "sending", "deferred")
#: Statuses from which evidence about an attempt may still move a delivery.
SETTLED_BY_EVIDENCE: Final = ("sending", "uncertain")


def may_follow(before: Status, after: Status) -> bool:
    """Whether a delivery may go from one status to the other."""
    return after in MOVES[before]
