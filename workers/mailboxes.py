"""Mailboxes that are polled by IMAP for bounces, complaints and replies.

Promise: a message is moved out of the way only after what it says is durable and binds, so whatever fails in
between, it is read again, which changes nothing twice. One that breaks the reader is parked and moved like
the others; one that cannot even be parked stays and holds nobody up. Of a large message only the beginning is
fetched. Fails with `Unreachable` where the mailbox or the database is away. Sources: RFC 3501, RFC 6851.
"""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import structlog
from imap_tools import BaseMailBox, ImapToolsError, MailBox, MailBoxUnencrypted
from prometheus_client import Counter

from campaigns.errors import KeysFault, Unreachable, UtskickError
from campaigns.feedback import parking
from campaigns.feedback.apply import apply_reports
from campaigns.feedback.event import FeedbackEvent
from campaigns.feedback.ingest import arrived
from campaigns.feedback.mime import MESSAGE_OCTETS
from campaigns.principal import Principal
from workers.faults import place_of
from workers.guarding import guard_mailbox
from workers.hint_alarm import HintAlarm
from workers.mailbox_url import MailboxUrl
from workers.metrics import Readiness, serve
from workers.secret_files import secret_lines
from workers.settings import Settings
from workers.stopping import StopFlag
from workers.wiring import Installation

#: Messages of one transaction, and how much of them is held in memory before it begins (the last one may be more).
_TOGETHER: Final = 50
OCTETS_TOGETHER: Final = 20_000_000
_PATIENCE_SECONDS: Final = 60
_PRINCIPAL: Final = Principal("process:mailbox")

log = structlog.get_logger()
_MESSAGES: Final = Counter("utskick_mailbox_messages", "Messages of polled mailboxes", ["mailbox", "outcome"])


@dataclass
class Pass:
    """What one pass over one mailbox did: messages taken, parked since they broke the reader, and left there."""

    mailbox: str
    taken: int = 0
    parked: int = 0
    left: int = 0


@dataclass(frozen=True)
class _Mail:
    """One message of a mailbox: the number that the server gave it, and its octets."""

    uid: str
    raw: bytes


def poll_all(installation: Installation, keys: Sequence[str] = ()) -> list[Pass]:
    """One pass over these mailboxes, or over all.

    Raises:
        GuardRefused, Unreachable, KeysFault: a mailbox cannot be read; those before it were.
    """
    return [poll(installation, key) for key in keys or installation.settings.mailboxes]


def poll(installation: Installation, key: str) -> Pass:
    """One pass over one mailbox: everything that lies in it when it begins.

    Raises:
        GuardRefused: its processor may not be used today; nothing was asked of it.
        Unreachable: the mailbox or the database is away.
        KeysFault: there is no password, or the server does not take it.
    """
    guard_mailbox(installation.settings, key)
    box, done = installation.settings.mailboxes[key], Pass(key)
    taker = _Taker(installation, done)
    with _opened(key, box.place, _password(installation.settings, key)) as server:
        if not server.folder.exists(box.done_folder):
            server.folder.create(box.done_folder)
        waiting = server.uids("ALL")
        for mails in _batches(server, waiting):
            settled = taker.take(mails)
            if settled:
                server.move(settled, box.done_folder)
    for outcome, count in (("taken", done.taken), ("parked", done.parked), ("left", done.left)):
        _MESSAGES.labels(key, outcome).inc(count)
    log.info("mailbox read", mailbox=key, taken=done.taken, parked=done.parked, left=done.left)
    return done


def run_mailboxes(settings: Settings) -> None:
    """Poll until told to stop; what cannot be reached is tried again.

    Raises:
        KeysFault, Unreachable: it cannot start.
    """
    stop = StopFlag()
    stop.listen()
    installation = Installation(settings)
    installation.ring  # noqa: B018 (refuse foreign keys before anything runs)
    for key in settings.mailboxes:
        _password(settings, key)
    readiness = Readiness()
    serve(settings.metrics, settings.metrics.mailbox_port, readiness)
    log.info("mailboxes started", mailboxes=sorted(settings.mailboxes))
    pause = min((box.seconds for box in settings.mailboxes.values()), default=60.0)
    while not stop.is_set():
        problems = []
        for key in settings.mailboxes:
            try:
                poll(installation, key)
            except UtskickError as error:
                log.warning("mailbox cannot be read", mailbox=key, problem=str(error))
                problems.append(f"mailbox {key}: {error}")
        readiness.note(*problems)
        stop.wait(pause)


