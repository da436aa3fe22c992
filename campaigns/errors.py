"""Every error that a caller may want to tell apart.

    UtskickError
    ├── InputError                  something handed in is wrong; says where and what to do
    │   ├── SettingsError           all faults of the settings at once
    │   ├── SubmissionRefused       all faults of one submission, with their paths
    │   ├── TemplateFault           file, line and column of a template that does not compile
    │   └── AddressFault            an e-mail or postal address that cannot be used
    ├── RefusedOperation            the request is understood and not allowed in this state
    │   ├── NotFound                the thing named does not exist
    │   └── NotAllowed              whoever asks has not the level for it, or could not prove who they are
    ├── KeysFault                   secrets are lost, foreign or too open; nothing may start (fails closed)
    ├── GuardRefused                a processor without contract, or outside the EEA without a ground
    ├── GateClosed                  the gate cannot be asked or is halted: nothing is sent
    └── Unreachable                 database, queue or smarthost is away; trying again is sensible

An error raised without text says the first line of its class docstring, so wording lives once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class UtskickError(Exception):
    """Something went wrong."""

    def __str__(self) -> str:
        text = super().__str__()
        return text or (type(self).__doc__ or "").split("\n", 1)[0]


class InputError(UtskickError):
    """Something that was handed in cannot be used."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong with an input: where (a dotted path, a row, a file:line:column) and what to do."""

    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


class FaultyInput(InputError):
    """An input with one or more faults; all are listed, not only the first, and each once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(dict.fromkeys(faults))
        super().__init__("\n".join(map(str, self.faults)))


class SettingsError(FaultyInput):
    """The settings cannot be used; nothing was started."""


class SubmissionRefused(FaultyInput):
    """The submission breaks its contract; it is kept with all its faults."""


class TemplateFault(InputError):
    """A template does not compile."""

    def __init__(self, problem: str, *, file: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{file}:{line}:{column}: {problem}")
        self.file, self.line, self.column, self.problem = file, line, column, problem


class AddressFault(InputError):
    """The address cannot be used."""


class RefusedOperation(UtskickError):
    """The operation is not allowed in this state."""


class NotFound(RefusedOperation):
    """There is no such thing in the register."""


class NotAllowed(RefusedOperation):
    """Whoever asks may not do this."""


class KeysFault(UtskickError):
    """The secrets do not belong to this register, or are lost: nothing may start."""


class GuardRefused(UtskickError):
    """A processor may not be used: its contract ended or its region has no transfer ground."""


class ContractEnded(GuardRefused):
    """A processor's contract, or a recipient's permission, has had its last day."""


class GateClosed(UtskickError):
    """The gate cannot be asked: nothing is handed over."""


class Unreachable(UtskickError):
    """A server that is needed does not answer; trying again later is sensible."""
