"""The notice and the record of processing hold all that the law demands, and change with what is configured."""

import copy
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from campaigns.errors import InputError
from campaigns.register.declared import DeclaredField
from campaigns.register.processors import Processor, Recipient
from campaigns.rights.notice import (
    CATEGORIES,
    LANGUAGES,
    LAYOUT,
    PURPOSES,
    Facts,
    Language,
    laws,
    notice,
    record,
    words_of,
)
from campaigns.rights.notice_check import NOTICE, WHERE_ANY, check_notice, check_record
from campaigns.rights.notice_pages import as_page, as_text
from campaigns.rights.windows import FURTHER, MAPPED, Windows
from campaigns.store import data_map, schema
from campaigns.store.register_tables import SOURCE_CLASSES
from tests.architecture.tree import ROOT
from tests.cli.place import Place as Commands
from tests.operations.place import made_place

TODAY = date(2026, 11, 25)
FACTS = Facts(
    controller={
        "name": "Nordhamn Oy Ab",
        "business_id": "0000000-0",
        "street": "Satamakatu 12",
        "postal_code": "65999",
        "city": "Pohjoissalmi",
        "country": "Finland",
        "email": "register@nordhamn.example",
        "phone": "+358 20 000 0100",
        "register_name": "Kundregister",
        "contact_person": "Aino Kalliosaari",
        "privacy_url": "https://www.nordhamn.example/privacy",
    },
    processors=(
        Processor("mail", "Postilaiva Oy", "mail delivery", "FI", "DPA-1", date(2031, 12, 31)),
        Processor("far", "Farpost Inc", "mail delivery", "US", "DPA-2", None, "SCC 2021/914 of 2026-01-02"),
    ),
    windows=Windows({kind: 100 + number for number, kind in enumerate((*MAPPED, *FURTHER))}),
    fields=(DeclaredField("crm_number", "reference", "naming people in other systems", 777),),
    lists=(("Nyheter från sågen", "newsletter"), ("Sågbladet", "magazine")),
    minimum_group=7,
    recipients=(Recipient("group", "Nordhamn Service Ab", "FI", "agreement within the group"),),
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_missing(language: Language) -> None:
    assert check_notice(notice(FACTS, language, TODAY), FACTS) == []
    assert check_record(record(FACTS, language, TODAY), FACTS) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("item", [it.item for it in (*NOTICE, *WHERE_ANY)])
def test_an_item_that_is_left_out_is_found_by_its_provision(item: str, language: Language) -> None:
    whole = notice(FACTS, language, TODAY)
    sections = tuple(
        replace(section, items=tuple(it for it in section.items if it.key != item))
        for section in whole.sections
    )
    faults = check_notice(replace(whole, sections=sections), FACTS)
    assert any(fault.startswith(f"{item} is missing (") for fault in faults)


@pytest.mark.parametrize("item", [it.item for it in (*NOTICE, *WHERE_ANY)])
def test_words_that_are_not_there_stop_the_notice(item: str) -> None:
    words: dict[str, Any] = copy.deepcopy(dict(words_of("sv")))
    words["text"][item] = ""
    with pytest.raises(InputError, match=rf"sv\.toml: text\.{item} is missing"):
        notice(FACTS, "sv", TODAY, words)


def test_every_item_of_the_layout_is_known_to_the_linter() -> None:
    told = {item for items in LAYOUT.values() for item in items}
    assert told == {it.item for it in (*NOTICE, *WHERE_ANY)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_is_there_in_every_language(language: Language) -> None:
    words = words_of(language)
    assert set(words["purpose"]) == set(PURPOSES)
    assert set(words["category"]) == set(CATEGORIES)
    assert set(words["source"]) == set(SOURCE_CLASSES)
    assert set(words["window"]) == {*MAPPED, *FURTHER}
    for table in ("heading", "text", "record", "measures", "transfer", "list"):
        assert set(words[table]) == set(words_of("en")[table])
    used = {it.category for it in data_map.data(schema.metadata)}
    assert used <= set(words["category"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_only_law_in_force_is_cited(language: Language) -> None:
    text = as_text(notice(FACTS, language, TODAY))
    assert re.search(r"202 §|section 202", text)
    for law in laws().values():
        assert law["number"] in text
        assert law["since"] <= TODAY
    old = text.replace("1050/2018", "523/1999")
    assert old != text
    whole = notice(FACTS, language, TODAY)
    last = whole.sections[-1]
    spoilt = replace(last, items=(replace(last.items[0], text="523/1999 {gone}"),))
    faults = check_notice(replace(whole, sections=(*whole.sections[:-1], spoilt)), FACTS)
    assert any("523/1999 has been repealed; 1050/2018 is in force" in fault for fault in faults)
    assert any("{gone} was not filled" in fault for fault in faults)


CHANGES: Mapping[str, Callable[[Facts], Facts]] = {
    "Grå Hamn Ab": lambda it: replace(it, controller={**it.controller, "name": "Grå Hamn Ab"}),
    "Tryck Ab": lambda it: replace(
        it, processors=(*it.processors, Processor("print", "Tryck Ab", "printing", "SE", "DPA-3", None))
    ),
    "Systerbolaget": lambda it: replace(
        it, recipients=(*it.recipients, Recipient("more", "Systerbolaget Ab", "SE", "agreement 9"))
    ),
    "4321": lambda it: replace(it, windows=Windows({**it.windows.days, "deliveries": 4321})),
    "shoe_size": lambda it: replace(
        it, fields=(*it.fields, DeclaredField("shoe_size", "number", "boots", 10))
    ),
    "Hamnbladet": lambda it: replace(it, lists=(*it.lists, ("Hamnbladet", "magazine"))),
}


@pytest.mark.parametrize("written", [notice, record])
@pytest.mark.parametrize("words", CHANGES)
def test_both_change_when_the_configuration_changes(words: str, written: Callable[..., Any]) -> None:
    before, after = written(FACTS, "sv", TODAY), written(CHANGES[words](FACTS), "sv", TODAY)
    assert words not in as_text(before)
    assert words in as_text(after)
    assert before.made != after.made, "and so does the version"


def test_transfers_are_told_as_they_are() -> None:
    assert "Farpost Inc, US (SCC 2021/914 of 2026-01-02)" in as_text(notice(FACTS, "en", TODAY))
    inside = replace(FACTS, processors=FACTS.processors[:1])
    assert "is not transferred outside" in as_text(notice(inside, "en", TODAY))


def test_the_page_stands_alone_and_sets_the_right_to_object_apart() -> None:
    facts = replace(FACTS, controller={**FACTS.controller, "name": "Sten & <b>Sax</b>"})
    page = as_page(notice(facts, "fi", TODAY))
    assert '<html lang="fi">' in page
    assert "Sten &amp; &lt;b&gt;Sax&lt;/b&gt;" in page
    assert page.count("<section ") == page.count("<h2>") == len(LAYOUT) == 15
    assert '<section class="objection">' in page
    assert not re.search(r"src=|<script|<link", page)


def test_the_record_names_contracts_and_the_notice_does_not() -> None:
    assert "DPA-1" in as_text(record(FACTS, "en", TODAY))
    assert "DPA-1" not in as_text(notice(FACTS, "en", TODAY))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_record_names_the_register_and_its_controller(language: Language) -> None:
    told = as_text(record(FACTS, language, TODAY))
    wanted = ("name", "business_id", "street", "city", "email", "phone", "register_name", "contact_person")
    assert [name for name in wanted if FACTS.controller[name] not in told] == []


def test_the_example_of_the_settings_makes_both(sqlite_url: str, tmp_path: Path) -> None:
    with made_place(tmp_path, sqlite_url, "smtp://127.0.0.1:1") as place:
        place.people(1)
        run = Commands(place.folder, place.environment)
        for language in LANGUAGES:
            told = run.answer("notice", "--lang", language)
            assert [section["key"] for section in told["sections"]] == list(LAYOUT)
            assert "News" in str(told)
        assert run.answer("notice", "--lang", "sv", "--html")["html"].startswith("<!doctype html>")
        recorded = str(run.answer("notice", "record"))
        assert all(name in recorded for name in ("Postilaiva Oy", "Tryckeriet i Norrsund AB", "DPA-2026-021"))


@pytest.mark.parametrize(
    "setting", ["name", "business_id", "street", "email", "phone", "register_name", "contact_person"]
)
def test_without_an_identity_nothing_starts(setting: str, tmp_path: Path) -> None:
    example = (ROOT / "utskick.example.toml").read_text()
    values = tomllib.loads(example)["controller"]
    line = f'{setting} = "{values[setting]}"\n'
    assert line in example
    commands = Commands(tmp_path)
    (tmp_path / "utskick.toml").write_text(example.replace(line, "", 1))
    assert any(f"controller.{setting}" in told for told in commands.refusal(2, "notice"))
