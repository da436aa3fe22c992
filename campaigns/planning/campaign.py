"""From a submitted document to a planned campaign, or to a refusal that is kept.

Promise: each document that arrives leaves exactly one submission row: accepted with its campaign, or
refused with all its faults. An accepted document again changes nothing and gives the same answer; another
document under an accepted id is refused; a refused one is looked at anew when it is handed in again, since
what it lacked may be there by now. Content is compiled once, here, and stored, so that every worker
machine renders the same octets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from campaigns.clock import utc_now
from campaigns.content.catalogue import Catalogue
from campaigns.content.compile import compile_content
from campaigns.content.language import as_language
from campaigns.content.model import Brand, CampaignFacts, Compilation
from campaigns.errors import Fault, FaultyInput, NotFound, SubmissionRefused, TemplateFault
from campaigns.planning import recurrence, segments
from campaigns.planning.authority import Signing, author_faults, standing_faults
from campaigns.planning.kept_content import keep_content
from campaigns.planning.storable import storable, storable_text
from campaigns.planning.submission import (
    DOCUMENT_OCTETS,
    Submission,
    canonical,
    digest,
    read_document,
    sound_parts,
)
from campaigns.planning.timetable import Clocks, first_firing, schedule_faults, timetable
from campaigns.principal import Principal
from campaigns.register import audit, mailing_lists
from campaigns.register.declared import DeclaredField
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from campaigns.store.locks import take_turn
from campaigns.store.upsert import insert_into


@dataclass(frozen=True)
class Planning:
    """What planning needs to know of the installation: templates, brand, each sender's smarthost by sender key, and
    whether there is a print house."""

    engine: sa.Engine
    catalogue: Catalogue
    brand: Brand
    smarthost_of: Mapping[str, str]
    prints: bool = True
    fields: Mapping[str, DeclaredField] = field(default_factory=dict)
    clocks: Clocks = field(default_factory=Clocks)
    signing: Signing = field(default_factory=Signing)


@dataclass(frozen=True)
class Receipt:
    """What became of a submission: its campaign, or its recurring schedule, or the faults that it was refused for.
    `fresh` tells a first receipt."""

    submission_id: str
    campaign_id: int | None
    faults: tuple[Fault, ...] = ()
    fresh: bool = True
    recurrence_id: int | None = None


@dataclass(frozen=True)
class Plan:
    """A submission that can be kept: read, looked up and compiled."""

    submission: Submission
    document: object
    smarthost: str
    lists: list[mailing_lists.MailingList]
    compiled: list[Compilation] = field(default_factory=list)
    segment: str | None = None


_TAKEN: Final = Fault("submission_id", "is taken by another document; a changed campaign needs a new id")


def receive(planning: Planning, document: object, *, believed: bool = False) -> Receipt:
    """Take one submitted document; `believed` is one that the register itself has kept, which needs no signature.

    Raises:
        Unreachable: the database is away; hand the document in again.
    """
    known = _accepted_before(planning.engine, document)
    if known is not None:
        return known
    signing = None if believed else planning.signing
    try:
        plan = plan_campaign(planning, document, signing)
        if plan.submission.schedule.cron is not None:
            return _keep_recurring(planning, plan)
        return _keep_accepted(planning, plan)
    except SubmissionRefused as refusal:
        return _keep_refused(planning.engine, document, refusal.faults)


def _accepted_before(engine: sa.Engine, document: object) -> Receipt | None:
    table = schema.submission
    with reading(engine) as connection:
        row = connection.execute(
            sa.select(table).where(
                table.c.submission_id == _claimed_id(document),
                table.c.digest == _digest(document),
                table.c.status == "accepted",
            )
        ).one_or_none()
    if row is None:
        return None
    return Receipt(row.submission_id, row.campaign_id, fresh=False, recurrence_id=row.recurrence_id)


def plan_campaign(planning: Planning, document: object, signing: Signing | None = None) -> Plan:
    """Read, look up and compile a document; keeps nothing. With `signing`, its author has to be proven.

    Raises:
        SubmissionRefused: with every fault.
    """
    faults: list[Fault] = []
    submission = None
    try:
        submission = read_document(document)
    except SubmissionRefused as refusal:
        faults += refusal.faults
    parts = sound_parts(document)
    with reading(planning.engine) as connection:
        if _taken(connection, document):
            faults.append(_TAKEN)
        if signing is not None:
            faults += author_faults(connection, document, signing)
        lists = _lists(connection, parts["campaign"], faults)
        segment = segments.submitted(connection, parts["campaign"].get("segment"), planning.fields, faults)
    smarthost = _smarthost(planning, parts["sender"], faults)
    faults += _promise_faults(planning, parts)
    faults += schedule_faults(parts, _claimed_id(document), planning.clocks)
    compiled = _compile(planning, parts["campaign"], faults)
    if faults or smarthost is None or submission is None:
        raise SubmissionRefused(faults)
    return Plan(submission, document, smarthost, lists, compiled, segment)


def _smarthost(planning: Planning, sender: Mapping[str, Any], faults: list[Fault]) -> str | None:
    key = sender.get("key")
    smarthost = planning.smarthost_of.get(key) if key is not None else None
    if key is not None and smarthost is None:
        known = ", ".join(sorted(planning.smarthost_of)) or "none"
        faults.append(Fault("sender.key", f"there is no sender {key!r} in the settings ({known})"))
    return smarthost


def _promise_faults(planning: Planning, parts: Mapping[str, Mapping[str, Any]]) -> list[Fault]:
    """What the document asks for and neither it nor the installation has."""
    faults = []
    campaign, fallback = parts["campaign"], parts["options"].get("fallback_language")
    if fallback is not None and fallback not in campaign.get("subject", {fallback: ""}):
        faults.append(Fault("options.fallback_language", f"there is no campaign.subject.{fallback}"))
    if campaign.get("channel", "email") != "email" and not planning.prints:
        problem = "no print house is configured; declare [print_houses.main] or use email"
        faults.append(Fault("campaign.channel", problem))
    return faults


def _lists(
    connection: sa.Connection, campaign: Mapping[str, Any], faults: list[Fault]
) -> list[mailing_lists.MailingList]:
    found = []
    purpose = campaign.get("purpose")
    for rank, key in enumerate(campaign.get("lists", ())):
        place = f"campaign.lists.{rank}"
        try:
            item = mailing_lists.get(connection, key)
        except NotFound as error:
            faults.append(Fault(place, str(error)))
            continue
        if purpose not in (None, item.purpose):
            faults.append(Fault(place, f"list {key} is for the purpose {item.purpose}, not {purpose}"))
        found.append(item)
    return found


def _compile(planning: Planning, campaign: Mapping[str, Any], faults: list[Fault]) -> list[Compilation]:
    if "template" not in campaign:
        return []
    try:
        source = planning.catalogue.load(campaign["template"])
    except (NotFound, FaultyInput, TemplateFault) as error:
        faults.append(Fault("campaign.template", str(error)))
        return []
    if campaign.get("kind", source.kind) != source.kind:
        problem = f"{campaign['template']} is for a {source.kind}, not a {campaign['kind']}"
        faults.append(Fault("campaign.template", problem))
    if not campaign.keys() >= {"key", "edition", "kind", "subject", "merge_data"}:
        return []
    compiled = []
    for code, subject in campaign["subject"].items():
        facts = CampaignFacts(
            campaign["key"], campaign["edition"], campaign["kind"], subject, utc_now().date()
        )
        try:
            compiled.append(
                compile_content(source, as_language(code), campaign["merge_data"], planning.brand, facts)
            )
        except FaultyInput as error:
            faults += [Fault(f"campaign.{fault.where}", fault.problem) for fault in error.faults]
        except TemplateFault as error:
            faults.append(Fault("campaign.template", f"{code}: {error}"))
    return compiled


def _keep_refused(engine: sa.Engine, document: object, faults: Iterable[Fault]) -> Receipt:
    faults = tuple(dict.fromkeys(faults))
    kept = storable(document)
    if not isinstance(kept, dict) or len(canonical(kept)) > DOCUMENT_OCTETS:
        kept = {"document": canonical(kept)[:10_000].decode("utf-8", "replace")}
    submission_id = _claimed_id(document)
    with writing(engine) as connection:
        _insert_submission(
            connection,
            {
                "submission_id": submission_id,
                "digest": _digest(document),
                "status": "refused",
                "submitted_by": _claimed(document, "submitted_by"),
                "document": kept,
                "faults": [
                    {"where": storable_text(fault.where), "problem": storable_text(fault.problem)}
                    for fault in faults
                ],
            },
        )
    return Receipt(submission_id, None, faults)


def _keep_recurring(planning: Planning, plan: Plan) -> Receipt:
    """Keep a recurring schedule; each firing comes back as a submission of its own."""
    submission = plan.submission
    zone_name, until, next_at = first_firing(submission, planning.clocks)
    if next_at is None:
        raise SubmissionRefused([Fault("schedule.cron", "never fires (any more)")])
    values = {
        "submission_id": submission.submission_id,
        "document": plan.document,
        "cron": submission.schedule.cron,
        "time_zone": zone_name,
        "until": until,
        "created_by": submission.submitted_by,
    }
    with writing(planning.engine) as connection:
        _demand_author(connection, submission)
        recurrence_id = recurrence.keep(connection, values, next_at)
        _insert_accepted(connection, plan, "schedule", recurrence_id=recurrence_id)
    return Receipt(submission.submission_id, None, recurrence_id=recurrence_id)


def _keep_accepted(planning: Planning, plan: Plan) -> Receipt:
    submission = plan.submission
    with writing(planning.engine) as connection:
        _demand_author(connection, submission)
        campaign_id = _insert_campaign(connection, plan, planning.clocks)
        if campaign_id is not None:
            keep_content(connection, campaign_id, plan.compiled)
            _insert_accepted(connection, plan, "campaign", campaign_id=campaign_id)
            return Receipt(submission.submission_id, campaign_id)
    # Somebody accepted this id at the same moment: the same queue message, or another document.
    known = _accepted_before(planning.engine, plan.document)
    return known or _keep_refused(planning.engine, plan.document, [_TAKEN])


def _demand_author(connection: sa.Connection, submission: Submission) -> None:
    """Whoever is disabled at this moment either has this campaign held, or is refused here."""
    faults = list(standing_faults(connection, Principal(submission.submitted_by), hold=True))
    if faults:
        raise SubmissionRefused(faults)


def _insert_accepted(connection: sa.Connection, plan: Plan, what: str, **made: int) -> None:
    """Keep an accepted submission with what was made of it, and say so in the audit log."""
    submission = plan.submission
    accepted = {
        "submission_id": submission.submission_id,
        "digest": _digest(plan.document),
        "status": "accepted",
        "submitted_by": submission.submitted_by,
        "document": plan.document,
        "faults": [],
        **made,
    }
    _insert_submission(connection, accepted)
    audit.write(
        connection,
        audit.Entry(
            Principal(submission.submitted_by),
            f"register:{what}:submit",
            [f"{what}:{number}" for number in made.values()],
            f"submission {submission.submission_id}",
            None,
            {"key": submission.campaign.key, "edition": submission.campaign.edition},
        ),
    )


def _insert_submission(connection: sa.Connection, values: dict[str, Any]) -> None:
    """Keep a submission; over the refusal of the same document, never over its acceptance."""
    table = schema.submission
    statement = insert_into(table, connection).values(received_at=utc_now(), **values)
    changed = {name: values.get(name) for name in ("status", "faults", "campaign_id", "recurrence_id")}
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["submission_id", "digest"], set_=changed, where=table.c.status == "refused"
        )
    )


def _insert_campaign(connection: sa.Connection, plan: Plan, clocks: Clocks) -> int | None:
    """Insert the campaign with its lists; None where it is there."""
    submission, part = plan.submission, plan.submission.campaign
    table = schema.campaign.c
    # Not left to the unique key: an insertion that conflicts uses up a campaign's number on PostgreSQL.
    take_turn(connection, f"submission {submission.submission_id}")
    if connection.execute(sa.select(table.id).where(table.submission_id == submission.submission_id)).first():
        return None
    campaign_id: int = connection.execute(
        sa.insert(schema.campaign)
        .values(
            submission_id=submission.submission_id,
            key=part.key,
            edition=part.edition,
            kind=part.kind,
            channel=part.channel,
            purpose=part.purpose,
            template=part.template,
            sender=submission.sender.key,
            smarthost=plan.smarthost,
            fallback_language=submission.fallback_language,
            segment=plan.segment,
            status="scheduled",
            created_at=utc_now(),
            created_by=submission.submitted_by,
            **asdict(timetable(submission, clocks)),
        )
        .returning(schema.campaign.c.id)
    ).scalar_one()
    ranks = [
        {"campaign_id": campaign_id, "list_id": item.id, "rank": rank} for rank, item in enumerate(plan.lists)
    ]
    connection.execute(sa.insert(schema.campaign_list), ranks)
    return campaign_id


def _taken(connection: sa.Connection, document: object) -> bool:
    """Whether another document was accepted under this one's id; the same one may be, a moment ago."""
    table = schema.submission
    statement = sa.select(table.c.id).where(
        table.c.submission_id == _claimed_id(document),
        table.c.digest != _digest(document),
        table.c.status == "accepted",
    )
    return connection.execute(statement).first() is not None


def _digest(document: object) -> str:
    """The document's digest, of what can be kept of it, since nothing else can be walked through for certain; without
    its signature, so that a document signed anew is the same."""
    kept = storable(document)
    return digest({**kept, "signature": None} if isinstance(kept, dict) else kept)


def _claimed_id(document: object) -> str:
    return _claimed(document, "submission_id")


def _claimed(document: object, name: str) -> str:
    value = document.get(name) if isinstance(document, Mapping) else None
    return storable_text(value[:100]) if isinstance(value, str) else ""
