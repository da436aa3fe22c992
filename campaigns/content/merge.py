"""Merge data of a campaign: held against what the template declares, and laid out for one language.

Merge data are campaign-level: plain text, numbers, truth values, lists and tables, as JSON has them. Keys at
the top are common to all languages; the tables `sv`, `fi` and `en` hold what differs and win. Fails with
MergeDataFault, which lists every fault with its dotted path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from campaigns.content.language import LANGUAGES, Language
from campaigns.content.model import TemplateSource
from campaigns.errors import Fault, FaultyInput

MAX_DEPTH: Final = 6
MAX_VALUES: Final = 5_000
MAX_CHARACTERS: Final = 256_000

# XML, and so MJML, cannot hold them; tabs and line breaks are text. Half a character is none.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]").search


class MergeDataFault(FaultyInput):
    """The merge data do not fit the template; all faults are listed."""


def merge_data_faults(
    source: TemplateSource, merge_data: Mapping[str, object], languages: Iterable[Language] = LANGUAGES
) -> list[Fault]:
    """Everything wrong with `merge_data` for this template in these languages; empty when it fits."""
    if faults := list(_form_faults(merge_data)):
        return faults
    faults = [
        Fault(f"merge_data.{path}", f"template {source.key!r} declares no such field{_known(source)}")
        for path, name in _names(merge_data)
        if name not in source.merge_fields
    ]
    for language in languages:
        present = _laid_out(merge_data, language)
        faults += (
            Fault(f"merge_data.{language}.{field.name}", f"is missing: {field.description}")
            for field in source.merge_fields.values()
            if field.required and present.get(field.name) in (None, "")
        )
    return faults


def merge_context(
    source: TemplateSource, merge_data: Mapping[str, object], language: Language
) -> dict[str, object]:
    """The fields as templates of that language see them; absent and null ones are left out. Raises
    MergeDataFault."""
    if faults := merge_data_faults(source, merge_data, (language,)):
        raise MergeDataFault(faults)
    return {name: value for name, value in _laid_out(merge_data, language).items() if value is not None}


def _laid_out(merge_data: Mapping[str, object], language: Language) -> dict[str, object]:
    common = {name: value for name, value in merge_data.items() if name not in LANGUAGES}
    own = merge_data.get(language)
    return common | own if isinstance(own, dict) else common


def _names(merge_data: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Every field named, as (path, name)."""
    for key, value in merge_data.items():
        if key in LANGUAGES and isinstance(value, dict):
            yield from ((f"{key}.{name}", name) for name in value)
        else:
            yield key, key


def _known(source: TemplateSource) -> str:
    return f"; it has {', '.join(sorted(source.merge_fields))}" if source.merge_fields else ""


def _form_faults(merge_data: Mapping[str, object]) -> Iterator[Fault]:
    """Faults of form and size, without recursion, so that no nesting can exhaust the stack."""
    waiting: list[tuple[str, object, int]] = [("merge_data", dict(merge_data), 0)]
    values = characters = 0
    while waiting:
        path, value, depth = waiting.pop()
        values += 1
        if isinstance(value, str):
            characters += len(value)
        if values > MAX_VALUES or characters > MAX_CHARACTERS:
            yield Fault("merge_data", f"is larger than {MAX_VALUES} values or {MAX_CHARACTERS} characters")
            return
        problem = _value_problem(value, depth)
        if problem:
            yield Fault(path, problem)
        else:
            waiting += _children(path, value, depth)
    for language in LANGUAGES:
        if not isinstance(merge_data.get(language, {}), dict):
            yield Fault(f"merge_data.{language}", "must be a table of fields")


def _value_problem(value: object, depth: int) -> str:
    if depth > MAX_DEPTH:
        return f"is nested more than {MAX_DEPTH} levels deep"
    if value is not None and not isinstance(value, str | int | float | list | tuple | dict):
        return (
            f"is a {type(value).__name__}; only text, numbers, truth values, lists and tables can be merged"
        )
    if isinstance(value, str) and _CONTROL(value):
        return "contains a control character"
    if isinstance(value, dict) and not all(isinstance(key, str) for key in value):
        return "has a key that is not text"
    return ""


def _children(path: str, value: object, depth: int) -> list[tuple[str, object, int]]:
    if isinstance(value, dict):
        return [(f"{path}.{key}", item, depth + 1) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [(f"{path}[{index}]", item, depth + 1) for index, item in enumerate(value)]
    return []
