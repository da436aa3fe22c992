"""The statuses of a campaign and the moves between them, as one table. Pure.

A campaign that is held (`paused` by a person or by a missed start, `halted` by a rule) keeps its place: it goes on
where the ledger says. The diagram in the docs and the conditions of the updates come from this table.
"""

from __future__ import annotations

from typing import Final, Literal

Status = Literal["scheduled", "expanding", "sending", "completed", "paused", "halted", "cancelled"]

_PAUSED: Final = "a person paused it"
_HALTED: Final = "its share of bounces or complaints passed the limit"
_CANCELLED: Final = "a person cancelled it"
_DONE_WHILE_HELD: Final = "its deadline passed while it was held"

#: From a status to those that may follow, each with what makes it so.
MOVES: Final[dict[Status, dict[Status, str]]] = {
    "scheduled": {
        "expanding": "its start has come",
        "paused": "a person paused it, or its start was missed",
        "cancelled": _CANCELLED,
    },
    "expanding": {
        "sending": "every row is written",
        "paused": _PAUSED,
        "cancelled": _CANCELLED,
    },
    "sending": {
        "completed": "nothing waits any more",
        "paused": _PAUSED,
        "halted": _HALTED,
        "cancelled": _CANCELLED,
    },
    "paused": {
        "scheduled": "resumed, not yet expanded as a whole",
        "sending": "resumed",
        "completed": _DONE_WHILE_HELD,
        "cancelled": _CANCELLED,
    },
    "halted": {
        "sending": "resumed",
        "paused": _PAUSED,
        "completed": _DONE_WHILE_HELD,
        "cancelled": _CANCELLED,
    },
    "completed": {"sending": "a person has uncertain deliveries sent again"},
    "cancelled": {},
}

#: Statuses in which nothing is handed over until a person says so.
HELD: Final[tuple[Status, ...]] = ("paused", "halted")
#: Statuses in which nothing waits, for ever or until a person sends uncertain deliveries again.
CLOSED: Final[tuple[Status, ...]] = ("completed", "cancelled")

#: Why a campaign is held: a person asked, its start was missed, it is being cancelled, a limit was passed, somebody
#: else has to approve it, or its author may submit no more.
HoldReason = Literal[
    "asked",
    "missed_start",
    "cancelling",
    "hard_bounces",
    "complaints",
    "authentication",
    "approval",
    "author_left",
]


def may_follow(before: Status, after: Status) -> bool:
    """Whether a campaign may go from one status to the other."""
    return after in MOVES[before]


def leads_to(after: Status) -> tuple[Status, ...]:
    """The statuses from which a campaign may come to this one."""
    return tuple(before for before, moves in MOVES.items() if after in moves)
