# ruff: noqa: INP001 - a script beside the pictures, not a package
"""Draws the pictures of the sample templates: every SVG in templates/drawings becomes the PNG that the templates use.

Run it after changing a drawing: `python docs/pictures/draw/render.py`. It needs Chromium, playwright and Pillow
(`pip install playwright pillow`); the worker itself needs none of them, because the PNG files are kept as well.
The palette is reduced to 128 colours without dithering, so flat areas keep their exact colour: the lower edge of the
magazine's cover must be the very petrol of the band below it. A picture that is too big ends the run.
"""

import io
import sys
from pathlib import Path

from PIL import Image  # type: ignore[import-not-found,unused-ignore]
from playwright.sync_api import sync_playwright

TEMPLATES = Path(__file__).resolve().parents[3] / "templates"
DRAWINGS = TEMPLATES / "drawings"
LARGEST_BYTES = 60_000
TARGETS = {
    "mark": ["newsletter/assets/mark.png", "magazine/assets/mark.png", "pages/mark.png"],
    "newsletter-lead": ["newsletter/assets/lead.png"],
    "portrait-helmi": ["newsletter/assets/helmi.png"],
    "magazine-cover": ["magazine/assets/cover.png"],
    "magazine-feature": ["magazine/assets/feature.png"],
    "magazine-heat": ["magazine/assets/heat.png"],
    "magazine-school": ["magazine/assets/school.png"],
    "portrait-ilse": ["magazine/assets/ilse.png"],
    "portrait-tauno": ["magazine/assets/tauno.png"],
    "portrait-maryam": ["magazine/assets/maryam.png"],
    "page-jetty": ["pages/jetty.png"],
}


def reduced(png: bytes) -> bytes:
    """The same picture with at most 128 colours and, if its corners are round, a transparent ground."""
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    out = io.BytesIO()
    picture.quantize(128, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
        out, "PNG", optimize=True
    )
    return out.getvalue()


def main() -> None:
    """Render all drawings, or those named on the command line."""
    wanted = sys.argv[1:] or list(TARGETS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        for name in wanted:
            page.set_content(
                f"<style>body{{margin:0}}svg{{display:block}}</style>{(DRAWINGS / f'{name}.svg').read_text()}"
            )
            png = reduced(page.locator("svg").screenshot(omit_background=True))
            if len(png) > LARGEST_BYTES:
                raise SystemExit(f"{name}: {len(png)} bytes are more than {LARGEST_BYTES}")
            for target in TARGETS[name]:
                path = TEMPLATES / target
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(png)
            sys.stdout.write(f"{name}: {len(png)} bytes\n")
        browser.close()


if __name__ == "__main__":
    main()
