"""What a survey asks: its declaration, and answers held against it.

A declaration is a table with `key`, `closes` (the last day), `title`, `questions`, and where they are wanted `intro`,
`list` and `identified`. Words are tables by language (sv, fi, en). Promise: a declaration that cannot be used is
refused with all its faults and their places; of answers only those are taken that the survey asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from campaigns.errors import Fault, FaultyInput

LANGUAGES: Final = ("sv", "fi", "en")
KINDS: Final = ("choice", "scale", "text")
#: What a scale goes from and to.
SCALE: Final = ("1", "2", "3", "4", "5")
LONGEST_ANSWER: Final = 2_000
_MOST_QUESTIONS: Final = 40
_MOST_CHOICES: Final = 30
_LONGEST_WORDS: Final = 500
_KEY: Final = re.compile(r"[a-z0-9]([a-z0-9_-]{0,38}[a-z0-9])?")
_KNOWN: Final = {"key", "closes", "title", "intro", "list", "identified", "questions"}
_OF_QUESTION: Final = {"key", "kind", "text", "choices", "required"}

Words = Mapping[str, str]


@dataclass(frozen=True)
class Declared:
    """A declaration that can be used; `form` is what is kept of it: title, intro and questions."""

    key: str
    closes: date
    list_key: str | None
    identified: bool
    form: Mapping[str, Any]


def read_survey(document: Mapping[str, Any]) -> Declared:
    """A declaration as it stands in a file.

    Raises:
        FaultyInput: with all faults and their places.
    """
    faults = list(_faults(document))
    if faults:
        raise FaultyInput(faults)
    questions = [
        {
            "key": it["key"],
            "kind": it["kind"],
            "text": dict(it["text"]),
            "required": it.get("required", False),
        }
        | ({"choices": [dict(choice) for choice in it["choices"]]} if it["kind"] == "choice" else {})
        for it in document["questions"]
    ]
    form = {
        "title": dict(document["title"]),
        "intro": dict(document.get("intro", {})),
        "questions": questions,
    }
    identified = document.get("identified", False)
    return Declared(document["key"], document["closes"], document.get("list"), identified, form)


def read_answers(form: Mapping[str, Any], given: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The answers that can be used, by question, and the questions that have none although they need one, or one that
    cannot be used. What is not asked for counts for nothing."""
    taken, wrong = {}, []
    for question in form["questions"]:
        text = given.get(question["key"], "").strip()
        if not text:
            wrong += [question["key"]] if question["required"] else []
        elif _fits(question, text):
            taken[question["key"]] = text
        else:
            wrong.append(question["key"])
    return taken, wrong


def options(question: Mapping[str, Any]) -> list[str]:
    """What can be chosen; none where words are asked for."""
    if question["kind"] == "choice":
        return [choice["key"] for choice in question["choices"]]
    return list(SCALE) if question["kind"] == "scale" else []


def said(words: Words, language: str) -> str:
    """The words in a language, else in the first one that they are there in."""
    return words.get(language) or next((words[code] for code in LANGUAGES if words.get(code)), "")


def _fits(question: Mapping[str, Any], text: str) -> bool:
    if question["kind"] == "text":
        return len(text) <= LONGEST_ANSWER and all(it.isprintable() or it in "\r\n\t" for it in text)
    return text in options(question)


def _faults(document: Mapping[str, Any]) -> Iterator[Fault]:
    for name in sorted(set(document) - _KNOWN):
        yield Fault(name, "is not known here")
    if not _is_key(document.get("key")):
        yield Fault("key", "use a to z, 0 to 9, - and _, at most 40 characters")
    if type(document.get("closes")) is not date:
        yield Fault("closes", "say the last day, for instance 2026-12-31")
    if not isinstance(document.get("identified", False), bool):
        yield Fault("identified", "is true or false")
    if not isinstance(document.get("list", ""), str):
        yield Fault("list", "is the key of a list")
    yield from _words("title", document.get("title"))
    if "intro" in document:
        yield from _words("intro", document["intro"])
    questions = document.get("questions")
    if not isinstance(questions, list) or not 1 <= len(questions) <= _MOST_QUESTIONS:
        yield Fault("questions", f"ask 1 to {_MOST_QUESTIONS}, each in a table [[questions]]")
        return
    yield from _twice("questions", questions)
    for number, question in enumerate(questions):
        yield from _question_faults(f"questions.{number}", question)


def _question_faults(place: str, question: object) -> Iterator[Fault]:
    if not isinstance(question, dict):
        yield Fault(place, "must be a table")
        return
    for name in sorted(set(question) - _OF_QUESTION):
        yield Fault(f"{place}.{name}", "is not known here")
    if not _is_key(question.get("key")):
        yield Fault(f"{place}.key", "use a to z, 0 to 9, - and _, at most 40 characters")
    if question.get("kind") not in KINDS:
        yield Fault(f"{place}.kind", f"is none of {', '.join(KINDS)}")
    if not isinstance(question.get("required", False), bool):
        yield Fault(f"{place}.required", "is true or false")
    yield from _words(f"{place}.text", question.get("text"))
    choices = question.get("choices", [])
    if (question.get("kind") == "choice") != bool(choices):
        yield Fault(f"{place}.choices", "belong to a question of kind choice, and to no other")
    elif not isinstance(choices, list) or len(choices) > _MOST_CHOICES:
        yield Fault(
            f"{place}.choices", f"at most {_MOST_CHOICES}, each a table such as {{key = …, sv = …, en = …}}"
        )
    else:
        yield from _twice(f"{place}.choices", choices)
        for number, choice in enumerate(choices):
            yield from _choice_faults(f"{place}.choices.{number}", choice)


def _choice_faults(place: str, choice: object) -> Iterator[Fault]:
    if not isinstance(choice, dict) or not _is_key(choice.get("key")):
        yield Fault(place, "must be a table with a key and its words, such as {key = …, sv = …, en = …}")
    else:
        yield from _words(place, {name: text for name, text in choice.items() if name != "key"})


def _words(place: str, words: object) -> Iterator[Fault]:
    if not isinstance(words, dict) or not words or set(words) - set(LANGUAGES):
        yield Fault(place, f"say it by language: {', '.join(LANGUAGES)}")
        return
    for code, text in words.items():
        if (
            not isinstance(text, str)
            or not text.strip()
            or len(text) > _LONGEST_WORDS
            or not text.isprintable()
        ):
            yield Fault(f"{place}.{code}", f"1 to {_LONGEST_WORDS} printable characters")


def _twice(place: str, tables: list[Any]) -> Iterator[Fault]:
    keys = [table.get("key") for table in tables if isinstance(table, dict)]
    for key in sorted({str(key) for key in keys if keys.count(key) > 1}):
        yield Fault(place, f"{key} stands there twice")


def _is_key(key: object) -> bool:
    return isinstance(key, str) and bool(_KEY.fullmatch(key))
