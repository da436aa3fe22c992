"""`utskick notice`: the register's privacy notice and its record of processing, from what is configured now."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter

from campaigns.errors import Fault, FaultyInput
from campaigns.rights.notice import Document, Language, record
from campaigns.rights.notice import notice as make_notice
from campaigns.rights.notice_check import check_notice, check_record
from campaigns.rights.notice_pages import as_page, as_text, as_value
from workers.cli.output import Json, answer
from workers.guarding import today
from workers.noticing import facts_of
from workers.settings import load_settings
from workers.wiring import Installation

notice = App(name="notice")

Lang = Annotated[
    Language | None, Parameter(help="In which language; without it, the default language of the settings.")
]
Html = Annotated[bool, Parameter(negative=(), help="As a page of its own instead of text.")]


@notice.default
def write(*, lang: Lang = None, html: Html = False, json: Json = False) -> None:
    """Write the privacy notice: every section of the register's description and every item of GDPR Art. 13 and 14."""
    settings = load_settings(sends=False)
    facts = facts_of(Installation(settings))
    document = make_notice(facts, lang or settings.default_language, today(settings))
    _answer(document, check_notice(document, facts), as_html=html, as_json=json)


@notice.command(name="record")
def write_record(*, lang: Lang = None, html: Html = False, json: Json = False) -> None:
    """Write the record of processing activities (GDPR Art. 30)."""
    settings = load_settings(sends=False)
    facts = facts_of(Installation(settings))
    document = record(facts, lang or settings.default_language, today(settings))
    _answer(document, check_record(document, facts), as_html=html, as_json=json)


def _answer(document: Document, faults: list[str], *, as_html: bool, as_json: bool) -> None:
    if faults:
        raise FaultyInput([Fault(f"notices/{document.language}.toml", fault) for fault in faults])
    text = as_page(document) if as_html else as_text(document)
    value: dict[str, Any] = {**as_value(document), "html": text} if as_html else as_value(document)
    answer(value, text, as_json=as_json)
