"""What every transport takes and answers: types, and the two questions asked of the gate. No input or output.

Promise: a transport takes a message only with a `Clearance` for exactly that delivery and address; it asks the gate
again before the first octet of the content and, in full, before the octets that complete the message; it calls `begun`
before the latter. What then happened is one of five outcomes, none of which is an exception.
Fails: a clearance for something else is a programming error (`TypeError`, `ValueError`) and nothing is handed over; an
error of `begun`, or one of `recheck` other than `GateClosed`, passes through after the connection was cut, and nothing
is delivered.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from campaigns.clock import boot_seconds
from campaigns.delivery.replies import Cause, Stage, cause
from campaigns.errors import AddressFault, GateClosed, InputError
from campaigns.register.clearance import Clearance, DeliveryRef, Verdict, Withheld

LOCAL_PART_OCTETS: Final = 64
ADDRESS_OCTETS: Final = 254
LINE_OCTETS: Final = 998


class ContentFault(InputError):
    """The message cannot go on the wire as it is."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Return path and recipient as they go on the wire; an empty sender is the null return path.

    Domains are A-labels. Only the local part may be non-ASCII; such an envelope needs SMTPUTF8 (RFC 6531).

    Raises:
        AddressFault: anything that could be read as more than one plain address; the address is not repeated.
    """

    sender: str
    recipient: str

    def __post_init__(self) -> None:
        if self.sender and not _is_plain(self.sender):
            raise AddressFault("The envelope sender is not a plain address with an A-label domain.")
        if not _is_plain(self.recipient):
            raise AddressFault("The envelope recipient is not a plain address with an A-label domain.")

    @property
    def needs_smtputf8(self) -> bool:
        """Whether only a server with SMTPUTF8 can take this envelope."""
        return not (self.recipient.isascii() and self.sender.isascii())


@dataclass(frozen=True, slots=True)
class Letter:
    """One complete message for one recipient.

    `content` holds CRLF lines of at most 998 octets, none of which begins with a dot, and ends with CRLF; the composer
    makes it so. Content from anywhere else goes through `checked_letter`: looking at every line costs more than the
    whole hand-over, so transports do not look again.
    """

    delivery: DeliveryRef
    envelope: Envelope
    content: bytes


def checked_letter(delivery: DeliveryRef, envelope: Envelope, content: bytes) -> Letter:
    """A letter whose content does not come from the composer.

    Raises:
        ContentFault: see `wire_fault`.
    """
    if (fault := wire_fault(content)) is not None:
        raise ContentFault(fault)
    return Letter(delivery, envelope, content)


def wire_fault(content: bytes) -> str | None:
    """Why this content must not go on the wire, or None (RFC 5321 2.3.8, 4.5.2, 4.5.3.1.6)."""
    if not content.endswith(b"\r\n"):
        return "The message does not end with CRLF."
    if content.count(b"\r") != content.count(b"\r\n") or content.count(b"\n") != content.count(b"\r\n"):
        return "The message has a CR or LF that stands alone."
    if content.startswith(b".") or b"\r\n." in content:
        return "A line of the message begins with a dot."
    if any(len(line) > LINE_OCTETS for line in content.split(b"\r\n")):
        return f"A line of the message is longer than {LINE_OCTETS} octets."
    return None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The smarthost took responsibility."""

    code: int
    enhanced: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A permanent no to this message for this recipient. `text` may hold an address: for the database only."""

    code: int
    enhanced: str | None
    text: str
    stage: Stage

    @property
    def cause(self) -> Cause:
        """Why, as far as the answer tells."""
        return cause(self.code, self.enhanced, self.stage, self.text)


@dataclass(frozen=True, slots=True)
class Deferred:
    """Certainly not delivered, and worth another try.

    `spends_attempt` is False where this recipient has nothing to do with it (smarthost away, 421, connection cut before
    the final dot). `code` is None where no answer came. `text` may hold an address: for the database only.
    """

    code: int | None
    enhanced: str | None
    text: str
    stage: Stage
    spends_attempt: bool

    @property
    def cause(self) -> Cause:
        """Why, as far as the answer tells."""
        return cause(self.code, self.enhanced, self.stage, self.text)


@dataclass(frozen=True, slots=True)
class Uncertain:
    """The message was completed, and no answer that can be understood came back (RFC 1047)."""

    text: str


@dataclass(frozen=True, slots=True)
class NotBegun:
    """The gate stopped it before it was complete: nothing was delivered. `verdict` is None if no answer was had."""

    verdict: Withheld | None
    text: str


Outcome = Accepted | Rejected | Deferred | Uncertain | NotBegun
Recheck = Callable[[], Verdict]
Begun = Callable[[DeliveryRef], None]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Longest waits in seconds, each for one command and its whole reply (RFC 5321 4.5.3.2).

    A short `dot` is the classic cause of mail that arrives twice: the server had taken it and was only slow to say so.
    """

    connect: float = 30
    greeting: float = 300
    ehlo: float = 300
    mail: float = 300
    rcpt: float = 300
    data: float = 120
    block: float = 180
    dot: float = 600
    quit: float = 5


