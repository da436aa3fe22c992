"""What MJML itself lets pass in silence: unknown elements and attributes, pictures without a description; and the
outline of the HTML that comes of it: one first heading, no level skipped, links that say where they lead.

Pure; answers with faults, raises nothing. The table holds the components that templates here may use (MJML 4).
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final

from campaigns.content.masking import without_tags
from campaigns.errors import Fault

_Attributes = list[tuple[str, str | None]]


def _words(*texts: str) -> frozenset[str]:
    return frozenset(word for text in texts for word in text.split())


_COMMON: Final = "css-class mj-class"
_PADDING: Final = "padding padding-top padding-right padding-bottom padding-left"
_FONT: Final = "font-family font-size font-style font-weight letter-spacing line-height"
_BOX: Final = "border border-top border-right border-bottom border-left border-radius"
_BACKGROUND: Final = (
    "background-color background-url background-repeat background-size background-position "
    "background-position-x background-position-y"
)
_LINK: Final = "href rel target title name"

_ELEMENTS: Final[dict[str, frozenset[str]]] = {
    "mjml": _words("lang dir"),
    "mj-head": _words(""),
    "mj-title": _words(""),
    "mj-preview": _words(""),
    "mj-breakpoint": _words("width"),
    "mj-attributes": _words(""),
    "mj-style": _words(""),
    "mj-raw": _words(""),
    "mj-body": _words("css-class width background-color"),
    "mj-section": _words(_COMMON, _PADDING, _BOX, _BACKGROUND, "direction full-width text-align"),
    "mj-wrapper": _words(_COMMON, _PADDING, _BOX, _BACKGROUND, "direction full-width text-align gap"),
    "mj-group": _words(_COMMON, "width vertical-align background-color direction"),
    "mj-column": _words(
        _COMMON,
        _PADDING,
        _BOX,
        "width vertical-align background-color direction inner-background-color inner-border inner-border-radius",
        "inner-border-top inner-border-right inner-border-bottom inner-border-left",
    ),
    "mj-text": _words(
        _COMMON,
        _PADDING,
        _FONT,
        "align color container-background-color height text-decoration text-transform",
    ),
    "mj-button": _words(
        *(_COMMON, _PADDING, _FONT, _BOX, _LINK),
        "align background-color color container-background-color height inner-padding text-align text-decoration",
        "text-transform vertical-align width",
    ),
    "mj-image": _words(
        *(_COMMON, _PADDING, _BOX, _LINK),
        "align alt container-background-color fluid-on-mobile font-size height max-height sizes src srcset usemap",
        "width color",
    ),
    "mj-divider": _words(
        _COMMON, _PADDING, "align border-color border-style border-width container-background-color width"
    ),
    "mj-spacer": _words(_COMMON, _PADDING, "container-background-color height"),
    "mj-table": _words(
        *(_COMMON, _PADDING, _FONT),
        "align border cellpadding cellspacing color container-background-color role table-layout width",
    ),
}
_DEFAULTS: Final = frozenset(("mj-all", "mj-class"))
_ALL_ATTRIBUTES: Final = frozenset().union(*_ELEMENTS.values())


def mjml_faults(file: str, text: str) -> list[Fault]:
    """Unknown mj- elements and attributes, and pictures without alt, in one MJML file of a template."""
    parser = _MjmlParser(file)
    parser.feed(without_tags(text))
    parser.close()
    return parser.faults


def outline_faults(file: str, html: str) -> list[Fault]:
    """What a screen reader would stumble over in compiled HTML: headings out of order, links without words."""
    parser = _OutlineParser(file)
    parser.feed(html)
    parser.close()
    if parser.levels.count(1) != 1:
        parser.report(f"has {parser.levels.count(1)} headings h1; a message has one")
    for before, after in zip(parser.levels, parser.levels[1:], strict=False):
        if after > before + 1:
            parser.report(f"h{after} follows h{before}; no level may be skipped")
    return parser.faults


class _MjmlParser(HTMLParser):
    """Walks a file leniently, since partials have several roots."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self.faults: list[Fault] = []
        self._file = file
        self._in_defaults = False

    def handle_starttag(self, tag: str, attrs: _Attributes) -> None:
        if tag == "mj-attributes":
            self._in_defaults = True
        elif tag == "img" and "alt" not in dict(attrs):
            self._report("img has no alt; an ornament has an empty one")
        elif tag.startswith("mj"):
            self._check(tag, dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        if tag == "mj-attributes":
            self._in_defaults = False

    def _check(self, tag: str, attributes: dict[str, str | None]) -> None:
        known = _ELEMENTS.get(tag)
        if self._in_defaults and tag in _DEFAULTS:
            known = _ALL_ATTRIBUTES | {"name"}
        if known is None:
            self._report(f"there is no element {tag}")
            return
        for name in attributes:
            if name not in known and not name.startswith(("aria-", "data-")):
                self._report(f"{tag} has no attribute {name}")
        if tag == "mj-image" and not self._in_defaults and "alt" not in attributes:
            self._report("mj-image has no alt; an ornament has an empty one")

    def _report(self, problem: str) -> None:
        line, column = self.getpos()
        self.faults.append(Fault(f"{self._file}:{line}:{column + 1}", problem))


class _OutlineParser(HTMLParser):
    """Collects heading levels, and links that have neither words nor a described picture in them."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self.faults: list[Fault] = []
        self.levels: list[int] = []
        self._file = file
        self._words: str | None = None

    def report(self, problem: str) -> None:
        self.faults.append(Fault(self._file, problem))

    def handle_starttag(self, tag: str, attrs: _Attributes) -> None:
        values = dict(attrs)
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.levels.append(int(tag[1]))
        elif tag == "a" and "href" in values:
            self._words = values.get("aria-label") or ""
        elif tag == "img":
            if "alt" not in values:
                self.report(f"the picture {values.get('src')} has no alt")
            if self._words is not None:
                self._words += values.get("alt") or ""

    def handle_data(self, data: str) -> None:
        if self._words is not None:
            self._words += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._words is not None:
            if not self._words.strip():
                self.report("a link has neither words nor a described picture")
            self._words = None
