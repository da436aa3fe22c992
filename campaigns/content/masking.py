"""Recipient-level tags hidden from everything that runs before recipients are known.

Template files carry two languages: `[[ ]]`, `[% %]`, `[# #]` for the campaign and `{{ }}`, `{% %}`, `{# #}`
for the recipient. Before the first is run and the result goes through MJML, each tag of the second is
replaced by an alphanumeric token, which survives Jinja, escaping and an XML parser in any position. Values of
the campaign are printed with a stand-in for every brace, so nothing they contain is ever a tag. Token and
stand-in carry a nonce that depends on all inputs: no input can contain it. Fails with TemplateFault for a tag
that is not closed or that a filter or MJML destroyed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from campaigns.errors import TemplateFault

_QUOTED: Final = r""""[^"]*"|'[^']*'"""
_TAG: Final = re.compile(
    rf"\{{\{{(?:{_QUOTED}|[^\"'}}]|\}}(?!\}}))*\}}\}}|\{{%(?:{_QUOTED}|[^\"'%]|%(?!\}}))*%\}}|\{{#.*?#\}}",
    re.DOTALL,
)
_COMMENT: Final = re.compile(r"\[#.*?#\]", re.DOTALL)
_CAMPAIGN_TAGS: Final = re.compile(r"\[\[.*?\]\]|\[%.*?%\]|\[#.*?#\]", re.DOTALL)
_NOT_BREAK: Final = re.compile(r"[^\n]")
_OPENING: Final = re.compile(r"\{[{%#]")
_CAMPAIGN_TAG: Final = re.compile(r"\[\[|\[%")


@dataclass(frozen=True)
class Tag:
    """One recipient-level tag and where it stands in its file (line and column from 1)."""

    text: str
    file: str
    line: int
    column: int


class Mask:
    """The tags of all files of one compilation, and the tokens that stand for them."""

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce
        self._tags: dict[Tag, int] = {}
        self._by_number: list[Tag] = []
        self._token = re.compile(f"T{nonce}x([0-9]+)z")
        self.brace = f"B{nonce}z"

    def hide(self, source: str, file: str) -> str:
        """`source` with a token for each tag; comments vanish; line numbers stay."""
        source = _quiet(source)
        hidden: list[str] = []
        end = 0
        for found in _TAG.finditer(source):
            hidden += source[end : found.start()], self._hidden(found, source, file)
            end = found.end()
        hidden.append(source[end:])
        whole = "".join(hidden)
        if opened := _OPENING.search(whole):
            raise TemplateFault(
                f"{opened.group()} is not closed", file=file, line=line_of(whole, opened.start())
            )
        return whole

    def reveal(self, text: str, *, file: str) -> str:
        """The recipient-level template: tokens become tags again, stand-ins become literal braces."""
        shown = self._token.sub(lambda found: self._by_number[int(found.group(1))].text, text)
        shown = shown.replace(self.brace, '{{ "{" }}')
        if self._nonce in shown.lower():
            raise TemplateFault("a filter changed the text of a recipient-level tag", file=file)
        return shown

    def require_kept(self, before: str, after: str) -> None:
        """Refuse what MJML drops without a word, as it does with a tag where it expects a size."""
        kept = set(self._token.findall(after))
        for number in self._token.findall(before):
            if number not in kept:
                tag = self._by_number[int(number)]
                raise TemplateFault(
                    f"MJML drops {tag.text} here; a size must be known before recipients are: use [[ ]]",
                    file=tag.file,
                    line=tag.line,
                    column=tag.column,
                )

    def _hidden(self, found: re.Match[str], source: str, file: str) -> str:
        text = found.group()
        if text.startswith("{#"):
            return "\n" * text.count("\n")
        tag = Tag(text, file, line_of(source, found.start()), column_of(source, found.start()))
        if "\n" in text:
            raise _fault(tag, "a recipient-level tag must stand on one line")
        if _CAMPAIGN_TAG.search(text):
            raise _fault(tag, "[[ ]] does not work inside {{ }}; use {% if %} … {% else %} [[ ]] {% endif %}")
        number = self._tags.setdefault(tag, len(self._tags))
        if number == len(self._by_number):
            self._by_number.append(tag)
        return f"T{self._nonce}x{number}z"


def skeleton(source: str) -> str:
    """Only the recipient-level tags of `source`, each at its line and column; everything else is blank."""
    source = _quiet(source)
    kept: list[str] = []
    end = 0
    for found in _TAG.finditer(source):
        kept += _blank(source[end : found.start()]), found.group()
        end = found.end()
    return "".join(kept)


def without_tags(source: str) -> str:
    """`source` with all tags of both levels blanked, everything else at its line and column."""
    return _TAG.sub(_blanked, _CAMPAIGN_TAGS.sub(_blanked, source))


def line_of(text: str, offset: int) -> int:
    """The line, from 1, of a character offset."""
    return text.count("\n", 0, offset) + 1


def column_of(text: str, offset: int) -> int:
    """The column, from 1, of a character offset."""
    return offset - text.rfind("\n", 0, offset)


def _blank(text: str) -> str:
    return _NOT_BREAK.sub(" ", text)


def _blanked(found: re.Match[str]) -> str:
    return _blank(found.group())


def _quiet(source: str) -> str:
    """The source with the braces in campaign-level comments blanked: what is explained there is no tag."""
    return _COMMENT.sub(lambda comment: comment.group().replace("{", " "), source)


def _fault(tag: Tag, problem: str) -> TemplateFault:
    return TemplateFault(problem, file=tag.file, line=tag.line, column=tag.column)
