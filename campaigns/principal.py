"""Who acts: every change in the register names its principal.

`os:<login>` is the operator of the host that owns the secrets; `account:<name>` a person with an account of their own;
`contact:<id>` a person using a link of their own message; `service:<name>` a submitting or reporting system;
`process:<name>` the system's own work. What each may do is said by `campaigns.access`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """What a principal is trusted with. The last three follow from its kind, the others are given to accounts."""

    READER = "reader"
    EDITOR = "editor"
    SENDER = "sender"
    APPROVER = "approver"
    PRIVACY_OFFICER = "privacy_officer"
    ADMINISTRATOR = "administrator"
    REPORTER = "reporter"
    HOST = "host"
    PROCESS = "process"
    CONTACT = "contact"


@dataclass(frozen=True)
class Principal:
    """A named actor. The name goes into the audit log and never contains an address.

    `level` is that of an account or a service, as it stood when it proved who it is; without one it may do nothing.
    `scope` narrows it to some operations.
    """

    name: str
    level: Level | None = None
    scope: frozenset[str] | None = None

    def __post_init__(self) -> None:
        kind, _, rest = self.name.partition(":")
        if kind not in KINDS or not rest:
            raise ValueError(f"principal {self.name!r} is not <{'|'.join(sorted(KINDS))}>:<name>")

    def __str__(self) -> str:
        return self.name

    @property
    def kind(self) -> str:
        """What stands before the colon."""
        return self.name.partition(":")[0]

    @property
    def standing(self) -> Level | None:
        """The level that it acts with; None where nobody has given it one."""
        return _IMPLIED.get(self.kind, self.level)


KINDS = frozenset({"os", "account", "contact", "service", "process"})
#: Levels that an account or a service can be given.
GRANTED = (
    Level.READER,
    Level.EDITOR,
    Level.SENDER,
    Level.APPROVER,
    Level.PRIVACY_OFFICER,
    Level.ADMINISTRATOR,
    Level.REPORTER,
)
_IMPLIED = {"os": Level.HOST, "process": Level.PROCESS, "contact": Level.CONTACT}

WORKER = Principal("process:worker")
SCHEDULER = Principal("process:scheduler")
INBOUND = Principal("process:inbound")
