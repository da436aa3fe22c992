"""Every page for people in a real browser: each form clicked through without script, and axe-core finds nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from campaigns.address import parse_email
from campaigns.content.language import LANGUAGES
from campaigns.register import opt_ins, surveys
from campaigns.register.survey_form import read_survey
from campaigns.store import schema
from campaigns.store.engine import writing
from campaigns.tokens import TokenClaims, TokenPurpose
from tests.register.test_surveys import ASKED
from tests.support.browser import started_browser
from tests.support.register import LIST_ID, TESTER, Register, made_register
from tests.support.smtp_sink import SmtpSink
from tests.web.browsing import visiting
from tests.web.confirmations import link_in, send_all
from tests.web.place import client_for, client_without_database

pytestmark = pytest.mark.needs_chromium

AXE: Final = str(Axe().axe_script)
#: Numbers of deliveries, each a person of their own: what one test changes hides nothing from another.
LEAVER, CHOOSER, READER = 1, 2, 3
MORE: Final = """
UPDATE contact SET street = 'Tehtaankatu 8', postal_code = '65999', city = 'Pohjoissalmi',
    title = 'Kunnossapitopäällikkö', phone = '+358 40 123 4567';
INSERT INTO mailing_list (id, key, kind, name, purpose, created_at, created_by)
    SELECT 4, 'kajen', 'magazine', 'Kajen', purpose, created_at, created_by FROM mailing_list;
INSERT INTO subscription (list_id, contact_id, status, since, changed_by)
    SELECT 4, contact_id, status, since, changed_by FROM subscription
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started_browser() as started:
        yield started


@pytest.fixture
def register(sqlite_url: str, tmp_path: Path) -> Iterator[Register]:
    """A register whose people have postal addresses and a second list."""
    with made_register(sqlite_url, tmp_path / "secrets") as made:
        with writing(made.engine) as connection:
            for statement in MORE.split(";"):
                connection.exec_driver_sql(statement)
            surveys.add(connection, read_survey(ASKED), "Europe/Helsinki", TESTER)
        yield made


def preferences(register: Register, number: int) -> str:
    return f"/p/{register.link(TokenPurpose.PREFERENCES, number)}"


def leaving(register: Register, number: int) -> str:
    return f"/u/{register.link(TokenPurpose.UNSUBSCRIBE, number)}"


def confirming(register: Register, kind: opt_ins.Kind) -> str:
    """The link of a wish that waits."""
    address = parse_email(f"{kind}@kund.example")
    list_id, contact_id = (LIST_ID, None) if kind == "join" else (None, READER)
    wanted = opt_ins.Wanted(kind, address, "sv", "yes", list_id=list_id, contact_id=contact_id)
    with writing(register.engine) as connection:
        opt_ins.ask(connection, register.ring, wanted)
        table = schema.opt_in.c
        made = sa.select(table.id).where(table.kind == kind).order_by(table.id.desc()).limit(1)
        number = connection.execute(made).scalar_one()
    claims = TokenClaims(0, number, list_id or 0, contact_id or 0)
    return f"/c/{register.tokens.for_link(TokenPurpose.CONFIRM, claims)}"


def test_joining_and_confirming_without_script(browser: Browser, register: Register) -> None:
    with visiting(browser, client_for(register), width=375) as visitor, SmtpSink() as sink:
        visitor.open("/s/sagen?lang=fi")
        window = visitor.window
        window.fill("#email", "ny.person@")
        window.keyboard.press("Enter")
        window.wait_for_selector("[role=alert]")
        assert window.title().startswith("Virhe:")
        window.fill("#email", "ny.person@kund.example")
        window.click("label[for=agree]")
        window.click("label[for=language-sv]")
        window.click("main button")
        assert window.locator("h1").text_content() == "Katso sähköpostiasi"
        assert send_all(register, sink) == ["sent"]
        visitor.open(link_in(sink.messages[0].content))
        assert window.locator("html").get_attribute("lang") == "sv"
        window.click("main button")
        assert "Du står på listan" in (window.locator("h1").text_content() or "")
        assert visitor.strangers == []
        assert visitor.context.cookies() == []


def test_leaving_undoing_and_stopping_one_more_without_script(browser: Browser, register: Register) -> None:
    with visiting(browser, client_for(register)) as visitor:
        visitor.open(leaving(register, LEAVER))
        window = visitor.window
        window.click("button[value=list]")
        assert ("unsubscribed", "", LIST_ID) in register.noes()
        window.click("button[value=join]")
        assert window.locator("[role=status]").is_visible()
        assert window.locator(f"#list-{LIST_ID}").is_checked()
        visitor.open(leaving(register, LEAVER))
        window.click("button[value=list]")
        window.click("button[value=leave]")
        assert not window.locator("#list-4").is_checked()
        window.click("button[value=stop]")
        assert ("objection", "", 0) in register.noes()
        assert visitor.strangers == []
        assert visitor.context.cookies() == []