class Transport(Protocol):
    """A way to hand messages over. One thread uses it at a time."""

    def hand_over(
        self, letter: Letter, clearance: Clearance, recheck: Recheck, *, upcoming: Envelope | None = None
    ) -> Outcome:
        """Hand one letter over, or say why not.

        `upcoming` is the envelope of the letter that comes next for certain; a transport may announce it early. If
        another letter comes instead, the connection is cut and made anew: nothing else calls off what was announced.

        Raises:
            TypeError, ValueError: the clearance is none, or is for another delivery or address.
        """
        ...

    def close(self) -> None:
        """Let go of the connection; may be called again. A later hand-over opens a new one."""
        ...


def demand_clearance(letter: Letter, clearance: Clearance, recheck: Recheck) -> NotBegun | None:
    """Hold a clearance against the letter; one that ran out sends us back to the gate.

    Raises:
        TypeError, ValueError: the clearance is none, or is for another delivery or address.
    """
    demand_match(letter, clearance)
    if boot_seconds() < clearance.valid_until:
        return None
    return ask_gate(letter, recheck)


def ask_gate(letter: Letter, recheck: Recheck) -> NotBegun | None:
    """Ask the gate again; None is the yes.

    Raises:
        TypeError, ValueError: the answer is no verdict, or is for another delivery or address.
    """
    try:
        verdict = recheck()
    except GateClosed as closed:
        return NotBegun(None, str(closed))
    if isinstance(verdict, Withheld):
        return NotBegun(verdict, verdict.reason)
    demand_match(letter, verdict)
    if boot_seconds() < verdict.valid_until:
        return None
    return NotBegun(None, "The gate's answer had run out before it could be used.")


def demand_match(letter: Letter, clearance: Clearance) -> None:
    """Insist that the clearance is one, and is for this letter, whether or not it has run out.

    Raises:
        TypeError, ValueError: it is not.
    """
    if type(clearance) is not Clearance:
        raise TypeError("a letter is handed over with a Clearance and nothing else")
    if clearance.delivery != letter.delivery or clearance.address != letter.envelope.recipient:
        raise ValueError(f"the clearance is not for delivery {letter.delivery} and its address")


def _is_plain(address: str) -> bool:
    if _PLAIN.fullmatch(address) is None or not address.isprintable():
        return False
    octets = address if address.isascii() else address.encode()
    domain = address.rpartition("@")[2]
    return len(octets) <= ADDRESS_OCTETS and len(octets) - len(domain) - 1 <= LOCAL_PART_OCTETS


# Local part: atoms and dots (RFC 5321 4.1.2) and what RFC 6531 3.3 adds; no quoted strings, no address literals.
_PLAIN: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?"
)
