"""Reading a failure notice that is written for people: who failed, and in which words. Pure.

Promise: finds addresses only where mail systems name a failed recipient (on a line of its own, behind a word
that names it, in a transcript), never in the message that is returned. Time is linear in the text; at most
LINES lines of at most LINE_CHARACTERS count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Final

from campaigns.delivery.diagnosis import Stage, reply_code
from campaigns.feedback.addresses import ADDRESS, addresses, first_address, speaks_for_a_system
from campaigns.feedback.systems import DELAYS, NAMING, RETURNED, RETURNED_HEADERS, STAGES, SUCCESSES, SYSTEMS

LINES: Final = 1_000
LINE_CHARACTERS: Final = 1_000
RECIPIENTS: Final = 200
#: So many lines of a diagnosis count.
_SAID_LINES: Final = 14
_DECORATION: Final = " \t-=_*#|+>.~/"
_LISTED: Final = re.compile(
    rf"^\s*(?:[*•·>-]{{1,3}}\s+|\d{{1,3}}[.)]\s+)?[<\"'(\[]?(?P<address>{ADDRESS})[>\"')\]]{{0,2}}(?P<rest>.*)$"
)
_NAME: Final = re.compile(r"[ \t]{1,20}[\w.+-]{2,64}")
#: What stands before the address of a sender rather than a recipient.
_WRITTEN_BY: Final = re.compile(r"\b(?:mail|message) from\W{0,3}$", re.IGNORECASE)
_FIELD: Final = re.compile(r"^(?:[A-Z][\w-]{1,30}): ")
_TRANSCRIPT: Final = re.compile(
    rf"^\s*[45]\d\d\s(?:[45]\.\d{{1,3}}\.\d{{1,3}}\s)?.{{0,20}}?<?(?P<address>{ADDRESS})>?\.\.\."
)
_COMMAND: Final = re.compile(rf"^\s*(?:>>>|Sent <<<)\s*RCPT TO:\s*<?(?P<address>{ADDRESS})>?", re.IGNORECASE)
_DIALOGUE: Final = re.compile(
    r"^.{0,40}?(?:>>>|-->|sent <<<)\s*(mail|rcpt|data|helo|ehlo|lhlo)\b", re.IGNORECASE
)
_ANSWER: Final = re.compile(r"^.{0,40}?(?:<<<|<--|received >>>)\s*(.*)", re.IGNORECASE)
_COMMANDS: Final[dict[str, Stage]] = {
    "mail": "mail", "rcpt": "rcpt", "data": "dot", "helo": "connect", "ehlo": "connect", "lhlo": "connect",
}  # fmt: skip


@dataclass(frozen=True)
class Failure:
    """A recipient that a notice names, with the words about it, where it was refused, whether these words
    are the reporting system's own, and whether it is the sender's own address, so that it may not be meant."""

    address: str
    said: str
    stage: Stage | None
    own: bool
    spared: bool = False


@dataclass(frozen=True)
class Notice:
    """A text parted into what the system says and the message that it returns."""

    lines: tuple[str, ...]
    returned: str

    @property
    def text(self) -> str:
        """What the system says."""
        return "\n".join(self.lines)


def part_notice(text: str) -> Notice:
    """The notice and the returned message of a text."""
    lines = [line[:LINE_CHARACTERS].rstrip() for line in text.split("\n", LINES)[:LINES]]
    for number, line in enumerate(lines):
        lower = line.lower()
        bare = lower.lstrip(_DECORATION)
        marked = bare.startswith(RETURNED) and (bare != lower or number > 0) and len(bare) < _MARK_CHARACTERS
        if marked or (number > 0 and lower.startswith(RETURNED_HEADERS)):
            rest = lines[number + 1 :] if marked else lines[number:]
            return Notice(tuple(lines[:number]), "\n".join(rest).strip("\n"))
    return Notice(tuple(lines), "")


def system_of(text: str) -> str:
    """The name of the mail system that writes like this, or nothing."""
    lower = text[:_HEAD_CHARACTERS].lower()
    return next((name for name, phrases in SYSTEMS if any(map(lower.__contains__, phrases))), "")


def is_delay(text: str) -> bool:
    """Whether the notice speaks of a delay only."""
    return any(map(text.lower().__contains__, DELAYS))


def is_success(text: str) -> bool:
    """Whether the notice speaks of a success."""
    return any(map(text.lower().__contains__, SUCCESSES))


def failures(notice: Notice, own_addresses: Iterable[str]) -> list[Failure]:
    """The recipients that a notice names, each once. `own_addresses` are the sender's, who is no recipient
    unless nobody else is named."""
    lines = notice.lines
    not_meant = {address.lower() for address in own_addresses}
    spared: list[tuple[int, str, str]] = []
    for look in (_named, _from_transcript, _in_prose, _echoed):
        found = look(lines)
        wanted = [
            item for item in found if item[1].lower() not in not_meant and not speaks_for_a_system(item[1])
        ]
        if wanted:
            return _with_words(lines, wanted)
        spared = spared or found
    return [replace(failure, spared=True) for failure in _with_words(lines, spared)]


def known_by_name(notice: Notice, author: str) -> list[Failure]:
    """The recipients of whom a system tells only what stands before the @: alone on an indented line, after a line that
    ends with a colon. They are at the system's own domain."""
    domain = first_address(author).rpartition("@")[2]
    lines = [line for line in notice.lines if line.strip()]
    for number, line in enumerate(lines):
        if domain and line.endswith(":"):
            names = list(takewhile(_NAME.fullmatch, lines[number + 1 : number + 1 + RECIPIENTS]))
            if names:
                return [Failure(f"{name.strip()}@{domain}", line.strip(), None, own=True) for name in names]
    return []


