"""Reading one message that came back: what it is, and what it says of whom. Pure.

Promise: never raises on any octets; what cannot be read is kind `unreadable`. The same message with CRLF,
LF or CR gives the same reading. Standard structure is asked first (feedback reports, status fields wherever
they stand, receipts), then notices in text by the words of the mail systems, then what people and their
programs answer. What a message returns or quotes is never read as a report. Sources: RFC 3464, RFC 5965,
RFC 6522, RFC 6533, RFC 3834, RFC 8098.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from campaigns.delivery.diagnosis import Said, diagnose, reply_code
from campaigns.delivery.phrases import Cause
from campaigns.feedback import answers, complaints, dsn, notices, textual
from campaigns.feedback.addresses import addresses, first_address, speaks_for_a_system
from campaigns.feedback.classify import classified
from campaigns.feedback.event import plain
from campaigns.feedback.mime import PART_OCTETS, leaves, read_message, words
from campaigns.feedback.parts import Mail, taken_apart
from campaigns.feedback.report import Class, MessageKind, RecipientReport, Report, Returned
from campaigns.feedback.systems import DAEMON_NAMES, DAEMONS, SUBJECTS

__all__ = ["Report", "read_report"]

_ADDRESSED: Final = ("to", "delivered-to", "x-original-to", "envelope-to", "cc")
_REFERRING: Final = (
    "in-reply-to",
    "references",
    "x-original-message-id",
    "original-message-id",
    "original-envelope-id",
)
_ORIGINATING: Final = ("from", "return-path", "sender", "reply-to", "errors-to")


def read_report(raw: bytes) -> Report:
    """Read one message; of more than MESSAGE_OCTETS only the beginning."""
    try:
        message = read_message(raw)
        if not message.fields.items:
            return Report("unreadable")
        return _read(taken_apart(message, list(leaves(message))))
    except Exception:  # noqa: BLE001 (hostile octets: whatever reading them raises, the message is kept)
        return Report("unreadable")


def _read(mail: Mail) -> Report:
    if mail.reports:
        kind, verdicts = complaints.read_complaint(list(mail.reports), list(mail.returned))
        return _report(mail, kind, verdicts)
    if complaints.is_microsoft_complaint(mail.fields, list(mail.returned)):
        return _report(mail, "complaint", complaints.microsoft_complaint(list(mail.returned)))
    if mail.receipt:
        return _from_text(mail) if _is_refusal(mail) else _report(mail, "receipt", ())
    notice = (
        notices.read_notice(mail.text) if "otificationType" in mail.text or "eventType" in mail.text else None
    )
    if notice is not None:
        return _report(mail, _kind_of(notice[0]), notice[0], notice[1])
    verdicts = _from_status(mail) if mail.status else ()
    if verdicts:
        return _report(mail, _kind_of(verdicts), verdicts)
    if _from_a_system(mail):
        return _from_text(mail)
    return _answer(mail)


def _from_status(mail: Mail) -> tuple[RecipientReport, ...]:
    found = list(islice(_blocks(mail), dsn.RECIPIENTS))
    if not found:
        return ()
    told = {failure.address.lower(): failure for failure in textual.failures(mail.notice, ())}
    alone = next(iter(told.values())) if len(told) == len(found) == 1 else None
    verdicts = []
    for block in found:
        known = told.get(block.address.lower()) or told.get(block.original.lower()) or alone
        verdict = dsn.verdict(block, known)
        if "@" not in verdict.recipient.lstrip("@"):
            verdict = _completed(verdict, known, mail)
        verdicts.append(verdict)
    return tuple({(item.recipient.lower(), item.action): item for item in reversed(verdicts)}.values())[::-1]


def _blocks(mail: Mail) -> Iterator[dsn.Block]:
    """The recipients' blocks of all parts, as far as these are read together."""
    left = PART_OCTETS
    for text in mail.status:
        yield from dsn.blocks(text[:left], announced=mail.announced)
        left = max(0, left - len(text))


def _completed(verdict: RecipientReport, told: textual.Failure | None, mail: Mail) -> RecipientReport:
    """A verdict whose block names no whole address, with the one that the notice or the returned message names."""
    address = told.address if told else next(iter(_recipients_returned(mail)), verdict.recipient)
    return RecipientReport(
        address,
        verdict.kind,
        verdict.status,
        verdict.action,
        verdict.diagnostic,
        verdict.original,
        False,
        verdict.why,
    )


