"""Clearances for tests of transports. In the product only the gate makes them; tests may take its seal."""

from collections.abc import Callable

from campaigns.clock import boot_seconds
from campaigns.delivery.transport import Letter
from campaigns.register.clearance import _GATE_SEAL, Clearance, Verdict, Withheld


def clearance_for(letter: Letter, seconds: float = 60.0) -> Clearance:
    """A yes for exactly this letter, good for so many seconds; negative for one that ran out."""
    return Clearance(letter.delivery, letter.envelope.recipient, boot_seconds() + seconds, _GATE_SEAL)


def always(letter: Letter) -> Callable[[], Verdict]:
    """A gate that says yes to this letter whenever it is asked."""
    return lambda: clearance_for(letter)


class Gate:
    """A gate whose answers are listed beforehand: "yes", "no", or "late" (a yes that ran out); then always yes."""

    def __init__(self, letter: Letter, *answers: str) -> None:
        self._letter = letter
        self._answers = list(answers)
        self.asked = 0

    def __call__(self) -> Verdict:
        self.asked += 1
        answer = self._answers.pop(0) if self._answers else "yes"
        if answer == "no":
            return Withheld(self._letter.delivery, "objection")
        return clearance_for(self._letter, -1.0 if answer == "late" else 60.0)
