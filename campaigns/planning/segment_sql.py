"""From the tree of a segment to a condition over `contact`: bound values, declared fields, known lists and kinds only.

Promise: every name that is not declared is a `Fault` with its line and column, all of them at once, each with what was
probably meant; values are always bound. `!=` and `not` count those without a value in. Comparisons of text pass over
case; languages, genders and countries are understood in any of their words.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from difflib import get_close_matches
from typing import Any, Final

import sqlalchemy as sa

from campaigns.errors import Fault, InputError
from campaigns.planning.segment_language import (
    Among,
    Compare,
    Empty,
    Happened,
    Joined,
    Node,
    Not,
    OnList,
    Period,
    Received,
    SegmentFault,
    Word,
)
from campaigns.register.contacts import PERSON_COLUMNS
from campaigns.register.declared import DeclaredField
from campaigns.register.words import country_code, gender_word, language_code
from campaigns.store import schema
from campaigns.store.people_tables import EVENT_KINDS

Condition = sa.ColumnElement[bool]

_WORDS: Final[Mapping[str, Callable[[str], str | None]]] = {
    "language": language_code,
    "gender": gender_word,
    "country": country_code,
}
_AT_WORK: Final = ("company", "business_id", "position")
_ORDERED: Final = frozenset({"<", "<=", ">", ">="})
_DAYS: Final = {"days": 1, "weeks": 7, "months": 30, "years": 365}
FIELDS: Final = ("email", *PERSON_COLUMNS, *_AT_WORK)


@dataclass
class Names:
    """What an expression may name: declared extra fields, lists by key with their ids; and the present moment."""

    fields: Mapping[str, DeclaredField]
    lists: Mapping[str, int]
    now: datetime
    faults: list[Fault] = field(default_factory=list)

    def refuse(self, word: Word, problem: str, known: Collection[str] = ()) -> Condition:
        """Note a fault, with what was probably meant; the condition that stands in its place."""
        meant = get_close_matches(word.text, known, 1, 0.6)
        hint = f"; did you mean {meant[0]!r}?" if meant else ""
        self.faults.append(Fault(word.where, problem + hint))
        return sa.false()


def bind(node: Node, names: Names) -> Condition:
    """The condition of a tree; the statement around it selects from `contact`.

    Raises:
        SegmentFault: with every name and value that cannot be used.
    """
    condition = _bound(node, names)
    if names.faults:
        raise SegmentFault(names.faults)
    return condition


def _bound(node: Node, names: Names) -> Condition:
    if isinstance(node, Joined):
        parts = [_bound(part, names) for part in node.parts]
        return sa.and_(*parts) if node.all else sa.or_(*parts)
    if isinstance(node, Not):
        return sa.not_(_bound(node.part, names))
    if isinstance(node, Compare):
        return _compared(node, names)
    if isinstance(node, Among):
        return sa.or_(*(_compared(Compare(node.field, "=", value), names) for value in node.values))
    if isinstance(node, Empty):
        return sa.not_(_field(node.field, names, lambda column: sa.and_(column.is_not(None), column != "")))
    return _past(node, names)


def _past(node: OnList | Happened | Received, names: Names) -> Condition:
    if isinstance(node, OnList):
        if node.key.text not in names.lists:
            return names.refuse(node.key, f"there is no list {node.key.text!r}", names.lists)
        return _on_list(names.lists[node.key.text])
    if isinstance(node, Received):
        return _received(node, names)
    kind = node.kind.text.casefold()
    if kind not in EVENT_KINDS:
        problem = f"there are no events {node.kind.text!r}; there are {', '.join(EVENT_KINDS)}"
        return names.refuse(node.kind, problem, EVENT_KINDS)
    return _happened(node, kind, names)


def _compared(node: Compare, names: Names) -> Condition:
    if node.operator == "!=":
        return sa.not_(_compared(Compare(node.field, "=", node.value), names))
    declared = names.fields.get(node.field.text)
    if declared is not None:
        return _extra(node, declared, names)
    if node.operator in _ORDERED:
        problem = f"{node.field.text} is text, which is neither more nor less"
        return names.refuse(node.field, problem) if node.field.text in FIELDS else _unknown(node.field, names)
    word = _WORDS.get(node.field.text)
    if word is not None and node.operator == "=":
        code = word(node.value.text)
        if code is None:
            return names.refuse(node.value, f"is no {node.field.text} that is known")
        return _field(node.field, names, lambda column: sa.and_(column.is_not(None), column == code))
    return _field(node.field, names, lambda column: _text(column, node))


def _text(column: Any, node: Compare) -> Condition:
    """Never NULL, so that `not` means the opposite."""
    wanted, folded = node.value.text.lower(), sa.func.lower(column)
    if node.operator == "contains":
        found: Condition = folded.contains(wanted, autoescape=True)
    elif node.operator == "starts with":
        found = folded.startswith(wanted, autoescape=True)
    else:
        found = folded == wanted
    return sa.and_(column.is_not(None), found)


def _field(word: Word, names: Names, condition: Callable[[Any], Condition]) -> Condition:
    """A condition over a column of the contact, of the present positions, or of a declared field."""
    if word.text == "email" or word.text in PERSON_COLUMNS:
        return condition(schema.contact.c[word.text])
    if word.text in _AT_WORK:
        position, company = schema.position.alias(), schema.company.alias()
        column = {"company": company.c.name, "business_id": company.c.business_id}.get(
            word.text, position.c.name
        )
        return (
            sa.exists()
            .select_from(position.join(company, company.c.id == position.c.company_id))
            .where(
                position.c.contact_id == schema.contact.c.id,
                position.c.ended_at.is_(None),
                condition(column),
            )
        )
    if word.text in names.fields:
        return _having(word.text, lambda extra: condition(extra.c.text))
    return _unknown(word, names)


def _unknown(word: Word, names: Names) -> Condition:
    known = (*FIELDS, *names.fields)
    return names.refuse(word, f"there is no field {word.text!r}", known)


def _having(name: str, condition: Callable[[Any], Condition]) -> Condition:
    extra = schema.contact_field.alias()
    return (
        sa.exists()
        .select_from(extra)
        .where(extra.c.contact_id == schema.contact.c.id, extra.c.name == name, condition(extra))
    )


def _extra(node: Compare, declared: DeclaredField, names: Names) -> Condition:
    if node.operator in {"contains", "starts with"}:
        return _having(declared.name, lambda extra: _text(extra.c.text, node))
    try:
        wanted = declared.read(node.value.text)
    except InputError as error:
        return names.refuse(node.value, f"{declared.name}: {error}", declared.choices)
    if node.operator == "=" and declared.type in {"text", "reference"}:
        return _having(declared.name, lambda extra: _text(extra.c.text, node))
    if node.operator in _ORDERED and declared.type not in {"number", "date"}:
        return names.refuse(node.field, f"{declared.name} is a {declared.type}, neither more nor less")
    value: Any = float(wanted) if declared.is_number else wanted
    column = "number" if declared.is_number else "text"
    return _having(declared.name, lambda extra: extra.c[column].op(node.operator)(value))


def _on_list(list_id: int) -> Condition:
    subscription = schema.subscription.alias()
    return (
        sa.exists()
        .select_from(subscription)
        .where(
            subscription.c.contact_id == schema.contact.c.id,
            subscription.c.list_id == list_id,
            subscription.c.status == "subscribed",
        )
    )


def _happened(node: Happened, kind: str, names: Names) -> Condition:
    event, position = schema.event.alias(), schema.position.alias()
    when = [event.c.kind == kind, *_within(event.c.at, node.period, names.now)]
    works = [position.c.contact_id == schema.contact.c.id, position.c.ended_at.is_(None)]
    if node.times == 1 and node.of_company:
        # One inside the other, from the person to the company: joined, SQLite goes through all events for each person.
        happened = sa.exists().where(event.c.company_id == position.c.company_id, *when)
        return sa.exists().where(*works, happened)
    if node.times == 1:
        return sa.exists().select_from(event).where(event.c.contact_id == schema.contact.c.id, *when)
    # Counted for everybody at once: asked for each person, a million people are a million questions.
    people: Any = event.c.contact_id
    source: Any = event
    if node.of_company:
        people, source = (
            position.c.contact_id,
            event.join(position, position.c.company_id == event.c.company_id),
        )
        when.append(position.c.ended_at.is_(None))
    often = sa.select(people).select_from(source).where(people.is_not(None), *when).group_by(people)
    return schema.contact.c.id.in_(often.having(sa.func.count() >= node.times))


def _received(node: Received, names: Names) -> Condition:
    delivery, campaign = schema.delivery.alias(), schema.campaign.alias()
    return (
        sa.exists()
        .select_from(delivery.join(campaign, campaign.c.id == delivery.c.campaign_id))
        .where(
            delivery.c.contact_id == schema.contact.c.id,
            delivery.c.status == "accepted",
            sa.func.lower(campaign.c.key) == node.campaign.text.lower(),
            *_within(delivery.c.handed_over_at, node.period, names.now),
        )
    )


def _within(moment: Any, period: Period | None, now: datetime) -> list[Condition]:
    if period is None:
        return []
    found = []
    if period.count:
        earliest = now - timedelta(days=period.count * _DAYS[period.unit])
        found += [moment >= earliest, moment <= now]
    if period.since is not None:
        found.append(moment >= datetime.combine(period.since, time(), UTC))
    if period.before is not None:
        found.append(moment < datetime.combine(period.before, time(), UTC))
    return found
