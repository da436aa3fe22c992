# ruff: noqa: INP001 - a script beside the pictures, not a package
"""Takes the pictures of docs/look.md: both mails and the unsubscribe page, on a desk and on a phone, light and dark.

Run it from the root of a checkout after a change of the look: `PYTHONPATH=. python docs/pictures/draw/shoot.py`. Needs
Chromium, playwright and Pillow. Shows what the tests of the look open, for one reader with a short name.
"""

import base64
import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from PIL import Image  # type: ignore[import-not-found,unused-ignore]
from playwright.sync_api import Browser, Page, Route, sync_playwright

from campaigns.content.language import Language
from tests.look import material
from tests.look.material import SITE, Look, mail, page

HERE: Final = Path(__file__).resolve().parents[1]
LARGEST_BYTES: Final = 400_000
INVERSION: Final = (
    "html{filter:invert(1) hue-rotate(180deg);background:#fff}img{filter:invert(1) hue-rotate(180deg)}"
)
Scheme = Literal["light", "dark"]


@dataclass(frozen=True)
class Shot:
    """One window: `columns` cuts its length into that many strips, `shown` stops after the first few of them."""

    make: Callable[[str, Language], Look]
    name: str
    language: Language
    width: int
    scheme: Scheme = "light"
    columns: int = 1
    shown: int = 99
    pictures: bool = True
    inverted: bool = False


PLATES: Final[dict[str, list[Shot]]] = {
    "newsletter-desktop": [Shot(mail, "newsletter", "fi", 720), Shot(mail, "newsletter", "sv", 720, "dark")],
    "newsletter-phone": [
        Shot(mail, "newsletter", "fi", 375, columns=2),
        Shot(mail, "newsletter", "sv", 375, "dark", columns=2),
    ],
    "magazine-desktop": [Shot(mail, "magazine", "sv", 720, columns=2)],
    "magazine-desktop-dark": [Shot(mail, "magazine", "fi", 720, "dark", columns=2)],
    "magazine-phone": [
        Shot(mail, "magazine", "fi", 375, columns=4),
        Shot(mail, "magazine", "en", 375, "dark", columns=4, shown=1),
    ],
    "mails-images-off-and-inverted": [
        Shot(mail, "newsletter", "fi", 720, columns=2, shown=1, pictures=False),
        Shot(mail, "magazine", "sv", 720, columns=3, shown=1, pictures=False),
        Shot(mail, "newsletter", "en", 720, columns=2, shown=1, inverted=True),
    ],
    "unsubscribe": [
        Shot(page, "unsubscribe", "sv", 1280),
        Shot(page, "unsubscribe", "fi", 375),
        Shot(page, "unsubscribed", "sv", 375, "dark"),
    ],
}


def photograph(browser: Browser, shot: Shot) -> tuple[bytes, int]:
    """The whole length of the window as PNG, and its height in CSS pixels."""
    look = shot.make(shot.name, shot.language)
    window = browser.new_page(viewport={"width": shot.width, "height": 800}, color_scheme=shot.scheme)

    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path == "/document":
            route.fulfill(body=look.html, content_type="text/html; charset=utf-8")
        elif path in look.files and (shot.pictures or not path.endswith(".png")):
            route.fulfill(body=look.files[path])
        else:
            route.abort()

    window.route("**/*", answer)
    window.goto(f"{SITE}/document")
    if shot.inverted:
        window.add_style_tag(content=INVERSION)
    with window:
        height = window.evaluate("document.documentElement.scrollHeight")
        return window.screenshot(full_page=True), height


def strips(browser: Browser, shot: Shot) -> str:
    """The shot as HTML: its strips side by side."""
    png, height = photograph(browser, shot)
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    strip = -(-height // shot.columns)
    return "".join(
        f"<div style='width:{shot.width}px;height:{min(strip, height - index * strip)}px;overflow:hidden'>"
        f"<img src='{source}' style='display:block;margin-top:-{index * strip}px'></div>"
        for index in range(min(shot.columns, shot.shown))
    )


def few_colours(png: bytes) -> bytes:
    """The same picture in its 256 commonest colours: flat areas keep theirs, only the edges of letters give way."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    commonest = sorted(picture.getcolors(1 << 24) or [], reverse=True)[:256]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for _, colour in commonest for part in colour])
    out = io.BytesIO()
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def mount(browser: Browser, shots: list[Shot]) -> bytes:
    """The shots on one grey plate, as PNG with few colours."""
    plate: Page = browser.new_page(viewport={"width": 400, "height": 400})
    pieces = "".join(strips(browser, shot) for shot in shots)
    with plate:
        plate.set_content(
            "<body style='margin:0'><main style='display:inline-flex;gap:24px;padding:24px;background:#8A9496;"
            f"align-items:flex-start'>{pieces}</main>"
        )
        return few_colours(plate.locator("main").screenshot())


def main() -> None:
    """Take all pictures, or those named on the command line."""
    material.RECIPIENT.update(
        first_name="Kaisa",
        companies=("Esimerkkirakenne Oy", "Provbygge AB"),
        email="kaisa.v@esimerkkirakenne.example",
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for name in sys.argv[1:] or PLATES:
            png = mount(browser, PLATES[name])
            if len(png) > LARGEST_BYTES:
                raise SystemExit(f"{name}: {len(png)} bytes are more than {LARGEST_BYTES}")
            (HERE / f"{name}.png").write_bytes(png)
            sys.stdout.write(f"{name}: {len(png)} bytes\n")
        browser.close()


if __name__ == "__main__":
    main()
