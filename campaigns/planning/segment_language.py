"""The language of segments: from a text to a tree of conditions. Knows no database.

    language = "sv" and city in ("Vasa", "Jakobstad")
    not company is empty or turnover >= 100000
    event purchase within 90 days
    event meeting at least 2 times since 2026-01-01 and not event purchase
    company event offer before 2026-06-30
    list "news"
    received "newsletter" within 30 days

Promise: a text either becomes a tree, or a `Fault` that says line, column and what was expected; nothing in it is ever
part of a statement's text. `and` binds closer than `or`; comparisons of text pass over case.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final, Literal

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError

from campaigns.errors import Fault, FaultyInput

LONGEST: Final = 4_000
#: Deeper nesting than this is nobody's thought.
DEEPEST: Final = 40

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "contains", "starts with"]
Unit = Literal["days", "weeks", "months", "years"]

GRAMMAR: Final = r"""
?start: any
?any: all (_OR all)*
?all: one (_AND one)*
?one: _NOT one -> no
    | "(" any ")" -> group
    | NAME OPERATOR value -> compare
    | NAME _CONTAINS value -> contains
    | NAME _STARTS_WITH value -> starts
    | NAME _IN "(" value ("," value)* ")" -> among
    | NAME _IS _EMPTY -> empty
    | NAME _IS _NOT _EMPTY -> filled
    | _LIST name -> on_list
    | _EVENT NAME times? period? -> event
    | _COMPANY_EVENT NAME times? period? -> company_event
    | _RECEIVED name period? -> received
times: _AT_LEAST INTEGER _TIMES?
period: _WITHIN INTEGER UNIT -> within
    | _SINCE DATE -> since
    | _BEFORE DATE -> before
    | _BETWEEN DATE _AND DATE -> between