def test_choosing_without_script_and_by_keyboard_alone(browser: Browser, register: Register) -> None:
    with visiting(browser, client_for(register), width=375) as visitor:
        visitor.open(preferences(register, CHOOSER))
        window = visitor.window
        window.focus(f"#list-{LIST_ID}")
        window.keyboard.press("Space")
        window.focus("#channel-post")
        window.keyboard.press("Space")
        window.focus("#pause-none")
        window.keyboard.press("ArrowDown")
        window.keyboard.press("Enter")
        window.wait_for_selector("[role=status]")
        assert register.noes() == {
            ("unsubscribed", "", LIST_ID),
            ("objection", "post", 0),
            ("on_pause", "", 0),
        }
        assert window.locator("#pause-now").is_checked()
        window.click("text=Svenska >> nth=1")
        window.click("button[value=choices]")
        assert window.locator("html").get_attribute("lang") == "sv"
        assert visitor.strangers == []
        assert visitor.context.cookies() == []


def test_correcting_without_script(browser: Browser, register: Register) -> None:
    with visiting(browser, client_for(register)) as visitor:
        visitor.open(preferences(register, READER))
        window = visitor.window
        window.click("text=Correct Phone")
        window.fill("#phone", "call me")
        window.fill("#postal_code", "8709")
        window.click("button[value=correct]")
        assert window.title().startswith("Error:")
        window.click("[role=alert] a >> nth=1")
        assert window.evaluate("document.activeElement.id") == "postal_code"
        assert window.input_value("#phone") == "call me"
        window.fill("#phone", "+358 40 765 4321")
        window.fill("#postal_code", "00100")
        window.click("button[value=correct]")
        assert "+358 40 765 4321" in window.content()
        window.click("text=Ask for a copy of everything")
        window.click("button[value=copy]")
        assert "We have your request" in window.content()
        assert visitor.strangers == []


def _wrong(window: Page) -> None:
    window.fill("#phone", "x")
    window.fill("#postal_code", "1")
    window.click("button[value=correct]")


def _subscribe(window: Page) -> None:
    window.fill("#email", "ny.person@kund.example")
    window.click("label[for=agree]")
    window.click("main button")


def _stop(window: Page) -> None:
    if window.locator("button[value=stop]").count():
        window.click("button[value=stop]")


def _forget_an_answer(window: Page) -> None:
    window.eval_on_selector("main form", "form => form.noValidate = true")
    window.click("button[value=answer]")


def answered(register: Register, number: int) -> str:
    """The page of somebody who has answered what they are asked."""
    with writing(register.engine) as connection:
        for survey in surveys.open_to(connection, number, LIST_ID):
            surveys.answer(connection, survey, number, {"liked": "4"}, TESTER)
    return preferences(register, number) + "?view=surveys"


Step = Callable[[Page], None]
PAGES: Final[dict[str, tuple[Callable[[Register], str], Step | None]]] = {
    "preferences": (lambda register: preferences(register, READER), None),
    "saved": (lambda register: preferences(register, READER), lambda it: it.click("button[value=choices]")),
    "stopped": (lambda register: preferences(register, CHOOSER), _stop),
    "my data": (lambda register: preferences(register, READER) + "?view=data", _wrong),
    "copy": (lambda register: preferences(register, READER) + "?view=copy", None),
    "survey": (lambda register: preferences(register, READER) + "?view=surveys", None),
    "faulty survey": (lambda register: preferences(register, READER) + "?view=surveys", _forget_an_answer),
    "no survey": (lambda register: answered(register, READER), None),
    "unsubscribe": (lambda register: leaving(register, READER), None),
    "unsubscribed": (lambda register: leaving(register, LEAVER), lambda it: it.click("button[value=list]")),
    "form": (lambda _: "/s/sagen", None),
    "faulty form": (lambda _: "/s/sagen", lambda it: it.click("main button")),
    "sent": (lambda _: "/s/sagen", _subscribe),
    "confirm": (lambda register: confirming(register, "join"), None),
    "confirm restore": (lambda register: confirming(register, "restore"), None),
    "confirm move": (lambda register: confirming(register, "move"), None),
    "confirmed": (lambda register: confirming(register, "join"), lambda it: it.click("main button")),
    "unknown": (lambda _: "/p/unknown", None),
}


def test_axe_finds_nothing(browser: Browser, register: Register) -> None:
    found: list[tuple[str, str, Any]] = []
    with visiting(browser, client_for(register), script=True) as visitor:
        for name, (path, step) in PAGES.items():
            for language in LANGUAGES:
                where = path(register)
                visitor.open(f"{where}{'&' if '?' in where else '?'}lang={language}")
                if step is not None:
                    step(visitor.window)
                found += [(name, language, it) for it in _violations(visitor.window)]
        assert visitor.strangers == []
        visitor.client = client_without_database(register)
        visitor.open(leaving(register, READER))
        found += [("away", "en", it) for it in _violations(visitor.window)]
    assert found == []


def _violations(window: Page) -> list[Any]:
    """What axe-core says of a page, in light colours and in dark ones."""
    window.evaluate(AXE)
    window.emulate_media(color_scheme="light")
    told = window.evaluate("axe.run({resultTypes: ['violations']}).then(found => found.violations)")
    window.emulate_media(color_scheme="dark")
    told += window.evaluate("axe.run({runOnly: ['color-contrast']}).then(found => found.violations)")
    return [(it["id"], [node["html"] for node in it["nodes"]]) for it in told]
