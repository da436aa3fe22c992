"""For every operation the domain functions that it protects, called for real.

Most are asked for something that is not there: who may gets to hear that, who may not hears `NotAllowed` before.
"""

from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from campaigns.access import Operation
from campaigns.delivery import control, decisions, leavers, preview, restart, seeing
from campaigns.errors import KeysFault
from campaigns.feedback import cases, parking
from campaigns.keyring import KeyRing
from campaigns.planning import approval, recurrence, segments
from campaigns.planning.authority import Signing
from campaigns.principal import Level, Principal
from campaigns.register import (
    access_tokens,
    accounts,
    audit,
    audit_chain,
    audit_reading,
    contacts,
    corrections,
    events,
    export,
    intake,
    mailing_lists,
    merging,
    objections,
    outdated,
    replay,
    subscriptions,
    survey_table,
    surveys,
)
from campaigns.register.audit_mark import SealFile
from campaigns.register.processors import Recipient
from campaigns.register.survey_form import Declared
from campaigns.rights import disclosure, holds, requests, retention
from campaigns.rights.windows import Windows
from campaigns.store.engine import writing
from tests.support.register import Register
from workers.backup import take_backup
from workers.restore import restore

NONE = 999
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
Call = Callable[["Ground"], object]


class Keyless:
    """An installation whose keys are lost."""

    @property
    def ring(self) -> KeyRing:
        raise KeysFault


class Undone(Exception):
    """Undoes a transaction."""


class Ground:
    """A register, one who calls, and a transaction that leaves nothing behind."""

    def __init__(self, register: Register, principal: Principal) -> None:
        self.engine: sa.Engine = register.engine
        self.ring: KeyRing = register.ring
        self.folder: Path = register.secrets_dir
        self.principal = principal

    @property
    def sealer(self) -> audit_chain.Sealer:
        return audit_chain.Sealer(self.engine, self.ring, SealFile(self.folder))

    def within(self, call: Callable[[sa.Connection], object]) -> None:
        """Call something inside a transaction that is then undone."""
        with suppress(Undone), writing(self.engine) as connection:
            call(connection)
            raise Undone


NO = objections.No(
    "manual", objections.SubjectKey("address", 1, b"x" * 20), objections.Scope(), "operator", "test"
)
LIST = mailing_lists.MailingList(0, "access", "newsletter", "Access", "marketing")
MATTER = cases.Matter("stop", "access", "test")
FLAW = outdated.Outdated(1, "email", b"x", "hard_bounce", "test")
WISH = subscriptions.Unsubscription(NONE, NONE, "test", "test")
#: A submission in no language, of which no message is made.
PLAN: Any = SimpleNamespace(lists=[LIST], compiled=[])
AUTHOR: Any = None
NOBODY: Any = None
WINDOWS = Windows(defaultdict(lambda: 10_000))
PAPER: Any = None
KEYLESS: Any = Keyless()
ASKED = Declared("access", date(2026, 1, 1), None, False, {"title": {}, "questions": []})
SURVEY = surveys.Survey(NONE, "access", ASKED.form, False, None, LONG_AGO)

