"""The two Jinja environments. Templates are reviewed files, and yet nothing they say may harm the process
that renders.

Both are sandboxed, immutable, and know few filters and hardly any globals. Data are plain values (text,
numbers, lists, tables), so an attribute is an item of a table, a method of text from a short list, or
something of a loop. An absent field is false in a condition and an error when it is printed. Growth is
bounded: text made by operators, numbers, ranges; in the campaign-level environment also the steps of loops
and macros and the text printed (a `Budget`), since loops nest there; the recipient-level one refuses by form
(`recipient_form_fault`) whatever could grow without bound. Fails with jinja2 errors, which the callers turn
into TemplateFault or RecipientFault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, wraps
from typing import Any, Final

from jinja2 import BaseLoader, StrictUndefined, TemplateError, UndefinedError, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

from campaigns.content.model import RECIPIENT_FIELDS

MAX_RANGE: Final = 200
MAX_STEPS: Final = 50_000
MAX_PRINTED: Final = 1_000_000
MAX_TEXT: Final = 200_000
MAX_NUMBER: Final = 2**53
MAX_LOOPS_DEEP: Final = 2

# What a template can raise by working on a value it did not expect.
FAILURES: Final = (
    TemplateError,
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
)

_FILTERS: Final = frozenset(
    (
        *(
            "abs",
            "capitalize",
            "count",
            "d",
            "default",
            "dictsort",
            "e",
            "escape",
            "first",
            "float",
            "groupby",
        ),
        *("int", "items", "join", "last", "length", "list", "lower", "map", "max", "min", "reject"),
        *("rejectattr", "replace", "reverse", "round", "select", "selectattr", "sort", "striptags", "sum"),
        *("title", "trim", "truncate", "unique", "upper", "urlencode", "wordcount", "wordwrap"),
    )
)
_TEXT_METHODS: Final = frozenset(
    (
        *("capitalize", "casefold", "count", "endswith", "find", "isalpha", "isdigit", "lower", "lstrip"),
        *(
            "partition",
            "removeprefix",
            "removesuffix",
            "rpartition",
            "rsplit",
            "rstrip",
            "split",
            "splitlines",
        ),
        *("startswith", "strip", "title", "upper"),
    )
)
_LOOP_ATTRIBUTES: Final = frozenset(("first", "index", "index0", "last", "length", "revindex", "revindex0"))
_TABLE_METHODS: Final = frozenset(("get", "items", "keys", "values"))


class AbsentField(StrictUndefined):
    """A field that is not there: false in a condition, an error wherever its value is wanted."""

    def __bool__(self) -> bool:  # type: ignore[override]  # the library's own never returns
        return False


class StringTable(dict[str, Any]):
    """The strings of one language, or a table within them. A string that is missing is an error even in a
    condition."""

    def __init__(self, strings: dict[str, Any], place: str) -> None:
        super().__init__(strings)
        self.place = place


class Budget:
    """What one campaign-level rendering may still do; running out is a SecurityError."""

    def __init__(self) -> None:
        self._steps = 0
        self._printed = 0

    def step(self) -> None:
        """One turn of a loop or one call of a macro."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise SecurityError(f"more than {MAX_STEPS} steps of loops and macros")

    def printed(self, text: str) -> None:
        """Text printed by an expression."""
        self._printed += len(text)
        if self._printed > MAX_PRINTED:
            raise SecurityError(f"expressions print more than {MAX_PRINTED} characters")


