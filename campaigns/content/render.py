"""Compiled content rendered for one recipient: the plain way as text, the fast way as quoted-printable.

Promise: both ways say the same. The fast way walks the very generator that Jinja compiled and looks each
chunk up among the template's constants, which were transfer-encoded once; only values are encoded per
message, so branches and loops cost nothing extra. Fails with `RecipientFault` (MissingField, RenderFault),
which concerns that one recipient and nobody else. A `Renderer` is immutable after construction and may be
shared by threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from types import CodeType
from typing import Final

from jinja2 import Template, TemplateError, UndefinedError, meta

from campaigns.content import quoted
from campaigns.content.model import CompiledContent
from campaigns.content.sandbox import FAILURES, recipient_environment
from campaigns.errors import InputError

Fields = dict[str, object]

# A rendered part may grow beyond its source by values and loops, but not without end.
MAX_PART: Final = 512_000


class RecipientFault(InputError):
    """This recipient's message cannot be made; the others are not concerned."""


class MissingField(RecipientFault):
    """A template prints a field that this contact lacks."""


class RenderFault(RecipientFault):
    """A template fails on the values of this contact."""


class Renderer:
    """One compiled content, ready to be rendered for many recipients."""

    constant_subject: str | None
    """The subject if it is the same for everybody."""

    def __init__(self, content: CompiledContent) -> None:
        self.content = content
        self._html = recipient_environment(html=True).from_string(content.html)
        plain = recipient_environment(html=False)
        self._text = plain.from_string(content.text)
        self._subject = plain.from_string(content.subject)
        names = meta.find_undeclared_variables(plain.parse(content.subject))
        self.constant_subject = None if names else self.subject({})
        self._constants = {
            constant: quoted.encode(constant)
            for template in (self._html, self._text)
            for constant in _constants(template.root_render_func.__code__)
        }

    def html(self, fields: Fields) -> str:
        """The HTML part as Jinja renders it."""
        return _plain(self._html, fields)

    def text(self, fields: Fields) -> str:
        """The plain-text part as Jinja renders it."""
        return _plain(self._text, fields)

    def subject(self, fields: Fields) -> str:
        """The subject as Jinja renders it, not yet encoded for a header."""
        return _plain(self._subject, fields)

    def pieces(self, fields: Fields) -> tuple[list[bytes], list[bytes]]:
        """The text part and the HTML part in quoted-printable, each closed by the CRLF of the boundary."""
        values = _Encoded()
        return self._pieces(self._text, fields, values), self._pieces(self._html, fields, values)

    def _pieces(self, template: Template, fields: Fields, values: _Encoded) -> list[bytes]:
        constant = self._constants.get
        try:
            # `Template.new_context` would copy the names of the globals, which recipient-level templates do not use.
            context = template.environment.context_class(template.environment, fields, None, {})
            pieces = [constant(chunk) or values[chunk] for chunk in template.root_render_func(context)]
        except UnicodeEncodeError:
            raise RenderFault("a value of this contact is not valid Unicode text") from None
        except FAILURES as error:
            raise _fault(error) from None
        quoted.close(pieces)
        return pieces


class _Encoded(dict[str, bytes]):
    """The values of one message, each encoded once however often it is printed."""

    def __missing__(self, chunk: str) -> bytes:
        encoded = self[chunk] = _often(chunk) if len(chunk) <= _OFTEN else quoted.encode(chunk)
        return encoded


# Short values come again with other recipients: first names, titles, companies, the list's name.
_OFTEN: Final = 24
_often: Final = lru_cache(maxsize=4_096)(quoted.encode)


def _plain(template: Template, fields: Fields) -> str:
    try:
        return template.render(fields)
    except FAILURES as error:
        raise _fault(error) from None


def _fault(error: Exception) -> RecipientFault:
    """Jinja's error in our words. Its text names fields, never values; other errors may quote a value, so
    only their kind is told."""
    if isinstance(error, UndefinedError):
        return MissingField(f"the template needs a field that this contact lacks: {error.message}")
    if isinstance(error, TemplateError):
        return RenderFault(f"the template may not do that: {error.message}")
    return RenderFault(f"the template fails on the values of this contact ({type(error).__name__})")


def _constants(code: CodeType) -> Iterator[str]:
    """The string constants of a compiled template, those of nested functions included."""
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, CodeType):
            yield from _constants(constant)