def stage_of(text: str) -> Stage | None:
    """Where a refusal was met, as far as the words tell."""
    lower = " ".join(text.lower().split())
    places = [
        (lower.find(phrase), stage)
        for stage, phrases in STAGES
        if any(map(lower.__contains__, phrases))
        for phrase in filter(lower.__contains__, phrases)
    ]
    return min(places)[1] if places else None


def transcript_stage(lines: Sequence[str], address: str) -> Stage | None:
    """Where a transcript of sessions shows the refusal of an address. Sendmail shows DATA before the answers to
    RCPT where it sends commands together; the answer to DATA gives that away."""
    command: Stage | None = None
    refused: Stage | None = None
    for number, line in enumerate(lines):
        if not _MARKED.search(line):
            continue
        if asked := _DIALOGUE.match(line):
            command = _COMMANDS[asked[1].lower()]
        elif command and (answer := _ANSWER.match(line)) and answer[1][:1] in "45":
            later = " ".join(lines[number : number + 6]).lower()
            recipients = command == "dot" and any(phrase in later for phrase in _NO_RECIPIENT)
            refused = refused or ("rcpt" if recipients else command)
            if address in line:
                return refused
        elif found := _TRANSCRIPT.match(line):
            if found["address"] == address:
                return refused
            command = refused = None
        elif "while talking to" in line.lower():
            command = refused = None
    return refused


def _named(lines: Sequence[str]) -> list[tuple[int, str, str]]:
    found: list[tuple[int, str, str]] = []
    for number, line in enumerate(lines):
        if "@" not in line:
            continue
        listed = _LISTED.match(line)
        if listed and not _FIELD.match(line):
            address = listed["address"].rstrip(".-'")
            found.append((number, address, listed["rest"]))
            continue
        lower = line.lower()
        name = next(filter(lower.__contains__, NAMING), "")
        if name:
            rest = line[lower.find(name) + len(name) - name.endswith("<") :]
            named = [found for found in addresses(rest) if not _is_a_sender(rest, found)]
            found.extend((number, address, rest.partition(address)[2]) for address in named[:RECIPIENTS])
        if len(found) >= RECIPIENTS:
            break
    return found[:RECIPIENTS]


