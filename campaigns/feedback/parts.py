"""A message taken apart by what its parts are for: words, status fields, reports, what it returns. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from campaigns.feedback import complaints, dsn, textual
from campaigns.feedback.mime import Fields, Part, read_fields, unnamed_parts, words

_RETURNED_PARTS: Final = frozenset(
    {
        "message/rfc822",
        "message/global",
        "text/rfc822-headers",
        "message/rfc822-headers",
        "message/global-headers",
        "message/partial",
    }
)
_RECEIPT_PARTS: Final = frozenset(
    {"message/disposition-notification", "message/global-disposition-notification"}
)


@dataclass(frozen=True)
class Mail:
    """The parts of a message. `announced` says that a part for them held the status fields, `enclosed` are the messages
    that it returns, `returned` their headers and the one that stands in the text."""

    fields: Fields
    subject: str
    text: str
    notice: textual.Notice
    enclosed: tuple[Part, ...]
    status: tuple[bytes, ...]
    announced: bool
    reports: tuple[Part, ...]
    receipt: bool
    returned: tuple[Fields, ...]


def taken_apart(message: Part, parts: Sequence[Part]) -> Mail:
    """The message of these parts."""
    if len(parts) == 1 and parts[0].fields.content_type.startswith(("text/", "multipart/")):
        parts = _unnamed_parts(parts[0]) or parts
    texts: list[Part] = []
    status: list[bytes] = []
    returned: list[Fields] = []
    enclosed: list[Part] = []
    for part in parts:
        kind = part.fields.content_type
        if kind in dsn.STATUS_PARTS:
            status.append(part.content)
        elif kind in _RETURNED_PARTS:
            enclosed.append(part)
            returned.append(read_fields(part.content.lstrip(b"\n")))
        elif (
            kind.startswith("text/") or kind in {"", "multipart/report", "multipart/mixed"} or "/" not in kind
        ):
            texts.append(part)
    text = _words_of(texts)
    notice = textual.part_notice(text)
    if notice.returned:
        returned.append(read_fields(notice.returned.encode("utf-8", "replace")))
    announced = bool(status)
    if not announced:
        status = [part.content for part in texts if _has_status_fields(part.content)]
    return Mail(
        message.fields,
        words(message.fields.get("subject")),
        text,
        notice,
        tuple(enclosed),
        tuple(status),
        announced,
        tuple(part for part in parts if part.fields.content_type in complaints.REPORT_PARTS),
        any(part.fields.content_type in _RECEIPT_PARTS for part in parts),
        tuple(returned),
    )


def _unnamed_parts(part: Part) -> list[Part]:
    """The parts of a notice that lost the header that announced them; none where they belong to what it returns."""
    if b"\n--" not in part.content[:_STATUS_OCTETS] and b"\n --" not in part.content[:_STATUS_OCTETS]:
        return []
    said = textual.part_notice(part.text).text.lower()
    return unnamed_parts(part.content) if "--" in said and "\ncontent-" in said else []


def _words_of(texts: Sequence[Part]) -> str:
    plain_texts = [part for part in texts if part.fields.content_type != "text/html"]
    chosen = [part.text for part in plain_texts[:_TEXTS] if part.text.strip()]
    return "\n\n".join(chosen or [part.text for part in texts[:_TEXTS]])


def _has_status_fields(content: bytes) -> bool:
    lower = content[:_STATUS_OCTETS].lower()
    return b"final-recipient:" in lower or b"original-recipient:" in lower


_TEXTS: Final = 6
_STATUS_OCTETS: Final = 64 * 1024