name: NAME | STRING
value: STRING | NUMBER | INTEGER | DATE | NAME
_OR.2: /or(?![\w-])/i
_AND.2: /and(?![\w-])/i
_NOT.2: /not(?![\w-])/i
_IN.2: /in(?![\w-])/i
_IS.2: /is(?![\w-])/i
_EMPTY.2: /empty(?![\w-])/i
_CONTAINS.2: /contains(?![\w-])/i
_STARTS_WITH.2: /starts\s+with(?![\w-])/i
_LIST.2: /list(?![\w-])/i
_EVENT.2: /event(?![\w-])/i
_COMPANY_EVENT.3: /company\s+event(?![\w-])/i
_RECEIVED.2: /received(?![\w-])/i
_AT_LEAST.2: /at\s+least(?![\w-])/i
_TIMES.2: /times?(?![\w-])/i
_WITHIN.2: /within(?![\w-])/i
_SINCE.2: /since(?![\w-])/i
_BEFORE.2: /before(?![\w-])/i
_BETWEEN.2: /between(?![\w-])/i
OPERATOR: "=" | "!=" | "<=" | "<" | ">=" | ">"
UNIT.2: /(day|week|month|year)s?(?![\w-])/i
DATE.3: /\d{4}-\d{2}-\d{2}(?![\w-])/
NUMBER.1: /-?\d+\.\d+/
INTEGER: /-?\d+/
NAME: /[^\W\d][\w-]*/
STRING: /"[^"\n]*"/
%import common.WS
%ignore WS
"""


class SegmentFault(FaultyInput):
    """The expression of a segment cannot be used."""


@dataclass(frozen=True)
class Word:
    """A word or value with its place."""

    text: str
    line: int
    column: int

    @property
    def where(self) -> str:
        """Line and column, as faults name them."""
        return f"{self.line}:{self.column}"


@dataclass(frozen=True)
class Period:
    """When something happened: the last so many units, from a day on, before a day."""

    count: int = 0
    unit: Unit = "days"
    since: date | None = None
    before: date | None = None


@dataclass(frozen=True)
class Compare:
    """A field against a value."""

    field: Word
    operator: Operator
    value: Word


@dataclass(frozen=True)
class Among:
    """A field against several values."""

    field: Word
    values: tuple[Word, ...]


@dataclass(frozen=True)
class Empty:
    """A field that has no value."""

    field: Word


@dataclass(frozen=True)
class OnList:
    """A live subscription."""

    key: Word


@dataclass(frozen=True)
class Happened:
    """Events of one kind, so many times, of the person or of the company where the person works."""

    kind: Word
    times: int
    period: Period | None
    of_company: bool


@dataclass(frozen=True)
class Received:
    """An edition of a campaign that was handed over."""

    campaign: Word
    period: Period | None


@dataclass(frozen=True)
class Not:
    """The opposite."""

    part: Node


@dataclass(frozen=True)
class Joined:
    """Several conditions: all of them, or any."""

    all: bool
    parts: tuple[Node, ...]


Node = Compare | Among | Empty | OnList | Happened | Received | Not | Joined


def read_expression(text: str) -> Node:
    """The tree of an expression.

    Raises:
        SegmentFault: with the place and what was expected.
    """
    if len(text) > LONGEST:
        raise SegmentFault([Fault("1:1", f"is longer than {LONGEST} characters")])
    if not text.strip():
        raise SegmentFault([Fault("1:1", 'is empty; `list "news"` would be a segment')])
    try:
        node: Node = _parser().parse(text)  # type: ignore[assignment]  # with its transformer it makes ours
    except VisitError as error:
        if isinstance(error.orig_exc, SegmentFault):
            raise error.orig_exc from None
        raise
    except UnexpectedInput as error:
        raise SegmentFault([_unexpected(error, text)]) from None
    if _is_deep(node):
        raise SegmentFault([Fault("1:1", f"is nested more than {DEEPEST} deep")])
    return node


@cache
def _parser() -> Lark:
    # The tree is made from its leaves while parsing, so that no depth of parentheses is a depth of calls.
    return Lark(GRAMMAR, parser="lalr", maybe_placeholders=False, transformer=_Reader())


def said(node: Node) -> str:
    """A tree as a text that means the same."""
    if isinstance(node, Joined):
        parts = (f"({said(part)})" if isinstance(part, Joined) else said(part) for part in node.parts)
        return (" and " if node.all else " or ").join(parts)
    if isinstance(node, Not):
        return f"not ({said(node.part)})" if isinstance(node.part, Joined) else f"not {said(node.part)}"
    if isinstance(node, Compare):
        return f'{node.field.text} {node.operator} "{node.value.text}"'
    if isinstance(node, Among):
        values = ", ".join(f'"{value.text}"' for value in node.values)
        return f"{node.field.text} in ({values})"
    if isinstance(node, Empty):
        return f"{node.field.text} is empty"
    return _said_of_the_past(node)


def _said_of_the_past(node: OnList | Happened | Received) -> str:
    if isinstance(node, OnList):
        return f'list "{node.key.text}"'
    period = f" {_said_period(node.period)}" if node.period else ""
    if isinstance(node, Received):
        return f'received "{node.campaign.text}"{period}'
    times = f" at least {node.times} times" if node.times > 1 else ""
    return f"{'company ' if node.of_company else ''}event {node.kind.text}{times}{period}"


def _said_period(period: Period) -> str:
    if period.count:
        return f"within {period.count} {period.unit}"
    if period.since and period.before:
        return f"between {period.since} and {period.before}"
    return f"since {period.since}" if period.since else f"before {period.before}"


def _is_deep(node: Node) -> bool:
    level: list[Node] = [node]
    for _ in range(DEEPEST):
        level = [part for item in level for part in _parts(item)]
    return bool(level)


def _parts(node: Node) -> tuple[Node, ...]:
    if isinstance(node, Not):
        return (node.part,)
    return node.parts if isinstance(node, Joined) else ()


_SHOWN: Final = {
    "NAME": "a name",
    "STRING": 'a text in "…"',
    "NUMBER": "a number",
    "INTEGER": "a whole number",
    "DATE": "a date such as 2026-11-25",
    "OPERATOR": "= != < <= > >=",
    "UNIT": "days, weeks, months or years",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": ",",
    "$END": "the end",
}


def _unexpected(error: UnexpectedInput, text: str) -> Fault:
    told: Any = error  # what the parser would take here is narrower than what the lexer looked for
    if isinstance(error, UnexpectedCharacters):
        return Fault(f"{error.line}:{error.column}", f"{text[told.pos_in_stream]!r} means nothing here")
    expected = sorted(getattr(told, "accepts", None) or getattr(told, "expected", None) or ())
    wanted = ", ".join(_SHOWN.get(name, name.strip("_").lower().replace("_", " ")) for name in expected)
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        return Fault(
            f"{error.line}:{error.column}", f"{str(error.token)!r} is not expected; expected: {wanted}"
        )
    lines = text.rstrip().split("\n")
    return Fault(f"{len(lines)}:{len(lines[-1]) + 1}", f"ends too early; expected: {wanted}")


def _word(token: Token) -> Word:
    text = token[1:-1] if token.type == "STRING" else str(token)
    return Word(text, token.line or 1, token.column or 1)


def _day(token: Token) -> date:
    try:
        return date.fromisoformat(token)
    except ValueError:
        raise SegmentFault([Fault(_word(token).where, f"{token} is no day of the calendar")]) from None


@v_args(inline=True)
class _Reader(Transformer[Token, Any]):
    """From lark's tree to ours."""

    def any(self, *parts: Node) -> Node:
        return Joined(False, parts)

    def all(self, *parts: Node) -> Node:
        return Joined(True, parts)

    def no(self, part: Node) -> Node:
        return Not(part)

    def group(self, part: Node) -> Node:
        return part

    def value(self, token: Token) -> Word:
        return _word(token)

    def name(self, token: Token) -> Word:
        return _word(token)

    def compare(self, field: Token, operator: Token, value: Word) -> Node:
        return Compare(_word(field), str(operator), value)  # type: ignore[arg-type]  # OPERATOR above

    def contains(self, field: Token, value: Word) -> Node:
        return Compare(_word(field), "contains", value)

    def starts(self, field: Token, value: Word) -> Node:
        return Compare(_word(field), "starts with", value)

    def among(self, field: Token, *values: Word) -> Node:
        return Among(_word(field), values)

    def empty(self, field: Token) -> Node:
        return Empty(_word(field))

    def filled(self, field: Token) -> Node:
        return Not(Empty(_word(field)))

    def on_list(self, key: Word) -> Node:
        return OnList(key)

    def times(self, count: Token) -> int:
        return max(int(count), 1)

    def within(self, count: Token, unit: Token) -> Period:
        number = int(count)
        if not 0 < number <= 10_000:
            raise SegmentFault([Fault(_word(count).where, "is no length of time")])
        return Period(count=number, unit=f"{unit.lower().rstrip('s')}s")  # type: ignore[arg-type]  # UNIT above

    def since(self, day: Token) -> Period:
        return Period(since=_day(day))

    def before(self, day: Token) -> Period:
        return Period(before=_day(day))

    def between(self, first: Token, last: Token) -> Period:
        return Period(since=_day(first), before=_day(last))

    def event(self, kind: Token, *rest: int | Period) -> Node:
        return _happened(kind, rest, of_company=False)

    def company_event(self, kind: Token, *rest: int | Period) -> Node:
        return _happened(kind, rest, of_company=True)

    def received(self, campaign: Word, *rest: Period) -> Node:
        return Received(campaign, rest[0] if rest else None)


def _happened(kind: Token, rest: tuple[int | Period, ...], *, of_company: bool) -> Node:
    times = next((part for part in rest if isinstance(part, int)), 1)
    period = next((part for part in rest if isinstance(part, Period)), None)
    return Happened(_word(kind), times, period, of_company)
