"""What a privacy notice and a record of processing must hold: every item of the law, known by name.

Promise: an item that is missing, empty, or lacks a fact that it has to tell is a fault that names the provision. So is
law that has been repealed, and a place in the words that was not filled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from campaigns.rights.notice import CATEGORIES, LAYOUT, PURPOSES, RECORD, Document, Facts, Item, laws

Needs = Callable[[Facts], Iterable[str]]


@dataclass(frozen=True)
class Mandatory:
    """An item, the provisions that demand it, what it has to tell, and how many rows it has."""

    item: str
    provision: str
    needs: Needs = lambda _: ()
    rows: Callable[[Facts], int] = lambda _: 0


def _of_controller(*names: str) -> Needs:
    return lambda facts: [facts.controller[name] for name in names]


def _law(name: str) -> Needs:
    return lambda _: [str(laws()[name]["number"])]


NOTICE = (
    Mandatory(
        "controller",
        "GDPR 13(1)(a), 14(1)(a)",
        _of_controller("name", "business_id", "street", "postal_code", "city", "email", "phone"),
    ),
    Mandatory("contact", "GDPR 13(1)(b), 14(1)(b)", _of_controller("contact_person", "email", "phone")),
    Mandatory(
        "register", "GDPR 5(1)(a): the register's name", _of_controller("register_name", "privacy_url")
    ),
    Mandatory("subjects", "GDPR 14(1)(d): whom it concerns"),
    Mandatory("purposes", "GDPR 13(1)(c), 14(1)(c)", rows=lambda _: len(PURPOSES)),
    Mandatory("legitimate_interest", "GDPR 13(1)(d), 14(2)(b)"),
    Mandatory("marketing_basis", "GDPR 13(1)(c), 14(1)(c); 917/2014 s. 200, 202", _law("communications_act")),
    Mandatory("data", "GDPR 14(1)(d)", rows=lambda _: len(CATEGORIES)),
    Mandatory("lists", "GDPR 14(1)(d)", lambda facts: [name for name, _ in facts.lists]),
    Mandatory("sources", "GDPR 14(2)(f)", rows=lambda _: 6),
    Mandatory("source_notice", "GDPR 14(3)(b)"),
    Mandatory("disclosures", "GDPR 13(1)(e), 14(1)(e)"),
    Mandatory(
        "transfers",
        "GDPR 13(1)(f), 14(1)(f)",
        lambda facts: [told for it in facts.outside for told in (it.name, it.transfer_ground or "")],
    ),
    Mandatory("protection", "GDPR 32"),
    Mandatory("access", "GDPR 13(2)(b), 14(2)(c), 15"),
    Mandatory("access_identity", "GDPR 12(6)"),
    Mandatory("access_time", "GDPR 12(3)"),
    Mandatory("access_free", "GDPR 12(5)"),
    Mandatory("access_refusal", "GDPR 12(4), 15(4); 1050/2018 s. 34", _law("data_protection_act")),
    Mandatory("correction", "GDPR 13(2)(b), 14(2)(c), 16, 19"),
    Mandatory("correction_self", "GDPR 12(2)", _of_controller("email", "phone")),
    Mandatory("erasure", "GDPR 13(2)(b), 14(2)(c), 17"),
    Mandatory("objection", "GDPR 13(2)(b), 21(2)-(4); 917/2014 s. 202", _law("communications_act")),
    Mandatory("objection_ways", "GDPR 12(2), 21(5)", _of_controller("email", "phone")),
    Mandatory("objection_other", "GDPR 21(1), 21(4)"),
    Mandatory("restriction", "GDPR 13(2)(b), 14(2)(c), 18"),
    Mandatory("portability", "GDPR 13(2)(b), 14(2)(c), 20"),
    Mandatory("withdrawal", "GDPR 7(3), 13(2)(c), 14(2)(d)"),
    Mandatory("complaint", "GDPR 13(2)(d), 14(2)(e), 77"),
    Mandatory("law", "GDPR 12(1)", lambda _: [str(law["number"]) for law in laws().values()]),
    Mandatory(
        "retention",
        "GDPR 13(2)(a), 14(2)(a)",
        lambda facts: [str(days) for days in facts.windows.days.values()],
        lambda facts: len(facts.windows.days),
    ),
    Mandatory("retention_no", "GDPR 13(2)(a), 14(2)(a)"),
    Mandatory("decisions", "GDPR 13(2)(f), 14(2)(g), 22", lambda facts: [str(facts.minimum_group)]),
    Mandatory("tracking", "917/2014 s. 205"),
    Mandatory("providing", "GDPR 13(2)(e)"),
)
CONTRACTS = Mandatory(
    "processors", "GDPR 28(3), 30(1)(d)", lambda facts: [it.contract for it in facts.processors]
)
#: These are there when there is something to tell.
WHERE_ANY = (
    Mandatory(
        "recipients",
        "GDPR 13(1)(e), 14(1)(e), 30(1)(d)",
        lambda facts: [told for it in facts.recipients for told in (it.name, it.contract, it.country)],
        lambda facts: len(facts.recipients),
    ),
    Mandatory(
        "processors",
        "GDPR 13(1)(e), 14(1)(e), 28",
        lambda facts: [told for it in facts.processors for told in (it.name, it.role, it.country)],
        lambda facts: len(facts.processors),
    ),
    Mandatory(
        "extra",
        "GDPR 5(1)(b), 14(1)(d)",
        lambda facts: [told for it in facts.fields for told in (it.name, it.purpose, str(it.retention_days))],
        lambda facts: len(facts.fields),
    ),
)
ARTICLE_30 = (
    *(it for it in NOTICE if it.item in {"controller", "contact", "purposes", "subjects", "data"}),
    *(it for it in NOTICE if it.item in {"disclosures", "transfers", "retention"}),
    Mandatory("measures", "GDPR 30(1)(g), 32(1)", rows=lambda _: 5),
    Mandatory("map", "GDPR 5(2), 30(1)(c) and (f)", rows=lambda _: 5),
)


def check_notice(document: Document, facts: Facts) -> list[str]:
    """What is wrong with a notice: a sentence each."""
    return [*_missing(document, facts, NOTICE), *_sections(document, LAYOUT), *_wrong_words(document)]


def check_record(document: Document, facts: Facts) -> list[str]:
    """What is wrong with a record of processing: a sentence each."""
    wanted = (*ARTICLE_30, *((CONTRACTS,) if facts.processors else ()))
    return [*_missing(document, facts, wanted), *_sections(document, RECORD), *_wrong_words(document)]


def _missing(document: Document, facts: Facts, wanted: Iterable[Mandatory]) -> Iterator[str]:
    for mandatory in (*wanted, *(it for it in WHERE_ANY if it.rows(facts))):
        item = document.item(mandatory.item)
        if item is None or not item.text.strip():
            yield f"{mandatory.item} is missing ({mandatory.provision})"
            continue
        told = _whole(item)
        for need in mandatory.needs(facts):
            if not need or need not in told:
                yield f"{mandatory.item} does not tell {need!r} ({mandatory.provision})"
        if len([row for row in item.rows if row.strip()]) < mandatory.rows(facts):
            yield f"{mandatory.item} has too few rows ({mandatory.provision})"


def _sections(document: Document, wanted: Iterable[str]) -> Iterator[str]:
    there = [section.key for section in document.sections if section.items and section.heading.strip()]
    if there != list(wanted):
        yield f"the sections are {', '.join(there)}, not {', '.join(wanted)}"


def _wrong_words(document: Document) -> Iterator[str]:
    whole = "\n".join(_whole(item) for section in document.sections for item in section.items)
    for law in laws().values():
        for number in law["replaces"]:
            if number in whole:
                yield f"{number} has been repealed; {law['number']} is in force since {law['since']}"
    for place in re.findall(r"\{\w*\}", whole):
        yield f"{place} was not filled"


def _whole(item: Item) -> str:
    return "\n".join((item.text, *item.rows))
