"""What the tests of the look open: the sample mails as the engine makes them, and the pages as they are fed."""

import tomllib
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from campaigns.content.catalogue import Catalogue
from campaigns.content.compile import compile_content
from campaigns.content.language import LANGUAGES, Language
from campaigns.content.model import Brand, CampaignFacts
from campaigns.content.render import Renderer
from campaigns.register.preferences import ListState, Preferences

ROOT: Final = Path(__file__).resolve().parents[2]
TEMPLATES: Final = ROOT / "templates"
SITE: Final = "https://post.timmero.example"
MAILS: Final = ("newsletter", "magazine")
PAGES: Final = ("unsubscribe", "unsubscribed", "stopped_all", "unknown_link", "unavailable")
CONTROLLER: Final = {
    "name": "Timmerö Oy Ab",
    "street": "Sågvägen 8",
    "postal_code": "66998",
    "city": "Mustakoski",
    "country": "FI",
    "business_id": "0000000-0",
    "email": "register@timmero.example",
    "phone": "020\u00a0000\u00a00100",
    "register_name": "Kund- och marknadsföringsregister",
    "privacy_url": "https://www.timmero.example/privacy",
    "contact_person": "Nils Ekholm",
}
LIST_NAMES: Final[dict[Language, str]] = {"sv": "Från sågen", "fi": "Sahalta", "en": "From the Mill"}
TIMES: Final[dict[Language, str]] = {
    "sv": "tisdag 24 november 2026 kl.\u00a009.41",
    "fi": "tiistaina 24.\u00a0marraskuuta 2026 klo\u00a09.41",
    "en": "on Tuesday 24 November 2026 at 09:41",
}
#: Another list that the person is on still, under a long name.
LEFT: Final = Preferences(
    1,
    {},
    "",
    [ListState(4, "Varastotila- ja kuljetuskapasiteettitarjoukset", "newsletter", subscribed=True)],
    {},
    None,
    stopped=False,
)
# Long on purpose: a Finnish name of a company and an address that fills a phone's line.
RECIPIENT: Final[dict[str, object]] = {
    "first_name": "Anna-Kaisa",
    "companies": ("Pohjois-Karjalan Ammattirakennuttajat Oy", "Provbygge AB"),
    "email": "anna-kaisa.vuorenmaa@ammattirakennuttajat.example",
    "unsubscribe_url": f"{SITE}/u/AQFQm3kq8aJb3zY0c1ZqkXw2pLr7TtQm0Vd6uEw9y4sKfH",
    "preferences_url": f"{SITE}/p/AQFQm3kq8aJb3zY0c1ZqkXw2pLr7TtQm0Vd6uEw9y4sKfH",
    "view_url": f"{SITE}/v/AQFQm3kq8aJb3zY0c1ZqkXw2pLr7TtQm0Vd6uEw9y4sKfH",
}


@dataclass(frozen=True)
class Look:
    """One document and the files it asks for, by path below SITE. `text` is a mail's plain-text alternative."""

    html: str
    files: dict[str, bytes] = field(repr=False)
    text: str = ""


def mail(key: str, language: Language) -> Look:
    """The sample of a template, for one recipient, with the pictures it names."""
    source = Catalogue(TEMPLATES).load(key)
    subject, data = source.sample["subject"], source.sample["merge_data"]
    assert isinstance(subject, dict)
    assert isinstance(data, dict)
    facts = CampaignFacts(key, "2026-11", key, subject[language], date(2026, 11, 26))
    compilation = compile_content(source, language, data, Brand(SITE, CONTROLLER), facts)
    renderer = Renderer(compilation.content)
    fields: dict[str, object] = {**RECIPIENT, "list_name": LIST_NAMES[language]}
    files = {f"/a/{asset.hash}.{asset.extension}": asset.content for asset in compilation.assets}
    return Look(renderer.html(fields), files, renderer.text(fields))


def page(name: str, language: Language) -> Look:
    """One of the pages behind the links, rendered with exactly the context that the pages are promised."""
    folder = TEMPLATES / "pages"
    environment = Environment(autoescape=True, undefined=StrictUndefined, loader=FileSystemLoader(folder))
    html = environment.get_template(f"{'unsubscribed' if name == 'stopped_all' else name}.html").render(
        t=tomllib.loads((TEMPLATES / "strings" / f"{language}.toml").read_text("utf-8")),
        lang=language,
        languages=LANGUAGES,
        controller=CONTROLLER,
        css_url="/page.css",
        mark_url="/mark.png",
        picture_url="/jetty.png",
        list_name=LIST_NAMES[language],
        address=RECIPIENT["email"],
        action="/u/token",
        time_text=TIMES[language],
        stopped_all=name == "stopped_all",
        outcome="",
        query="",
        left=LEFT,
        list_id=3,
        choices="/p/token",
        switch=True,
    )
    return Look(
        html, {f"/{file}": (folder / file).read_bytes() for file in ("page.css", "mark.png", "jetty.png")}
    )