CALLS: dict[Operation, list[Call]] = {
    Operation.LIST_ADD: [lambda g: g.within(lambda c: mailing_lists.add(c, LIST, g.principal))],
    Operation.SEGMENT_SAVE: [
        lambda g: g.within(
            lambda c: segments.add(c, segments.Segment("x", "X", "city is empty"), {}, g.principal)
        )
    ],
    Operation.CONTACT_SEE: [lambda g: g.within(lambda c: contacts.look_up(c, 1, g.principal))],
    Operation.CONTACT_IMPORT: [
        lambda g: intake.import_contacts(
            g.engine,
            g.ring,
            intake.ImportRequest(Path("/nonexistent.csv"), LIST, "test", "consent"),
            g.principal,
        )
    ],
    Operation.CONTACT_EDIT: [
        lambda g: g.within(
            lambda c: corrections.edit(
                c, g.ring, NONE, corrections.Correction({}, "test", "person", "test"), g.principal
            )
        )
    ],
    Operation.CONTACT_MERGE: [
        lambda g: g.within(lambda c: merging.merge(c, g.ring, merging.Pair(NONE, NONE), "test", g.principal)),
        lambda g: g.within(lambda c: merging.part(c, g.ring, NONE, "test", g.principal)),
    ],
    Operation.CONTACT_EXPORT: [
        lambda g: export.export(
            g.engine, export.Disclosure(Recipient("x", "x", "FI", "y")), g.principal, as_table=True
        )
    ],
    Operation.EVENT_RECORD: [
        lambda g: g.within(
            lambda c: events.record_events(c, g.ring, events.EventSource("x"), [], g.principal)
        )
    ],
    Operation.SURVEY_KEEP: [
        lambda g: g.within(lambda c: surveys.add(c, ASKED, "UTC", g.principal)),
        lambda g: g.within(lambda c: surveys.close(c, "x", g.principal)),
        lambda g: survey_table.import_answers(g.engine, "x", PAPER, g.principal),
    ],
    Operation.SURVEY_ANSWER: [
        lambda g: g.within(lambda c: surveys.answer(c, SURVEY, NONE, {}, g.principal)),
    ],
    Operation.SURVEY_SEE: [lambda g: g.within(lambda c: surveys.results(c, "x", 5, g.principal))],
    Operation.DATUM_FLAG: [lambda g: g.within(lambda c: outdated.flag(c, FLAW, g.principal))],
    Operation.SUPPRESSION_SEE: [
        lambda g: g.within(lambda c: objections.look_up(c, {1: b"x"}, g.principal)),
        lambda g: g.within(lambda c: objections.listed(c, "", 1, g.principal)),
    ],
    Operation.SUPPRESSION_ADD: [
        lambda g: g.within(lambda c: objections.suppress(c, NO, g.principal)),
        lambda g: g.within(lambda c: subscriptions.unsubscribe(c, WISH, g.principal)),
        lambda g: g.within(lambda c: subscriptions.object_to_marketing(c, NONE, "test", "test", g.principal)),
    ],
    Operation.SUPPRESSION_LIFT: [lambda g: g.within(lambda c: objections.lift(c, NONE, "test", g.principal))],
    Operation.FAILURES_LIFT: [
        lambda g: g.within(lambda c: objections.lift_failures(c, NONE, "test", g.principal))
    ],
    Operation.SUPPRESSION_REPLAY: [
        lambda g: replay.replay(g.engine, [Path("/nonexistent.log")], g.principal)
    ],
    Operation.CAMPAIGN_SEE: [
        lambda g: seeing.show(g.engine, NONE, g.principal),
        lambda g: seeing.list_campaigns(g.engine, g.principal),
        lambda g: seeing.list_refused(g.engine, g.principal),
    ],
    Operation.CAMPAIGN_PREVIEW: [lambda g: preview.previews(g.engine, PLAN, AUTHOR, PAPER, g.principal)],
    Operation.CAMPAIGN_SUBMIT: [lambda g: Signing({1: b"key"}).signed({}, g.principal)],
    Operation.CAMPAIGN_STOP: [
        lambda g: control.pause(g.engine, NONE, g.principal),
        lambda g: control.halt(g.engine, NONE, "complaints", g.principal),
        lambda g: control.cancel(g.engine, NONE, g.principal),
        lambda g: approval.hold_large(g.engine, NONE, 5, g.principal),
    ],
    Operation.CAMPAIGN_GO: [
        lambda g: control.resume(g.engine, NONE, g.principal),
        lambda g: control.start(g.engine, NONE, g.principal),
    ],
    Operation.CAMPAIGN_APPROVE: [lambda g: approval.approve(g.engine, NONE, g.principal)],
    Operation.SCHEDULE_STOP: [lambda g: recurrence.stop(g.engine, NONE, g.principal)],
    Operation.DELIVERY_SETTLE: [
        lambda g: decisions.settle_as(g.engine, NONE, "accepted", g.principal),
        lambda g: g.within(lambda c: decisions.settle_by_evidence(c, NONE, [], "test", g.principal)),
    ],
    Operation.DELIVERY_RESEND: [lambda g: decisions.resend(g.engine, NONE, g.principal)],
    Operation.SENDING_HALT: [lambda g: restart.halt(g.engine, "test", g.principal)],
    Operation.SENDING_GO: [lambda g: restart.go(g.engine, g.principal)],
    Operation.MAIL_SEE: [
        lambda g: parking.parked(g.engine, g.principal),
        lambda g: parking.content(g.engine, NONE, g.principal),
    ],
    Operation.MAIL_SETTLE: [
        lambda g: parking.settle(g.engine, NONE, g.principal),
        lambda g: parking.retry(g.engine, NONE, g.principal, lambda *_: []),
    ],
    Operation.CASE_SEE: [lambda g: cases.cases(g.engine, g.principal)],
    Operation.CASE_OPEN: [lambda g: g.within(lambda c: cases.open_case(c, MATTER, g.principal))],
    Operation.CASE_CLOSE: [lambda g: cases.close_case(g.engine, NONE, "test", g.principal)],
    Operation.REQUEST_OPEN: [
        lambda g: g.within(
            lambda c: requests.open_request(
                c, requests.Asked(kind="access", came_by="operator", contact_id=1), g.principal
            )
        )
    ],
    Operation.REQUEST_DECIDE: [
        lambda g: requests.withdraw(g.engine, NONE, g.principal),
        lambda g: requests.identify(g.engine, NONE, requests.Identification("mailbox"), g.principal),
        lambda g: disclosure.disclose(g.engine, g.ring, NOBODY, NONE, g.principal),
    ],
    Operation.HOLD_CHANGE: [
        lambda g: g.within(lambda c: holds.place(c, holds.Held(contact=NONE), "test", g.principal)),
        lambda g: g.within(lambda c: holds.lift(c, NONE, g.principal)),
    ],
    Operation.RETENTION_SWEEP: [
        lambda g: retention.sweep(retention.Sweeper(g.engine, g.ring, WINDOWS), g.principal, dry_run=True)
    ],
    Operation.BACKUP_TAKE: [
        lambda g: take_backup(KEYLESS, g.folder, g.principal),
        lambda g: restore(KEYLESS, g.folder, g.principal),
    ],
    Operation.AUDIT_SEE: [
        lambda g: g.within(lambda c: audit_reading.entries(c, audit_reading.Wanted(), g.principal))
    ],
    Operation.AUDIT_REDACT: [lambda g: g.within(lambda c: audit.redact(c, NONE, "test", g.principal))],
    Operation.AUDIT_CUT: [lambda g: audit_chain.cut(g.sealer, LONG_AGO, g.principal)],
    Operation.AUDIT_ACCEPT: [lambda g: audit_chain.accept(g.sealer, "test", g.principal)],
    Operation.ACCOUNT_SEE: [
        lambda g: g.within(lambda c: accounts.listing(c, g.principal)),
        lambda g: g.within(lambda c: access_tokens.listing(c, g.principal)),
    ],
    Operation.ACCOUNT_MANAGE: [
        lambda g: g.within(lambda c: accounts.set_level(c, "account:x", Level.READER, g.principal)),
        lambda g: g.within(lambda c: accounts.add(c, accounts.NewAccount("", Level.READER), g.principal)),
        lambda g: g.within(lambda c: accounts.set_first_password(c, "account:x", "x", g.principal)),
        lambda g: leavers.cut_off(g.engine, "x", g.principal),
    ],
    Operation.TOKEN_MANAGE: [
        lambda g: g.within(
            lambda c: access_tokens.issue(
                c, access_tokens.NewToken("service:x", timedelta(days=1)), g.principal
            )
        ),
        lambda g: g.within(lambda c: access_tokens.revoke(c, NONE, g.principal)),
    ],
}
