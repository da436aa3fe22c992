"""What goes when its window is over, kind by kind, as statements: deletions, and updates that blank.

Promise: nothing that is held goes; a statement changes nothing that is not due, so that it may be carried out again,
and counted beforehand. Deliveries are in `campaigns.rights.old_ledger`, the audit log redacts itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from campaigns.rights import holds
from campaigns.rights.windows import Windows
from campaigns.store import schema

Statement = sa.Delete | sa.Update
Condition = sa.ColumnElement[bool]

#: Stands in the place of a source's own number when an event has been blanked.
GONE: Final = "gone:"


@dataclass(frozen=True)
class Due:
    """What is due: by these windows, now."""

    windows: Windows
    now: datetime

    def before(self, kind: str) -> datetime:
        """What is older than this goes."""
        return self.windows.before(kind, self.now)


def not_held(column: sa.Column[Any]) -> Condition:
    """Rows that are not about a contact under a hold."""
    return sa.or_(column.is_(None), column.not_in(holds.contacts()))


def events(due: Due) -> Iterable[Statement]:
    """What happened with people; a reference to a recording goes on the day that was told for it."""
    table = schema.event
    recording = table.c.kind == "call_recording"
    free = not_held(table.c.contact_id)
    yield sa.delete(table).where(~recording, table.c.at < due.before("events"), free)
    yield sa.delete(table).where(recording, table.c.until < due.now, free)


def fields(due: Due) -> Iterable[Statement]:
    """Extra fields, each by its own window."""
    table = schema.contact_field
    for name, days in due.windows.fields.items():
        old = table.c.changed_at < due.now - timedelta(days=days)
        yield sa.delete(table).where(table.c.name == name, old, not_held(table.c.contact_id))


def raw_mail(due: Due) -> Iterable[Statement]:
    """The words of the source of an event: only what they meant is kept longer."""
    table = schema.feedback_event
    old = table.c.received_at < due.before("raw_mail")
    yield sa.update(table).where(table.c.raw.is_not(None), old, _free_delivery(table)).values(raw=None)


def feedback(due: Due) -> Iterable[Statement]:
    """An event stays as a count of its campaign, without the person; a case that was closed goes."""
    table, case = schema.feedback_event, schema.feedback_case
    limit = due.before("feedback")
    blank = {"number": None, "raw": None, "diagnostic": None, "about_key": None}
    yield (
        sa.update(table)
        .where(table.c.received_at < limit, table.c.event_id.not_like(f"{GONE}%"), _free_delivery(table))
        .values(**blank, event_id=sa.literal(GONE).concat(sa.cast(table.c.id, sa.Text)))
    )
    yield sa.delete(case).where(case.c.closed_at < limit, not_held(case.c.contact_id))


def surveys(due: Due) -> Iterable[Statement]:
    """Answers, and who answered, after the survey was closed; what was asked stays."""
    over = sa.select(schema.survey.c.id).where(schema.survey.c.closes_at < due.before("feedback"))
    answer, taken = schema.survey_answer, schema.survey_taken
    yield sa.delete(answer).where(answer.c.survey_id.in_(over), not_held(answer.c.contact_id))
    yield sa.delete(taken).where(taken.c.survey_id.in_(over), not_held(taken.c.contact_id))


def parked_mail(due: Due) -> Iterable[Statement]:
    """Mail that nobody could place."""
    table = schema.parked_mail
    old = table.c.received_at < due.before("parked_mail")
    blank = {"raw": None, "recipient": None, "blanked_at": due.now}
    yield sa.update(table).where(table.c.blanked_at.is_(None), old).values(**blank)


def suppressions(due: Due) -> Iterable[Statement]:
    """A "no" that was lifted, and a pause that is over; one that stands never goes."""
    table, limit = schema.suppression, due.before("suppressions")
    yield sa.delete(table).where(sa.or_(table.c.lifted_at < limit, table.c.until < limit))


def submissions(due: Due) -> Iterable[Statement]:
    """Submissions that were refused."""
    table = schema.submission
    old = table.c.received_at < due.before("submissions")
    yield sa.delete(table).where(table.c.status == "refused", old)


def disclosures(due: Due) -> Iterable[Statement]:
    """Who was given whose data."""
    limit = due.before("audit")
    given, whose = schema.disclosure, schema.disclosure_subject
    before = sa.select(given.c.id).where(given.c.at < limit)
    yield sa.delete(whose).where(whose.c.disclosure_id.in_(before), not_held(whose.c.contact_id))
    yield sa.delete(given).where(given.c.at < limit, ~sa.exists().where(whose.c.disclosure_id == given.c.id))


def requests(due: Due) -> Iterable[Statement]:
    """Requests that were closed, tellings that were told, holds that were lifted."""
    limit = due.before("requests")
    hold, telling, request = schema.legal_hold, schema.rights_telling, schema.rights_request
    yield sa.delete(hold).where(hold.c.lifted_at < limit)
    yield sa.delete(telling).where(telling.c.told_at < limit, not_held(telling.c.contact_id))
    yield sa.delete(request).where(request.c.closed_at < limit, not_held(request.c.contact_id))


def accounts(due: Due) -> Iterable[Statement]:
    """Tokens that ran out or were revoked, then what accounts could do that were disabled: their names stay, disabled,
    so that nobody is taken for a stranger, or for somebody else, by a name that was given before."""
    account, token, limit = schema.account, schema.access_token, due.before("accounts")
    ended = sa.select(account.c.id).where(account.c.disabled_at < limit)
    over = sa.or_(token.c.expires_at < limit, token.c.revoked_at < limit, token.c.account_id.in_(ended))
    yield sa.delete(token).where(over)
    blank = {
        "level": None,
        "password_hash": None,
        "password_set_at": None,
        "locked_until": None,
        "failures": 0,
    }
    left = sa.or_(account.c.level.is_not(None), account.c.password_hash.is_not(None))
    yield sa.update(account).where(account.c.disabled_at < limit, left).values(**blank)


def leavings(due: Due) -> Iterable[Statement]:
    """What is left of people's work and consent: former positions, bases that ended, companies where nobody is, words
    of sources that no datum rests on."""
    limit = due.before("contacts")
    position, basis, company = schema.position, schema.contact_basis, schema.company
    yield sa.delete(position).where(position.c.ended_at < limit, not_held(position.c.contact_id))
    yield sa.delete(basis).where(basis.c.ended_at < limit, not_held(basis.c.contact_id))
    at_work = sa.exists().where(position.c.company_id == company.c.id)
    known = sa.exists().where(schema.event.c.company_id == company.c.id)
    yield sa.delete(company).where(company.c.created_at < limit, ~at_work, ~known)
    intake, provenance = schema.intake, schema.provenance
    told = sa.or_(intake.c.source != "", intake.c.evidence != "")
    old = sa.select(intake.c.id).where(intake.c.at < limit, told)
    # What is used is read once, not for each intake: neither table has an index by it.
    unused = sa.except_(old, sa.select(provenance.c.intake_id), sa.select(basis.c.intake_id))
    yield sa.update(intake).where(intake.c.id.in_(unused)).values(source="", evidence="")


def _free_delivery(table: sa.Table) -> Condition:
    """Events that are not about a delivery to a contact, or of a campaign, under a hold."""
    delivery = schema.delivery.c
    held = sa.exists().where(
        delivery.campaign_id == table.c.campaign_id,
        delivery.number == table.c.number,
        delivery.contact_id.in_(holds.contacts()),
    )
    free = sa.or_(table.c.campaign_id.is_(None), table.c.campaign_id.not_in(holds.campaigns()))
    return sa.and_(~held, free)


#: What goes, by the name of its window. Their order is that of the sweep.
STEPS: Final[tuple[tuple[str, Callable[[Due], Iterable[Statement]]], ...]] = (
    ("events", events),
    ("contacts", fields),
    ("raw_mail", raw_mail),
    ("feedback", feedback),
    ("feedback", surveys),
    ("parked_mail", parked_mail),
    ("suppressions", suppressions),
    ("submissions", submissions),
    ("audit", disclosures),
    ("requests", requests),
    ("accounts", accounts),
    ("contacts", leavings),
)