class _Taker:
    """Applies messages, many in one transaction; one by one where that fails."""

    def __init__(self, installation: Installation, done: Pass) -> None:
        self._installation, self._done = installation, done
        self._alarm = HintAlarm(installation.engine)

    def take(self, mails: Sequence[_Mail]) -> list[str]:
        """Apply these messages; those that may be moved now, since all they say is durable and binds.

        Raises:
            Unreachable: the database is away.
        """
        try:
            self._apply(mails)
        except Unreachable:
            raise
        except Exception as error:  # noqa: BLE001 (one of them is poisonous; its words may hold personal data)
            if len(mails) > 1:
                return [uid for mail in mails for uid in self.take([mail])]
            log.error("message cannot be applied", error=place_of(error))  # noqa: TRY400 (no traceback, it may hold mail)
            return self._park(mails[0])
        self._done.taken += len(mails)
        return [mail.uid for mail in mails]

    def _apply(self, mails: Sequence[_Mail]) -> None:
        reports: list[tuple[list[FeedbackEvent], Principal]] = [
            (self._read(mail), _PRINCIPAL) for mail in mails
        ]
        outcome = apply_reports(self._installation.engine, reports)
        for words in outcome.consequences:
            self._alarm.heard(words)
        outcome.binding.wait()

    def _read(self, mail: _Mail) -> list[FeedbackEvent]:
        place = self._installation
        return arrived(place.engine, place.tokens, mail.raw, None, place.ring)

    def _park(self, mail: _Mail) -> list[str]:
        try:
            parking.park(self._installation.engine, mail.raw, "unreadable", None)
        except Unreachable:
            raise
        except Exception as error:  # noqa: BLE001 (as above)
            log.error("message cannot be parked", error=place_of(error))  # noqa: TRY400 (no traceback, it may hold mail)
            self._done.left += 1
            return []
        self._done.parked += 1
        return [mail.uid]


def _batches(server: BaseMailBox, uids: Sequence[str]) -> Iterator[list[_Mail]]:
    """The messages of these numbers that are still there, so many at a time as belong in one transaction."""
    batch: list[_Mail] = []
    for uid in uids:
        mail = _fetched(server, uid)
        if mail is not None:
            batch.append(mail)
        if len(batch) >= _TOGETHER or sum(len(it.raw) for it in batch) >= OCTETS_TOGETHER:
            yield batch
            batch = []
    if batch:
        yield batch


def _fetched(server: BaseMailBox, uid: str) -> _Mail | None:
    """The beginning of a message, which for most is all of it; nothing where somebody else took it meanwhile."""
    _, parts = server.client.uid("FETCH", uid, f"(BODY.PEEK[]<0.{MESSAGE_OCTETS}>)")
    for part in parts:
        if isinstance(part, tuple) and len(part) > 1 and isinstance(part[1], bytes):
            return _Mail(uid, part[1])
    return None


@contextmanager
def _opened(key: str, place: MailboxUrl, password: str) -> Iterator[BaseMailBox]:
    """The mailbox, with its folder chosen."""
    try:
        server = _connected(place)
        try:
            _log_in(server, key, place, password)
            yield server
        finally:
            _leave(server)
    except (OSError, imaplib.IMAP4.error, ImapToolsError) as error:
        raise Unreachable(
            f"mailbox {key}: the server does not answer as it should ({type(error).__name__})"
        ) from None


def _log_in(server: BaseMailBox, key: str, place: MailboxUrl, password: str) -> None:
    try:
        server.login(place.user, password, initial_folder=place.folder)
    except ImapToolsError as error:
        raise KeysFault(
            f"mailbox {key}: the server refuses the password or the folder ({type(error).__name__})"
        ) from None


def _connected(place: MailboxUrl) -> BaseMailBox:
    if place.tls:
        context = ssl.create_default_context()
        return MailBox(place.host, place.port, timeout=_PATIENCE_SECONDS, ssl_context=context)
    return MailBoxUnencrypted(place.host, place.port, timeout=_PATIENCE_SECONDS)


def _leave(server: BaseMailBox) -> None:
    """Say goodbye; a connection that is gone already is only closed."""
    try:
        server.logout()
    except (OSError, imaplib.IMAP4.error, ImapToolsError):
        server.client.shutdown()


def _password(settings: Settings, key: str) -> str:
    path = settings.secrets_dir / f"mailbox-{key}.secret"
    lines = secret_lines(path)
    if not lines:
        raise KeysFault(f"mailbox {key} has no password; write it into {path} and run: chmod 600 {path}")
    return lines[0]
