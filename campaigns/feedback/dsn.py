"""Reading the fields of delivery status notifications, wherever they stand. Pure.

Promise: a block counts as a recipient's only with a recipient's address and an action, a status or a
diagnosis; so they are found in parts of the wrong type, in text, and under a transfer encoding. Only
`Action: failed` is a failure; delayed, delivered, relayed and expanded are told apart. Sources: RFC 3464
2.1-2.3, RFC 6522, RFC 6533 3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from campaigns.delivery.diagnosis import Said, enhanced_code
from campaigns.feedback.addresses import typed_address, whole
from campaigns.feedback.classify import classified
from campaigns.feedback.event import plain
from campaigns.feedback.mime import Fields, read_fields
from campaigns.feedback.report import Class, RecipientReport
from campaigns.feedback.textual import Failure, stage_of

RECIPIENTS: Final = 1_000
STATUS_PARTS: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
#: What an action means where it is no failure; unknown words are taken as no news.
_ACTIONS: Final[dict[str, Class | str]] = {
    "failed": "failed",
    "failure": "failed",
    "fail": "failed",
    "error": "failed",
    "undeliverable": "failed",
    "undelivered": "failed",
    "rejected": "failed",
    "bounced": "failed",
    "expired": "failed",
    "delayed": "delayed",
    "delivered": "delivered",
    "relayed": "delivered",
    "expanded": "delivered",
}
_ACTION_BY_CLASS: Final = {"2": "delivered", "4": "delayed", "5": "failed"}
_STATUS: Final = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
_COMMON_ACTION: Final = re.compile(rb"^action:[ \t]*([a-z]{2,20})\b", re.IGNORECASE | re.MULTILINE)
_RECIPIENT_FIELDS: Final = frozenset({"final-recipient", "original-recipient"})


@dataclass(frozen=True)
class Block:
    """The fields of one recipient, as they stand."""

    final: str
    original: str
    action: str
    status: str
    remark: str
    diagnostic: str

    @property
    def address(self) -> str:
        """The recipient that failed; the one that was written to where the other is no whole address."""
        return self.final if whole(self.final) or not self.original else self.original

    @property
    def meaning(self) -> str:
        """failed, delayed, delivered or nothing known."""
        return str(_ACTIONS.get(self.action, ""))


def blocks(text: bytes, *, announced: bool) -> Iterator[Block]:
    """The recipients' blocks of a text, at most RECIPIENTS; where no status part announces them, only those that say
    more than a name. Some systems put several recipients into one block, so each Final-Recipient begins one; some say
    the action once, among the fields of the message."""
    count = 0
    common = ""
    for piece in re.split(rb"\n[ \t]*\n", text, maxsplit=RECIPIENTS + 1):
        if b"-recipient" not in piece.lower():
            stated = _COMMON_ACTION.search(piece) if announced and not common else None
            common = stated[1].decode() if stated else common
            continue
        group: list[tuple[str, str]] = []
        for item in read_fields(piece.strip(b"\n")).items:
            if item[0] in {name for name, _ in group} & _RECIPIENT_FIELDS:
                yield from _block(Fields(tuple(group)), common, announced=announced)
                count += 1
                group = []
            group.append(item)
            if count >= RECIPIENTS:
                return
        yield from _block(Fields(tuple(group)), common, announced=announced)
        count += 1


def verdict(block: Block, told: Failure | None) -> RecipientReport:
    """What a block says, with what the notice beside it tells of the same recipient."""
    meaning = block.meaning
    if meaning != "failed":
        kind: Class = (
            "delayed" if meaning == "delayed" else "delivered" if meaning == "delivered" else "other"
        )
        return _verdict(block, kind, certain=True, why=f"action {block.action}")
    stage = stage_of(block.diagnostic) or (told.stage if told else None)
    own = block.diagnostic.lower().startswith(("x-postfix", "x-unix", "x-local")) or not block.diagnostic
    said = Said(
        f"{block.diagnostic}\n{block.remark}",
        None,
        block.status or None,
        stage,
        own and not (told and told.said),
    )
    kind, found = classified(said)
    if told and told.said and not found.certain and found.cause.value in {"unknown", "address"} | _VAGUE:
        text = f"{told.said}\n{block.diagnostic}\n{block.remark}"
        kind, found = classified(Said(text, None, block.status or None, stage, told.own and own))
    return _verdict(block, kind, certain=found.certain, why=found.why, said=told.said if told else "")


def status_in(text: str) -> str:
    """The most telling enhanced status code that a text holds, or nothing."""
    return enhanced_code(text[:_DIAGNOSTIC_CHARACTERS])


def _verdict(block: Block, kind: Class, *, certain: bool, why: str, said: str = "") -> RecipientReport:
    diagnostic = plain(block.diagnostic or said)
    return RecipientReport(
        block.address,
        kind,
        block.status,
        block.meaning or block.action,
        diagnostic,
        block.original,
        certain,
        why,
    )


def _block(fields: Fields, common: str, *, announced: bool) -> Iterator[Block]:
    original, final = (typed_address(fields.get(f"{which}-recipient")) for which in ("original", "final"))
    if not (final or original):
        return
    stated, diagnostic = fields.get("status"), fields.get("diagnostic-code")
    found = _STATUS.search(stated)
    status = found[0] if found else ""
    words = (fields.get("action") or fields.get("ction") or common).lower().split()
    if not (words or status or diagnostic or announced):
        return
    action = (
        words[0].strip(";,.") if words else _ACTION_BY_CLASS.get(status[:1], "failed" if diagnostic else "")
    )
    remark = stated.replace(status, "", 1).strip(" ()") if status else ""
    yield Block(final, original, plain(action, 20), status, remark, diagnostic[:_DIAGNOSTIC_CHARACTERS])


_DIAGNOSTIC_CHARACTERS: Final = 2_000
_VAGUE: Final = frozenset({"mailbox", "protocol", "system"})
