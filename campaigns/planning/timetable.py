"""From what a submission says about time to instants that the ledger can hold.

Promise: `timetable` gives each campaign its start, the moment after which a start needs a person's word, and its
deadline, all as instants; `schedule_faults` names everything in a schedule that contradicts itself or never comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from campaigns.clock import utc_now
from campaigns.errors import Fault
from campaigns.planning.moments import earliest_start, fires_too_often, instant, next_firing
from campaigns.planning.submission import Submission

#: How many characters the identity and the edition of a firing are longer than those of its schedule.
_ID_ROOM: Final = 100 - len(":20261126T0700Z")
_EDITION_ROOM: Final = 40 - len(" 2026-11-26")


@dataclass(frozen=True)
class Clocks:
    """What an installation says about time: its zone, and how late a start may be without a word."""

    time_zone: str = "Europe/Helsinki"
    start_within: timedelta = timedelta(hours=6)


@dataclass(frozen=True)
class Timetable:
    """When a campaign may start, starts too late, ends; with the recipients' own clocks, what these have to show."""

    send_at: datetime | None
    start_by: datetime | None
    deadline_at: datetime | None
    time_zone: str
    local_start: str | None


def timetable(submission: Submission, clocks: Clocks) -> Timetable:
    """The instants of a campaign that is to be sent once."""
    said, options = submission.schedule, submission.options
    zone_name = said.time_zone or clocks.time_zone
    start, local = None, None
    if said.send_at is not None:
        start = (
            earliest_start(said.send_at, zone_name) if said.local_time else instant(said.send_at, zone_name)
        )
        local = said.send_at.isoformat() if said.local_time else None
    within = clocks.start_within
    if said.start_within_minutes is not None:
        within = timedelta(minutes=said.start_within_minutes)
    deadline = options.deadline
    if options.expire_after_hours is not None:
        deadline = (start or utc_now()) + timedelta(hours=options.expire_after_hours)
    return Timetable(start, start + within if start else None, deadline, zone_name, local)


def schedule_faults(
    parts: Mapping[str, Mapping[str, Any]], submission_id: str, clocks: Clocks
) -> Iterator[Fault]:
    """What is wrong with the schedule of a submission, given the fields of its parts that are in order."""
    said, options = parts["schedule"], parts["options"]
    send_at, deadline = said.get("send_at"), options.get("deadline")
    zone_name = said.get("time_zone") or clocks.time_zone
    if deadline is not None and options.get("expire_after_hours") is not None:
        yield Fault("options.expire_after_hours", "stands for deadline; give one of the two")
    if said.get("local_time") and (send_at is None or send_at.tzinfo is not None):
        yield Fault("schedule.local_time", "needs send_at without an offset, e.g. 2026-12-01T09:00:00")
    if send_at is not None and send_at.tzinfo is not None and said.get("time_zone"):
        yield Fault("schedule.time_zone", "send_at names its own offset; leave one of the two out")
    if said.get("cron") is not None:
        yield from _recurring_faults(parts, submission_id, zone_name)
        return
    if said.get("until") is not None:
        yield Fault("schedule.until", "goes with cron")
    if send_at is not None and deadline is not None and deadline <= instant(send_at, zone_name):
        yield Fault("options.deadline", "lies before the start")


def first_firing(submission: Submission, clocks: Clocks) -> tuple[str, datetime | None, datetime | None]:
    """Of a recurring schedule the time zone, the last moment, and the first firing; None where it never fires."""
    said = submission.schedule
    zone_name = said.time_zone or clocks.time_zone
    until = None if said.until is None else instant(said.until, zone_name)
    return zone_name, until, next_firing(said.cron or "", zone_name, utc_now(), until)


def _recurring_faults(
    parts: Mapping[str, Mapping[str, Any]], submission_id: str, zone_name: str
) -> Iterator[Fault]:
    said, options, cron = parts["schedule"], parts["options"], parts["schedule"]["cron"]
    for name in ("send_at", "local_time"):
        if said.get(name):
            yield Fault(f"schedule.{name}", "does not go with cron")
    if options.get("deadline") is not None:
        yield Fault("options.deadline", "does not go with cron; expire_after_hours does")
    if len(submission_id) > _ID_ROOM:
        yield Fault("submission_id", f"may have {_ID_ROOM} characters with cron; the firing's time is added")
    if len(parts["campaign"].get("edition", "")) > _EDITION_ROOM:
        yield Fault("campaign.edition", f"may have {_EDITION_ROOM} characters with cron; a date is added")
    until = None if said.get("until") is None else instant(said["until"], zone_name)
    if next_firing(cron, zone_name, utc_now(), until) is None:
        yield Fault("schedule.cron", "never fires (any more)")
    elif fires_too_often(cron, zone_name, utc_now()):
        yield Fault("schedule.cron", "fires more often than once an hour")
