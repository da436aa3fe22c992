"""The pages behind the links: rendered from `templates/pages`, in the person's language, with nothing
from elsewhere.

Promise: no script, no third-party request, no cookie; style and pictures are addressed by their content
and served from `/a/`. Fails only when the templates folder lacks a page, at start.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse

from campaigns.content.catalogue import templates_folder
from campaigns.content.language import LANGUAGES, as_language

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
_MEDIA: Final = {"css": "text/css; charset=utf-8", "png": "image/png"}


@dataclass(frozen=True)
class PageFile:
    """A stylesheet or picture of the pages."""

    media_type: str
    content: bytes


class Pages:
    """All pages of one installation."""

    def __init__(self, controller: Mapping[str, str], default_language: str) -> None:
        root = templates_folder()
        self._environment = Environment(
            loader=FileSystemLoader(root / "pages"),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
        )
        self._strings = {
            code: tomllib.loads((root / "strings" / f"{code}.toml").read_text(encoding="utf-8"))
            for code in LANGUAGES
        }
        self._environment.filters["capfirst"] = _capitalised
        self.controller, self._default = controller, default_language
        self.files: dict[str, PageFile] = {}
        self._urls = {
            name: self._file((root / "pages" / name).read_bytes(), name.rpartition(".")[2])
            for name in ("page.css", "mark.png", "jetty.png")
        }

    def language(self, *wishes: str | None) -> str:
        """The first wish that is one of our languages, else the installation's."""
        return next((wish for wish in wishes if wish in LANGUAGES), self._default)

    def words(self, language: str) -> Mapping[str, Any]:
        """All texts in a language."""
        return self._strings[as_language(language)]

    def render(self, name: str, language: str, status: int = 200, **more: Any) -> HTMLResponse:
        """One page as an answer."""
        context = {
            "t": self._strings[as_language(language)],
            "lang": language,
            "languages": list(LANGUAGES),
            "controller": self.controller,
            "css_url": self._urls["page.css"],
            "mark_url": self._urls["mark.png"],
            "picture_url": self._urls["jetty.png"],
            "list_name": "",
            "address": "",
            "action": "",
            "query": "",
            "outcome": "",
            "switch": True,
            "time_text": "",
            "stopped_all": False,
            "left": None,
            **more,
        }
        text = self._environment.get_template(f"{name}.html").render(context)
        return HTMLResponse(text, status, {**HEADERS, "Content-Language": language})

    def _file(self, content: bytes, extension: str) -> str:
        name = f"{hashlib.sha256(content).hexdigest()[:32]}.{extension}"
        self.files[name] = PageFile(_MEDIA[extension], content)
        return f"/a/{name}"


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
