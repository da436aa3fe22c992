"""The looks that a machine can hold: a browser opens every sample mail and page, in three languages, light and dark.

What only eyes can judge is in docs/look.md, with the pictures. Mail programs other than a browser are not tested here.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final, Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route

from campaigns.content.language import LANGUAGES, Language
from tests.look.material import MAILS, PAGES, SITE, Look, mail, page
from tests.support.browser import started_browser

pytestmark = pytest.mark.needs_chromium

POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
PHONE: Final = 360
SMALL_PHONE: Final = 320
SHORTEST_LAST_LINE: Final = 90
TYPES: Final = {"css": "text/css", "png": "image/png"}

# Every visible run of text with its size, and the contrast of its colour on the nearest painted ground.
MEASURE_TEXT: Final = """() => {
  const rgba = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => {
    for (let e = node; e; e = e.parentElement) {
      const [r, g, b, a = 1] = rgba(getComputedStyle(e).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const owner = walker.currentNode.parentElement;
    const style = getComputedStyle(owner);
    if (!walker.currentNode.data.trim() || !owner.checkVisibility() || owner.tagName === 'STYLE') continue;
    if (owner.closest('[style*="max-height:0"]')) continue;
    const pair = [light(rgba(style.color)), light(ground(owner))].sort((a, b) => b - a);
    found.push({text: walker.currentNode.data.trim().slice(0, 40), size: parseFloat(style.fontSize),
                contrast: (pair[0] + 0.05) / (pair[1] + 0.05)});
  }
  return found;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started_browser() as started:
        yield started


def shown(browser: Browser, look: Look, *, width: int, policy: str = "") -> Page:
    """The document open in a fresh window; what it asks for beyond its own files, or is forbidden, fails the test."""
    window = browser.new_page(viewport={"width": width, "height": 800}, color_scheme="light")
    headers = {"content-security-policy": policy} if policy else {}
    strangers: list[str] = []

    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path == "/document":
            route.fulfill(body=look.html, content_type="text/html; charset=utf-8", headers=headers)
        elif route.request.url.startswith(SITE) and path in look.files:
            route.fulfill(body=look.files[path], content_type=TYPES[path.rpartition(".")[2]])
        else:
            strangers.append(route.request.url)
            route.abort()

    def complain(message: ConsoleMessage) -> None:
        if message.type == "error":
            strangers.append(message.text)

    window.route("**/*", answer)
    window.on("console", complain)
    window.goto(f"{SITE}/document")
    assert strangers == []
    return window


LOOKS: Final[list[tuple[Callable[[str, Language], Look], str, Language, str]]] = [
    *((mail, key, language, "") for key in MAILS for language in LANGUAGES),
    *((page, name, language, POLICY) for name in PAGES for language in LANGUAGES),
]


@pytest.fixture(scope="module", params=LOOKS, ids=[f"{name}-{language}" for _, name, language, _ in LOOKS])
def opened(request: pytest.FixtureRequest, browser: Browser) -> Iterator[tuple[Page, Language]]:
    """One mail or page on a phone, and its language."""
    make, name, language, policy = request.param
    with shown(browser, make(name, language), width=PHONE, policy=policy) as window:
        yield window, language


def test_a_phone_never_scrolls_sideways(opened: tuple[Page, Language]) -> None:
    window, _ = opened
    for width in (SMALL_PHONE, PHONE):
        window.set_viewport_size({"width": width, "height": 800})
        assert window.evaluate("document.documentElement.scrollWidth") <= width


def test_headings_pictures_and_language_serve_those_who_listen(opened: tuple[Page, Language]) -> None:
    window, language = opened
    levels = window.eval_on_selector_all("h1,h2,h3,h4,h5,h6", "found => found.map(e => +e.tagName[1])")
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(level - before <= 1 for before, level in pairwise(levels))
    assert window.locator("img:not([alt])").count() == 0
    assert window.locator("html").get_attribute("lang") == language
    assert window.locator("table:not([role])").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_is_large_and_dark_enough(
    opened: tuple[Page, Language], scheme: Literal["light", "dark"]
) -> None:
    window, _ = opened
    window.emulate_media(color_scheme=scheme)
    measured = window.evaluate(MEASURE_TEXT)
    assert len(measured) > 5
    assert [run for run in measured if run["size"] < 14] == []
    assert [run for run in measured if run["contrast"] < 4.5] == []


def test_every_control_is_as_large_as_a_thumb(opened: tuple[Page, Language]) -> None:
    """A link inside a sentence is exempt (WCAG 2.2, 2.5.8); the pages have one such, beside the telephone number."""
    window, _ = opened
    controls = window.eval_on_selector_all(
        "a, button",
        "found => found.filter(e => !e.closest('.contact'))"
        ".map(e => [e.textContent, e.getBoundingClientRect().height])",
    )
    assert controls
    assert [control for control in controls if control[1] < 44] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", MAILS)
def test_no_headline_ends_in_a_stub(browser: Browser, key: str, language: Language) -> None:
    """The h1 at full width and on a phone: its last line holds two words, or one that is long."""
    last_line = """e => { const range = document.createRange(); range.selectNodeContents(e);
      return [...range.getClientRects()].at(-1).width; }"""
    with shown(browser, mail(key, language), width=700) as window:
        assert window.locator("h1").evaluate(last_line) > SHORTEST_LAST_LINE
        window.set_viewport_size({"width": PHONE, "height": 800})
        assert window.locator("h1").evaluate(last_line) > SHORTEST_LAST_LINE


def test_the_cover_meets_its_band_without_a_seam(browser: Browser) -> None:
    with shown(browser, mail("magazine", "sv"), width=700) as window:
        edge = window.locator("img[width='640']").first.evaluate(
            """img => { const c = document.createElement('canvas'); c.width = img.naturalWidth; c.height = 1;
              const x = c.getContext('2d'); x.drawImage(img, 0, 1 - img.naturalHeight);
              return [...new Set(new Uint32Array(x.getImageData(0, 0, c.width, 1).data.buffer))]; }"""
        )
    assert [number.to_bytes(4, "little").hex() for number in edge] == ["0b5563ff"]