def _from_text(mail: Mail) -> Report:
    text = mail.notice.text
    if nested := _nested(mail):
        return nested
    delayed = textual.is_delay(f"{mail.subject}\n{text}")
    success = not delayed and textual.is_success(text) and reply_code(text) is None
    failed = _failed(mail) if success or delayed or _speaks_of_failure(mail) else []
    verdicts = tuple(_text_verdict(failure, mail, delayed=delayed) for failure in failed)
    if success:
        verdicts = tuple(
            replace(it, kind="delivered", action="delivered", why="success notice") for it in verdicts
        )
    if verdicts:
        return _report(mail, _kind_of(verdicts), verdicts)
    if success:
        return _report(mail, "delivered", ())
    failing = "fail" in mail.fields.get("auto-submitted").lower()
    return _automatic(mail) if _is_automatic(mail) and not failing else _report(mail, "other", ())


def _failed(mail: Mail) -> list[textual.Failure]:
    """Whom a notice names: in its words, else in a header, else the sender's own address in its words, else in the
    message it returns."""
    own = _own_addresses(mail)
    named = textual.failures(mail.notice, own)
    stated = [address for value in mail.fields.all("x-failed-recipients") for address in addresses(value)]
    others = [failure for failure in named if not failure.spared]
    if stated and not any(failure.said for failure in others):
        return [_stated(mail.notice, address) for address in dict.fromkeys(stated)]
    returned = [
        address
        for address in _recipients_returned(mail)
        if address.lower() not in {own.lower() for own in own}
    ]
    if not others and any(reply_code(failure.said) for failure in named):
        return named
    if not others and not returned and (known := textual.known_by_name(mail.notice, mail.fields.get("from"))):
        return known
    return others or [_stated(mail.notice, address) for address in returned[:1]] or named


def _nested(mail: Mail) -> Report | None:
    """The report that a system hands on whole, enclosed or as text, where it names nobody itself."""
    enclosed = next((part.content for part in mail.enclosed), b"") or mail.notice.returned.encode(
        "utf-8", "replace"
    )
    if b"multipart/report" not in enclosed.lower():
        return None
    inner = read_message(enclosed)
    if inner.fields.content_type != "multipart/report":
        return None
    if textual.failures(mail.notice, _own_addresses(mail)):
        return None
    taken = taken_apart(inner, list(leaves(inner)))
    verdicts = _from_status(taken) if taken.status else ()
    return _report(taken, _kind_of(verdicts), verdicts) if verdicts else None


def _is_refusal(mail: Mail) -> bool:
    """Whether a receipt says that a person's filter refused the message (RFC 5429 2.1.2)."""
    return "rejected" in f"{mail.fields.get('auto-submitted')}\n{mail.text[:_SAID_CHARACTERS]}".lower()


def _speaks_of_failure(mail: Mail) -> bool:
    """Whether anything but the name of who wrote it says that a message was not delivered."""
    fields, text, subject = mail.fields, mail.notice.text, mail.subject.lower()
    if "daemon" in first_address(fields.get("from")).lower():
        return True
    return bool(
        fields.content_type == "multipart/report"
        or fields.get("x-failed-recipients")
        or any(map(subject.__contains__, SUBJECTS))
        or reply_code(text)
        or dsn.status_in(text)
        or textual.system_of(text)
        or diagnose(Said(text, own=True)).cause in _OF_AN_ADDRESS
    )


def _stated(notice: textual.Notice, address: str) -> textual.Failure:
    said = notice.text[-_SAID_CHARACTERS:]
    return textual.Failure(address, said, textual.stage_of(said), own=False)


def _text_verdict(failure: textual.Failure, mail: Mail, *, delayed: bool) -> RecipientReport:
    kind, found = classified(Said(failure.said, stage=failure.stage, own=failure.own))
    if found.cause.value == "unknown":
        text = f"{failure.said}\n{mail.notice.text[-_SAID_CHARACTERS:]}"
        stage = failure.stage or textual.stage_of(text)
        own = failure.own and reply_code(text) is None
        kind, found = classified(Said(text, stage=stage, own=own))
    status = dsn.status_in(failure.said)
    if delayed:
        return RecipientReport(
            failure.address, "delayed", status, "delayed", plain(failure.said), why="delay notice"
        )
    return RecipientReport(
        failure.address, kind, status, "failed", plain(failure.said), certain=found.certain, why=found.why
    )


