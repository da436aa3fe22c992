"""Segments: saved expressions that say whom a campaign of some lists is for, counted and explained.

Promise: an expression is checked when it is saved and when a campaign is submitted, with all its faults; a campaign
keeps the expression that it was submitted with, and the types of the fields in it. Groups below the minimum size are
not told: neither their number nor what could be worked out from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.errors import Fault, InputError, NotFound
from campaigns.planning.segment_language import Joined, Node, SegmentFault, read_expression, said
from campaigns.planning.segment_sql import Condition, Names, bind
from campaigns.principal import Principal
from campaigns.register import audit, mailing_lists
from campaigns.register.declared import DeclaredField
from campaigns.register.mailing_lists import MailingList
from campaigns.register.suppression import Asked, withholding_reason
from campaigns.store import schema
from campaigns.store.upsert import insert_into

_KEY: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
#: People as they are counted: each once, and nobody who was erased.
_PRESENT: Final = (schema.contact.c.erased_at.is_(None), schema.contact.c.merged_into.is_(None))
Fields = Mapping[str, DeclaredField]


@dataclass(frozen=True)
class Segment:
    """A saved segment."""

    key: str
    name: str
    expression: str


def add(connection: sa.Connection, segment: Segment, fields: Fields, principal: Principal) -> None:
    """Save a segment, or give the one of this key another expression.

    Raises:
        InputError: the key cannot be used.
        SegmentFault: the expression cannot be used, with every reason.
    """
    demand(principal, Operation.SEGMENT_SAVE)
    if not _KEY.fullmatch(segment.key):
        raise InputError(f"segment key {segment.key!r}: use a to z, 0 to 9 and -, at most 40 characters")
    condition(connection, segment.expression, fields)
    table = schema.segment
    values = {
        "name": segment.name or segment.key,
        "expression": segment.expression,
        "changed_at": utc_now(),
        "changed_by": principal.name,
    }
    before = _find(connection, segment.key)
    statement = insert_into(table, connection).values(key=segment.key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values))
    old = {"expression": before.expression} if before else None
    new = {"expression": segment.expression}
    audit.write(
        connection,
        audit.Entry(principal, "register:segment:save", [f"segment:{segment.key}"], "", old, new),
    )


def get(connection: sa.Connection, key: str) -> Segment:
    """The segment with that key.

    Raises:
        NotFound: there is none; the message names those that exist.
    """
    found = _find(connection, key)
    if found is None:
        known = ", ".join(item.key for item in all_segments(connection)) or "none yet"
        raise NotFound(
            f"no segment {key!r} (there are: {known}); save it with `utskick segments add {key} …`"
        )
    return found


def all_segments(connection: sa.Connection) -> list[Segment]:
    """All segments, by key."""
    table = schema.segment
    rows = connection.execute(sa.select(table).order_by(table.c.key))
    return [Segment(row.key, row.name, row.expression) for row in rows]


def _find(connection: sa.Connection, key: str) -> Segment | None:
    table = schema.segment
    row = connection.execute(sa.select(table).where(table.c.key == key)).one_or_none()
    return None if row is None else Segment(row.key, row.name, row.expression)


def condition(connection: sa.Connection, expression: str, fields: Fields) -> Condition:
    """The condition over `contact` that an expression means.

    Raises:
        SegmentFault: with every reason why it cannot be used.
    """
    return bind(read_expression(expression), names(connection, fields))


def names(connection: sa.Connection, fields: Fields) -> Names:
    """What expressions may name now."""
    lists = {item.key: item.id for item in mailing_lists.all_lists(connection)}
    return Names(fields, lists, utc_now())


def submitted(
    connection: sa.Connection, asked: str | None, fields: Fields, faults: list[Fault]
) -> str | None:
    """What a campaign keeps of `campaign.segment` (a saved segment's key, or an expression); faults are added."""
    if asked is None:
        return None
    expression = asked
    if _KEY.fullmatch(asked):
        found = _find(connection, asked)
        if found is None:
            known = ", ".join(item.key for item in all_segments(connection)) or "none yet"
            faults.append(Fault("campaign.segment", f"there is no segment {asked!r} (there are: {known})"))
            return None
        expression = found.expression
    try:
        condition(connection, expression, fields)
    except SegmentFault as refused:
        faults += [Fault(f"campaign.segment:{fault.where}", fault.problem) for fault in refused.faults]
        return None
    types = {name: declared.type for name, declared in fields.items() if name in expression}
    return json.dumps({"expression": expression, "fields": types}, ensure_ascii=False)


def of_campaign(connection: sa.Connection, kept: str) -> Condition:
    """The condition that a campaign keeps."""
    document = json.loads(kept)
    fields = {name: DeclaredField(name, kind, "", 1) for name, kind in document["fields"].items()}
    return condition(connection, document["expression"], fields)


@dataclass(frozen=True)
class Counting:
    """How segments are counted: the declared fields, and the size below which a group is not told."""

    fields: Fields
    minimum_group: int

    def told(self, number: int) -> int | None:
        """A number, or None where the group is too small to be told."""
        return None if 0 < number < self.minimum_group else number


def count(connection: sa.Connection, expression: str, counting: Counting) -> int | None:
    """How many people a segment has; None for fewer than the minimum.

    Raises:
        SegmentFault: the expression cannot be used.
    """
    return counting.told(_number(connection, condition(connection, expression, counting.fields)))


def explain(
    connection: sa.Connection, expression: str, counting: Counting, mailing_list: MailingList | None = None
) -> dict[str, Any]:
    """Who is in, who is out and why, in numbers: each condition by itself; of the people in the segment who are on a
    list, how many would be written to by e-mail now, and why the others not.

    Raises:
        SegmentFault: the expression cannot be used.
    """
    tree = read_expression(expression)
    known = names(connection, counting.fields)
    inside = bind(tree, known)
    everybody = _number(connection, sa.true())
    within = _number(connection, inside)
    parts = [_part(connection, part, known, counting) for part in _conditions(tree)]
    told: dict[str, Any] = {
        "contacts": everybody,
        "in": counting.told(within),
        "out": everybody - within if counting.told(within) is not None else None,
        "minimum_group": counting.minimum_group,
        "conditions": parts,
    }
    if mailing_list is not None:
        told |= {"list": mailing_list.key, **_reached(connection, inside, mailing_list, counting)}
    return told


def _conditions(tree: Node) -> list[Node]:
    return list(tree.parts) if isinstance(tree, Joined) else [tree]


def _part(connection: sa.Connection, part: Node, known: Names, counting: Counting) -> dict[str, Any]:
    number = _number(connection, bind(part, Names(known.fields, known.lists, known.now)))
    return {"condition": said(part), "matching": counting.told(number)}


def _reached(
    connection: sa.Connection, inside: Condition, mailing_list: MailingList, counting: Counting
) -> dict[str, Any]:
    contact, subscription = schema.contact, schema.subscription
    asked = Asked(sa.literal(mailing_list.id), sa.literal("email"), sa.literal(mailing_list.purpose))
    reason = withholding_reason(asked).label("reason")
    people = (
        sa.select(reason)
        .join_from(contact, subscription, subscription.c.contact_id == contact.c.id)
        .where(subscription.c.list_id == mailing_list.id, *_PRESENT, inside)
        .subquery()
    )
    rows = connection.execute(sa.select(people.c.reason, sa.func.count()).group_by(people.c.reason)).all()
    return {
        "written_to": counting.told(sum(number for why, number in rows if why is None)),
        "withheld": {why: counting.told(number) for why, number in rows if why is not None},
    }


def _number(connection: sa.Connection, inside: Condition) -> int:
    contact = schema.contact
    number: int = connection.execute(
        sa.select(sa.func.count()).select_from(contact).where(*_PRESENT, inside)
    ).scalar_one()
    return number
