"""`utskick schedules`: campaigns that come again and again."""

from __future__ import annotations

from cyclopts import App

from campaigns.planning import recurrence
from workers.cli.output import Json, answer, answer_table
from workers.cli.words import ScheduleNumber
from workers.wiring import opened, operator

schedules = App(name="schedules")


@schedules.command(name="list")
def show(*, json: Json = False) -> None:
    """Show all recurring schedules and when they fire next."""
    rows = recurrence.list_schedules(opened().engine)
    answer_table({"schedules": rows}, rows, as_json=json)


@schedules.command
def stop(schedule: ScheduleNumber, *, json: Json = False) -> None:
    """Stop a recurring schedule for good; campaigns that it has started go on."""
    stopped = recurrence.stop(opened().engine, schedule, operator())
    answer({"stopped": stopped}, "Stopped." if stopped else "It had ended.", as_json=json)
