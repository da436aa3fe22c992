"""Looking for many phrases in a text at once. Pure.

Promise: the answer is the first line of the table of which any phrase is in the text, as if every phrase had been
looked for one after the other; the time is that of one walk over the text. The phrases are made into one pattern that
branches by letter, so nothing is tried twice at a place and nothing is taken back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Final

from campaigns.delivery.phrases import Cause, Rule

#: So many characters may stand between the parts of a phrase.
STRETCH: Final = 120
_END: Final = ""


class PhraseTable:
    """A table of phrases. It is made ready (some 20 ms) when it is first used, since most programs never do."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules

    @cached_property
    def _meant(self) -> dict[str, list[tuple[int, tuple[str, ...]]]]:
        """The beginning of each phrase, with the rank of its rule and the parts that must follow."""
        meant: dict[str, list[tuple[int, tuple[str, ...]]]] = {}
        for rank, (_, phrases) in enumerate(self._rules):
            for phrase in phrases:
                begin, *parts = phrase.split("…")
                meant.setdefault(begin, []).append((rank, tuple(parts)))
        return meant

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(f"(?=({_branches(_tree(self._meant))}))")

    @cached_property
    def _within(self) -> dict[str, tuple[str, ...]]:
        """All beginnings that are found where one is found; the pattern gives the longest."""
        return {
            phrase: tuple(phrase[:end] for end in range(1, len(phrase) + 1) if phrase[:end] in self._meant)
            for phrase in self._meant
        }

    def first(self, text: str) -> tuple[Cause, str] | None:
        """The first rule that a text fulfils, with the phrase that did it."""
        best, said, meant = len(self._rules), "", self._meant
        for found in self._pattern.finditer(text):
            for begin in self._within[found[1]]:
                for rank, parts in meant[begin]:
                    if rank < best and (not parts or _follow(text, found.start() + len(begin), parts)):
                        best, said = rank, "…".join((begin, *parts))
        return (self._rules[best][0], said) if said else None


def _follow(text: str, begin: int, parts: Sequence[str]) -> bool:
    """Whether the parts follow each other in a text, each soon after the one before."""
    for part in parts:
        found = text.find(part, begin, begin + STRETCH)
        if found < 0:
            return False
        begin = found + len(part)
    return True


def _tree(phrases: Iterable[str]) -> dict[str, Any]:
    """Phrases as a tree of letters."""
    tree: dict[str, Any] = {}
    for phrase in phrases:
        branch = tree
        for letter in phrase:
            branch = branch.setdefault(letter, {})
        branch[_END] = {}
    return tree


def _branches(tree: dict[str, Any]) -> str:
    """A tree of letters as a pattern that takes the longest way down."""
    ways = [re.escape(letter) + _branches(branch) for letter, branch in tree.items() if letter != _END]
    if not ways:
        return ""
    pattern = ways[0] if len(ways) == 1 and _END not in tree else f"(?:{'|'.join(ways)})"
    return f"{pattern}?" if _END in tree else pattern
