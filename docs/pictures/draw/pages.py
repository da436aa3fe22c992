# ruff: noqa: INP001 - a script beside the pictures, not a package
"""Takes the pictures of docs/pages.md: the pages for people as the application answers them, for made-up people.

Run it from the root of a checkout after a change of the pages: `PYTHONPATH=. python docs/pictures/draw/pages.py`. Needs
Chromium, playwright and Pillow.
"""

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PIL import Image  # type: ignore[import-not-found,unused-ignore]
from playwright.sync_api import Page

from campaigns.store.engine import writing
from campaigns.tokens import TokenPurpose
from tests.support.browser import started_browser
from tests.support.register import made_register
from tests.web.browsing import Scheme, visiting
from tests.web.place import client_for
from tests.web.test_in_a_browser import MORE, confirming

HERE: Final = Path(__file__).resolve().parents[1]
NAMES: Final = (
    "UPDATE contact SET first_name = 'Karin', last_name = 'Nyberg', title = 'Inköpschef' WHERE id = 1;"
    "UPDATE contact SET first_name = 'Matti', last_name = 'Mäntyharju' WHERE id = 2"
)
Step = Callable[[Page], None]


def _faulty(window: Page) -> None:
    window.fill("#phone", "ring mig")
    window.fill("#postal_code", "8709")
    window.click("button[value=correct]")


def main() -> None:
    """Take all pictures."""
    with (
        tempfile.TemporaryDirectory() as folder,
        made_register(f"sqlite:///{folder}/register.db", Path(folder) / "secrets") as register,
        started_browser() as browser,
    ):
        with writing(register.engine) as connection:
            for statement in (*MORE.split(";"), *NAMES.split(";")):
                connection.exec_driver_sql(statement)
        client = client_for(register)

        def shot(path: str, width: int, scheme: Scheme = "light", step: Step | None = None) -> Image.Image:
            with visiting(browser, client, width=width, scheme=scheme) as visitor:
                visitor.open(path)
                if step is not None:
                    step(visitor.window)
                visitor.window.wait_for_load_state("networkidle")
                return Image.open(io.BytesIO(visitor.window.screenshot(full_page=True)))

        sv, fi = (f"/p/{register.link(TokenPurpose.PREFERENCES, it)}" for it in (1, 2))
        _plate("preferences", shot(sv, 1280))
        phones = [shot(fi, 375), shot(fi, 375, "dark")]
        phones.append(shot(fi, 375, step=lambda it: it.click("button[value=choices]")))
        _plate("preferences-phone", *phones)
        data = "?view=data"
        _plate("my-data", shot(sv + data, 1280, step=_faulty), shot(sv + data, 375, "dark", _faulty))
        left = f"/u/{register.link(TokenPurpose.UNSUBSCRIBE, 1)}"
        leave = shot(left, 1280, step=lambda it: it.click("button[value=list]"))
        join = confirming(register, "join")
        _plate("opt-in", shot("/s/sagen?lang=sv", 375), shot(join, 375, "dark"), leave)


def _plate(name: str, *shots: Image.Image) -> None:
    """Windows side by side, as one picture of few colours."""
    width = sum(it.width + 20 for it in shots) - 20
    plate = Image.new("RGB", (width, max(it.height for it in shots)), "#8A9092")
    left = 0
    for it in shots:
        plate.paste(it, (left, 0))
        left += it.width + 20
    plate.quantize(128, dither=Image.Dither.NONE).save(HERE / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