def _from_transcript(lines: Sequence[str]) -> list[tuple[int, str, str]]:
    answered = [
        (number, found["address"], line)
        for number, line in enumerate(lines)
        if "@" in line and (found := _TRANSCRIPT.match(line))
    ]
    return answered or [
        (number, found["address"], "")
        for number, line in enumerate(lines)
        if "@" in line and (found := _COMMAND.match(line))
    ]


def _in_prose(lines: Sequence[str]) -> list[tuple[int, str, str]]:
    """The address of a text that names only one."""
    found = [(number, address, line) for number, line in enumerate(lines) for address in addresses(line)]
    found = [item for item in found if not _FIELD.match(item[2].lstrip())]
    found = [item for item in found if not _is_a_sender(item[2], item[1])]
    others = [item for item in found if not speaks_for_a_system(item[1])]
    found = others or found
    return found[:1] if len({address.lower() for _, address, _ in found}) == 1 else []


def _is_a_sender(line: str, address: str) -> bool:
    begin = line.find(address)
    return _WRITTEN_BY.search(line, max(0, begin - _BEFORE_CHARACTERS), begin) is not None


def _echoed(lines: Sequence[str]) -> list[tuple[int, str, str]]:
    """Whom the message went to, as a notice repeats its header."""
    return [
        (number, address, "")
        for number, line in enumerate(lines)
        if line.lstrip().lower().startswith("to:")
        for address in addresses(line)[:RECIPIENTS]
    ]


def _with_words(lines: Sequence[str], found: Sequence[tuple[int, str, str]]) -> list[Failure]:
    failed: dict[str, Failure] = {}
    dialogue = bool(found) and _MARKED.search("\n".join(lines)) is not None
    for number, address, rest in found:
        others = (begin for begin, other, _ in found if begin > number and other.lower() != address.lower())
        later = next(others, len(lines))
        said = _essence(_words(lines, number, later, rest))
        before = failed.get(address.lower())
        if before is None or (not before.said and said):
            stage = (transcript_stage(lines, address) if dialogue else None) or stage_of(said)
            transcribed = _TRANSCRIPT.match(lines[number]) is not None
            own = (
                transcribed
                if transcribed and stage is None
                else reply_code(said) is None and "remote" not in said.lower()
            )
            failed[address.lower()] = Failure(address, said, stage, own)
    return list(failed.values())


def _essence(said: str) -> str:
    """What was answered, without what was asked and what went well."""
    if ">>>" not in said and "-->" not in said:
        return said
    kept = []
    for line in said.split("\n"):
        answer = _ANSWER.match(line)
        if not _DIALOGUE.match(line) and not (answer and answer[1][:1] in {"2", "3"}):
            kept.append(answer[1] if answer else line)
    return "\n".join(kept)


def _words(lines: Sequence[str], number: int, later: int, rest: str) -> str:
    """What is said about the recipient on a line: behind it, below it up to a blank line or the next one, or else
    in the paragraph above it."""
    said = [rest.strip(" :,.>\t")] if rest.strip(" :,.>\t()") else []
    for line in lines[number + 1 : min(later, number + 1 + _SAID_LINES)]:
        if line.strip():
            said.append(line.strip())
        elif said:
            break
    before = lines[number].partition("@")[0].strip()
    if not said and ":" in before:
        return before
    if said or later < len(lines):
        return "\n".join(said) or "\n".join(
            line.strip() for line in lines[later + 1 : later + 4] if "@" not in line
        )
    above = []
    for line in reversed(lines[max(0, number - _SAID_LINES) : number]):
        if line.strip():
            above.append(line.strip())
        elif above:
            break
    return "\n".join(reversed(above))


_HEAD_CHARACTERS: Final = 4_000
_BEFORE_CHARACTERS: Final = 24
_MARKED: Final = re.compile(r">>>|<<<|-->|<--|\.\.\.|[Ww]hile talking")
_NO_RECIPIENT: Final = (
    "need rcpt",
    "valid rcpt",
    "rcpt commands were rejected",
    "no valid recipient",
    "no recipients",
)
_MARK_CHARACTERS: Final = 90
