"""Links and markup of a message: what may stand in it at all. Pure; answers with problems, raises nothing.

Every link is absolute https (plain http only to this machine), a telephone or mail link, a place in the
message, or one of the recipient's own links. Script, forms and embedded objects have no place in mail. Values
are looked at too, since this runs on the compiled HTML.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from campaigns.content.model import LOOPBACK_HOSTS

_ATTRIBUTE: Final = re.compile(
    r"""[\s"'](?P<name>href|src|srcset|action|background|poster)\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']
    *)')""",
    re.IGNORECASE,
)
_CSS_URL: Final = re.compile(r"""url\(\s*["']?([^"')]*)""", re.IGNORECASE)
_OWN_LINK: Final = re.compile(
    r"\{\{-?\s*(unsubscribe_url|preferences_url|view_url)\s*-?\}\}(\?view=[a-z]+)?"
).fullmatch
_FORBIDDEN: Final = re.compile(
    r"<\s*/?\s*(script|form|iframe|object|embed|applet|base|input|textarea|select)\b", re.IGNORECASE
)
_HANDLER: Final = re.compile(r"""<[a-z][^<>]*[\s"'](on[a-z]+)\s*=""", re.IGNORECASE)
_TEXT_LINK: Final = re.compile(r"\b[a-z][a-z0-9+.-]*:(?://|(?=script|text/|image/))[^\s<>]*", re.IGNORECASE)


def html_problems(content: str) -> Iterator[tuple[str, str]]:
    """Each unsafe link or element of compiled HTML, as (what stands there, problem)."""
    for found in _ATTRIBUTE.finditer(content):
        value = found.group("double") if found.group("double") is not None else found.group("single")
        if problem := link_problem(html.unescape(value)):
            yield value, problem
    for found in _CSS_URL.finditer(html.unescape(content)):
        if problem := link_problem(found.group(1)):
            yield found.group(1), problem
    for found in _FORBIDDEN.finditer(content):
        yield found.group(), f"<{found.group(1).lower()}> has no place in a message"
    for found in _HANDLER.finditer(content):
        yield found.group(1), f"{found.group(1)} is script, which has no place in a message"


def text_problems(content: str) -> Iterator[tuple[str, str]]:
    """Each unsafe link of the plain-text part, as (link, problem)."""
    for found in _TEXT_LINK.finditer(content):
        if problem := link_problem(found.group()):
            yield found.group(), problem


def link_problem(link: str) -> str:
    """What is wrong with a link; empty when nothing is."""
    if _OWN_LINK(link) or link.startswith("#"):
        return ""
    if any(character <= " " for character in link):
        return "a link must not contain blanks or control characters"
    try:
        parts = urlsplit(link)
        host = parts.hostname
    except ValueError:
        return "is not a link"
    if parts.scheme in ("mailto", "tel") and parts.path:
        return ""
    if parts.scheme == "https" and host:
        return ""
    if parts.scheme == "http" and host in LOOPBACK_HOSTS:
        return ""
    return "a link must be absolute and begin with https://"
