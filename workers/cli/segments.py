"""`utskick segments`: save, list, count and explain whom campaigns are for."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from cyclopts import App, Parameter

from campaigns.planning import segments as planning
from campaigns.planning.segments import Counting, Segment
from campaigns.register import mailing_lists
from campaigns.store.engine import reading, writing
from workers.cli.output import Json, answer, answer_table
from workers.cli.words import SegmentKey
from workers.wiring import Installation, opened, operator

segments = App(name="segments")


@segments.command
def add(
    key: SegmentKey,
    expression: Annotated[str, Parameter(help="E.g. 'language = \"sv\" and event purchase within 90 days'.")],
    *,
    name: Annotated[str, Parameter(help="The name that people see; the key where left out.")] = "",
    json: Json = False,
) -> None:
    """Save a segment under a key; the same key again gives it another expression."""
    installation = opened()
    with writing(installation.engine) as connection:
        planning.add(connection, Segment(key, name, expression), installation.fields, operator())
    answer({"key": key, "expression": expression}, f"Segment {key} is saved.", as_json=json)


@segments.command(name="list")
def show(*, json: Json = False) -> None:
    """Show all segments."""
    with reading(opened().engine) as connection:
        rows = [asdict(item) for item in planning.all_segments(connection)]
    answer_table({"segments": rows}, rows, as_json=json)


@segments.command
def count(key: SegmentKey, *, json: Json = False) -> None:
    """Count the people of a segment; groups below the minimum are not told."""
    installation = opened()
    counting = _counting(installation)
    with reading(installation.engine) as connection:
        number = planning.count(connection, planning.get(connection, key).expression, counting)
    value = {"key": key, "count": number, "minimum_group": counting.minimum_group}
    answer(value, _number(number, counting), as_json=json)


@segments.command
def explain(
    key: SegmentKey,
    *,
    list: Annotated[str | None, Parameter(help="Key of a list: who of it would be written to now.")] = None,  # noqa: A002 (the option's name)
    json: Json = False,
) -> None:
    """Tell in numbers who is in a segment, who is out, and why."""
    installation = opened()
    counting = _counting(installation)
    with reading(installation.engine) as connection:
        chosen = mailing_lists.get(connection, list) if list else None
        expression = planning.get(connection, key).expression
        told = planning.explain(connection, expression, counting, chosen)
    answer({"key": key, **told}, "\n".join(_lines(expression, told, counting)), as_json=json)


def _lines(expression: str, told: dict[str, Any], counting: Counting) -> list[str]:
    lines = [expression, f"in: {_number(told['in'], counting)} of {told['contacts']}"]
    lines += [f"  {_number(part['matching'], counting)}: {part['condition']}" for part in told["conditions"]]
    if "list" in told:
        lines.append(f"on list {told['list']}, written to now: {_number(told['written_to'], counting)}")
        lines += [f"  withheld, {why}: {_number(some, counting)}" for why, some in told["withheld"].items()]
    return lines


def _number(number: int | None, counting: Counting) -> str:
    return f"fewer than {counting.minimum_group}" if number is None else str(number)


def _counting(installation: Installation) -> Counting:
    return Counting(installation.fields, installation.settings.segments.minimum_group)
