"""Where in a template's files a place in the rendered MJML comes from.

MJML sees the text that Jinja made, from several files and with values put in. To name the author's own line,
the files are rendered a second time with a marker before the first word of every line; the place is found by
counting what is not white space. Only done when there is a fault to report. Pure; a place that cannot be
found is the first line of the first file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from xml.parsers import expat

from jinja2 import Environment, TemplateError

_OPEN, _CLOSE = "\ue000", "\ue001"
_MARKER: Final = re.compile(f"{_OPEN}([0-9]+):([0-9]+){_CLOSE}")
_ENTITY: Final = re.compile(r"&[A-Za-z][A-Za-z0-9]*;")
_VOID: Final = re.compile(r"<(?:area|br|col|hr|img|input|link|meta|source|wbr)\b[^<>]*>")
_FIRST_WORD: Final = re.compile(r"(?:^|(?<=\n))[ \t]*(?=\S)")
_OFFSET: Final = re.compile(r"position (\d+):")


@dataclass(frozen=True)
class Place:
    """A line and column (from 1) of a file."""

    file: str
    line: int
    column: int = 1


def marked(files: Mapping[str, str], environment: Environment) -> dict[str, str]:
    """Each file with a marker `number:line` before the first word of every line that does not lie inside a tag."""
    return {
        name: _marked(number, text, environment) if name.endswith(".mjml") else text
        for number, (name, text) in enumerate(files.items())
    }


def place_of(offset: int, rendered: str, with_markers: str, files: Mapping[str, str]) -> Place | None:
    """The place in the files of a character offset in `rendered`, given the same rendering with markers."""
    names = list(files)
    wanted = _solid(rendered[:offset])
    seen = end = 0
    found: Place | None = None
    for marker in _MARKER.finditer(with_markers):
        seen += _solid(with_markers[end : marker.start()])
        if seen > wanted:
            break
        end = marker.end()
        file, line = names[int(marker.group(1))], int(marker.group(2))
        found = Place(file, line, _column(files[file], line, rendered[offset : offset + 8]))
    return found


def malformed(mjml: str) -> tuple[int, str] | None:
    """The first place where MJML is not well-formed XML, as (offset, problem), or None."""
    parser = expat.ParserCreate()
    known = _VOID.sub(_blank, _ENTITY.sub(_blank, mjml))
    try:
        parser.Parse(known, True)
    except expat.ExpatError as error:
        return offset_of(known, error.lineno, error.offset), expat.ErrorString(error.code)
    return None


def mrml_offset(message: str) -> int | None:
    """The character offset that an error of the MJML compiler names, if it names one."""
    found = _OFFSET.search(message)
    return int(found.group(1)) if found else None


def offset_of(text: str, line: int, column: int) -> int:
    """The offset of a line (from 1) and column (from 0)."""
    return sum(len(part) + 1 for part in text.split("\n")[: line - 1]) + column


def _marked(number: int, text: str, environment: Environment) -> str:
    """Markers are put only into what the lexer calls data: inside a tag they would be a syntax error."""
    try:
        tokens = list(environment.lex(text))
    except TemplateError:
        return text
    return "".join(
        _with_markers(number, line, value) if kind == "data" else value for line, kind, value in tokens
    )


def _with_markers(number: int, first: int, data: str) -> str:
    def marker(found: re.Match[str]) -> str:
        line = first + data.count("\n", 0, found.start())
        return f"{found.group()}{_OPEN}{number}:{line}{_CLOSE}"

    return _FIRST_WORD.sub(marker, data)


def _column(text: str, line: int, snippet: str) -> int:
    """The column of what stands at the place, or of the first word if values make it unfindable."""
    content = text.split("\n")[line - 1]
    found = content.find(snippet.split("\n", 1)[0])
    return (found if found >= 0 else len(content) - len(content.lstrip())) + 1


def _blank(found: re.Match[str]) -> str:
    return " " * len(found.group())


def _solid(text: str) -> int:
    """How many characters are not white space."""
    return len("".join(text.split()))
