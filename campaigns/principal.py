"""Who acts: every change in the register names its principal.

`os:<login>` is the operator of the host that owns the secrets; `contact:<id>` a person using a link of
their own message; `service:<name>` a submitting or reporting system; `process:<name>` the system's own
work.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Principal:
    """A named actor. The name goes into the audit log and never contains an address."""

    name: str

    def __post_init__(self) -> None:
        kind, _, rest = self.name.partition(":")
        if kind not in KINDS or not rest:
            raise ValueError(f"principal {self.name!r} is not <{'|'.join(sorted(KINDS))}>:<name>")

    def __str__(self) -> str:
        return self.name


KINDS = frozenset({"os", "contact", "service", "process"})

WORKER = Principal("process:worker")
SCHEDULER = Principal("process:scheduler")
INBOUND = Principal("process:inbound")