def _from_a_system(mail: Mail) -> bool:
    """Whether a mail system wrote this, by its name, its subject or its words; an empty return path is not enough,
    since absence notes have it as well."""
    fields = mail.fields
    if fields.get("x-failed-recipients") or fields.content_type == "multipart/report":
        return True
    author = words(fields.get("from")).lower()
    local = first_address(author).partition("@")[0] or author.strip("<> ")
    nobody = author.rstrip().endswith("<>") and fields.get("return-path").strip("<> ") == ""
    if nobody or local in DAEMONS or any(map(author.__contains__, DAEMON_NAMES)):
        return True
    subject = mail.subject.lower()
    if (fields.get("list-id") or fields.get("list-unsubscribe")) and not subject.startswith(SUBJECTS):
        return False  # a newsletter may speak of failures
    if subject.startswith(("re:", "sv:", "vs:", "aw:", "fw:", "fwd:")):
        return False
    if not any(map(subject.__contains__, SUBJECTS)):
        return False
    return bool(textual.system_of(mail.notice.text)) or fields.get("return-path").strip("<> ").lower() in {
        "",
        "mailer-daemon",
    }


def _answer(mail: Mail) -> Report:
    text = mail.notice.text
    if answers.is_unsubscription(mail.fields, mail.subject, text):
        return _report(mail, "unsubscribe", (_about_sender(mail, "other", "unsubscription"),))
    if answers.is_challenge(mail.fields, mail.subject, text):
        return _report(mail, "challenge", (_about_sender(mail, "other", "challenge"),))
    if answers.is_programs(mail.fields) or answers.has_empty_path(mail.fields):
        return _automatic(mail)
    # A wish counts whatever else is said beside it, be it that the writer is on leave or has left.
    if answers.asks_to_stop(mail.subject, text):
        return _report(mail, "stop", (_about_sender(mail, "other", "asks to stop"),))
    if answers.is_automatic(mail.subject, text):
        return _automatic(mail)
    answered = mail.fields.get("in-reply-to") or mail.fields.get("references")
    return _report(
        mail, "reply" if answered or mail.subject[:3].lower() in {"re:", "sv:", "vs:"} else "other", ()
    )


def _is_automatic(mail: Mail) -> bool:
    return answers.is_programs(mail.fields) or answers.is_automatic(mail.subject, mail.notice.text)


def _automatic(mail: Mail) -> Report:
    return _report(mail, "auto-reply", (_about_sender(mail, "auto-reply", "automatic answer"),))


def _about_sender(mail: Mail, kind: Class, why: str) -> RecipientReport:
    author = first_address(mail.fields.get("from")) or first_address(mail.fields.get("reply-to"))
    return RecipientReport(author, kind, "", "", plain(mail.subject), why=why)


def _kind_of(verdicts: Sequence[RecipientReport]) -> MessageKind:
    kinds = {verdict.kind for verdict in verdicts}
    actions = {verdict.action for verdict in verdicts}
    if "complaint" in kinds:
        return "complaint"
    if "failed" in actions:
        return "bounce"
    return "delayed" if "delayed" in kinds else "delivered" if "delivered" in kinds else "other"


def _own_addresses(mail: Mail) -> list[str]:
    """The addresses of the sender, who gets the notice and wrote what it returns."""
    own = [
        address
        for name in ("to", "delivered-to")
        for value in mail.fields.all(name)
        for address in addresses(value)
    ]
    for fields in mail.returned:
        own += [address for name in _ORIGINATING for address in addresses(fields.get(name))]
    return own + addresses(mail.fields.get("from"))


def _recipients_returned(mail: Mail) -> list[str]:
    found = [address for fields in mail.returned for address in addresses(fields.get("to"))]
    return [address for address in dict.fromkeys(found) if not speaks_for_a_system(address)]


def _report(
    mail: Mail, kind: MessageKind, verdicts: tuple[RecipientReport, ...], told: Returned | None = None
) -> Report:
    returned = mail.returned
    message_ids = [fields.get("message-id") for fields in returned]
    message_ids += [mail.fields.get(name) for name in _REFERRING]
    paths = [mail.fields.get(name) for name in _ADDRESSED]
    paths += [fields.get("return-path") for fields in returned]
    if told is not None:
        message_ids += told.message_ids
        paths += told.return_paths
    return Report(
        kind,
        verdicts,
        tuple(filter(None, message_ids)),
        tuple(filter(None, paths)),
        textual.system_of(mail.notice.text) if verdicts else "",
        first_address(mail.fields.get("from")),
        kind in {"unsubscribe", "stop"} and answers.wants_nothing(mail.subject, mail.notice.text),
    )


_OF_AN_ADDRESS: Final = frozenset({Cause.ADDRESS_DEAD, Cause.MAILBOX_FULL, Cause.MAILBOX_DISABLED})
_SAID_CHARACTERS: Final = 1_500