class Sandbox(ImmutableSandboxedEnvironment):
    """What both environments share."""

    intercepted_binops = frozenset(("+", "*", "**", "%"))

    def __init__(self, *, html: bool, **options: Any) -> None:
        super().__init__(
            autoescape=html, undefined=AbsentField, trim_blocks=True, lstrip_blocks=True, **options
        )
        self.globals = {"range": _bounded_range}
        self.filters = {name: _bounded(self.filters[name]) for name in sorted(_FILTERS)}
        self.filters |= {
            "bounded_concat": _bounded_concat,
            "join": _bounded_join,
            "replace": _bounded_replace,
        }

    def getattr(self, obj: Any, attribute: str) -> Any:
        """An item of a table comes before its methods, so that merge data may have a key `items`."""
        if type(obj) is LoopContext and attribute in _LOOP_ATTRIBUTES:  # a short cut for the hot path
            return getattr(obj, attribute)
        if isinstance(obj, dict):
            if attribute in obj:
                return obj[attribute]
            if isinstance(obj, StringTable):
                raise UndefinedError(f"there is no string {obj.place}.{attribute}")
            if attribute not in _TABLE_METHODS:
                return self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Of text only the methods that cannot blow it up; of all else what the library's sandbox allows."""
        if isinstance(obj, str):
            return attr in _TEXT_METHODS
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:  # noqa: ARG002 - the library's signature
        """No `format` on text: its widths are unbounded. `is_safe_attribute` then refuses it."""
        return None

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic on numbers of sane size, and `+` on text and lists of sane size."""
        if isinstance(left, int | float) and isinstance(right, int | float) and operator != "**":
            if abs(left) > MAX_NUMBER or abs(right) > MAX_NUMBER:
                raise SecurityError("a number is too large")
        elif operator != "+" or not _may_join(left, right):
            raise SecurityError(f"operator {operator} is not allowed on these values")
        return super().call_binop(context, operator, left, right)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        bounded: nodes.Template = _BoundConcat().visit(tree)
        return bounded


class CampaignEnvironment(Sandbox):
    """Campaign level: `[[ value ]]`, `[% tag %]`, `[# comment #]`, run once per campaign and language."""

    def __init__(self, *, html: bool, loader: BaseLoader, brace: str) -> None:
        super().__init__(
            html=html,
            loader=loader,
            variable_start_string="[[",
            variable_end_string="]]",
            block_start_string="[%",
            block_end_string="%]",
            comment_start_string="[#",
            comment_end_string="#]",
            cache_size=0,
            finalize=self._printable,
        )
        self._html = html
        self._brace = brace
        self.budget = Budget()
        #: Every template that was parsed, by its name.
        self.trees: dict[str, nodes.Template] = {}

    def step(self) -> str:
        """Called by every turn of a loop and every macro; prints nothing."""
        self.budget.step()
        return ""

    def _printable(self, value: object) -> object:
        """What an expression prints. Braces become a stand-in, so that no value is ever read as a template
        later."""
        if isinstance(value, AbsentField):
            str(value)  # raises, with the name
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise SecurityError(f"only text and numbers can be printed, not {type(value).__name__}")
        text = escape(value) if self._html else str(value)
        self.budget.printed(text)
        text = text.replace("{", self._brace)
        return Markup(text) if self._html else text  # noqa: S704 - escaped two lines above

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in tree.find_all((nodes.For, nodes.Macro, nodes.CallBlock)):
            call = nodes.Call(nodes.EnvironmentAttribute("step"), [], [], None, None)
            loop.body.insert(0, nodes.Output([call], lineno=loop.lineno))  # type: ignore[attr-defined]  # all three have a body
        if name is not None:
            self.trees[name] = tree
        return tree


@cache
def recipient_environment(*, html: bool) -> Sandbox:
    """Recipient level: ordinary Jinja delimiters, escaping for HTML and none for text and subjects."""
    return Sandbox(html=html, keep_trailing_newline=True, cache_size=0)


def unknown_fields(tree: nodes.Template) -> list[str]:
    """The names of a recipient-level template that are neither recipient fields nor set in it, sorted."""
    own = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}
    return sorted(meta.find_undeclared_variables(tree) - RECIPIENT_FIELDS - {"range"} - own)


def recipient_form_fault(tree: nodes.Template) -> tuple[int, str] | None:
    """The first construct of a recipient-level template that could grow without bound, as (line, problem),
    or None."""
    for node in tree.find_all(_REFUSED):
        return node.lineno, f"{type(node).__name__} is not available at recipient level"
    return _too_deep(tree, 0)


def _too_deep(node: nodes.Node, depth: int) -> tuple[int, str] | None:
    for child in node.iter_child_nodes():
        inside = depth + isinstance(child, nodes.For)
        if inside > MAX_LOOPS_DEEP:
            return child.lineno, f"loops are nested more than {MAX_LOOPS_DEEP} deep"
        if found := _too_deep(child, inside):
            return found
    return None


_REFUSED: Final = (
    *(nodes.AssignBlock, nodes.Block, nodes.CallBlock, nodes.Extends, nodes.FilterBlock, nodes.FromImport),
    *(nodes.Import, nodes.Include, nodes.Macro, nodes.ScopedEvalContextModifier),
)


class _BoundConcat(NodeTransformer):
    """Rewrites `a ~ b` so that the length of what it makes is bounded."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - the visitor's naming
        self.generic_visit(node)
        return nodes.Filter(nodes.List(node.nodes), "bounded_concat", [], [], None, None, lineno=node.lineno)


def _bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter whose result, if it is text, stays within the limit; its mark for the compiler is kept."""

    @wraps(function)
    def bounded(*args: Any, **options: Any) -> Any:
        result = function(*args, **options)
        if isinstance(result, str):
            _check_length(len(result))
        return result

    return bounded


def _bounded_concat(parts: list[object]) -> str:
    for part in parts:
        if isinstance(part, AbsentField):
            str(part)  # raises, with the name
        if not isinstance(part, str | int | float):
            raise SecurityError("only text and numbers can be joined")
    _check_length(sum(len(part) for part in parts if isinstance(part, str)))
    if any(isinstance(part, Markup) for part in parts):
        return Markup("").join(part if isinstance(part, str) else str(part) for part in parts)
    return "".join(map(str, parts))


def _bounded_join(values: Iterable[object], between: str = "", attribute: str | None = None) -> str:
    items = [item[attribute] if attribute and isinstance(item, dict) else item for item in values]
    pieces = [piece for item in items for piece in (between, item)][1:]
    return _bounded_concat(list(pieces))


def _bounded_replace(text: object, old: object, new: object) -> str:
    if not (isinstance(text, str) and isinstance(old, str) and isinstance(new, str)):
        raise SecurityError("replace works on text only")
    _check_length(len(text) + text.count(old) * len(new))
    return text.replace(old, new)


def _check_length(length: int) -> None:
    if length > MAX_TEXT:
        raise SecurityError(f"a text grows beyond {MAX_TEXT} characters")


def _may_join(left: object, right: object) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return len(left) + len(right) <= MAX_TEXT
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) + len(right) <= MAX_TEXT
    return False


def _bounded_range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > MAX_RANGE:
        raise SecurityError(f"range gives more than {MAX_RANGE} numbers")
    return numbers
