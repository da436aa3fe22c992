"""The check: shipped templates pass it in all languages; each thing it looks for is found, with its place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from campaigns.content.catalogue import Catalogue
from campaigns.content.check import check
from campaigns.content.model import TemplateSource
from tests.content.material import mjml, source


@pytest.mark.parametrize("key", Catalogue().keys())
def test_the_templates_of_this_installation_pass(key: str) -> None:
    findings = check(Catalogue().load(key))
    assert findings.faults == ()
    assert findings.warnings == ()


def test_a_good_template_has_no_faults() -> None:
    assert check(source()).faults == ()


SAMPLE = {"subject": dict.fromkeys(("sv", "fi", "en"), "x"), "merge_data": {"heading": "x"}}
CASES: dict[str, tuple[TemplateSource, str]] = {
    "unknown element": (source("<h1>x</h1>\n<mj-foo />"), "test/template.mjml:4:1: there is no element mj-foo"),
    "unknown attribute": (
        source(whole=mjml("<h1>x</h1>").replace("<mj-text>", '<mj-text colour="red">', 1)),
        "test/template.mjml:2:24: mj-text has no attribute colour",
    ),
    "picture without alt": (
        source('<h1>x</h1>\n <img src="https://a.example/x.png" />'), "test/template.mjml:4:2: img has no alt",
    ),
    "mj-image without alt": (
        source(whole=mjml("<h1>x</h1>").replace("<mj-text>", '<mj-image src="https://a.example/x.png" /><mj-text>', 1)),
        "mj-image has no alt",
    ),
    "no h1": (source("<p>x</p>"), "has 0 headings h1"),
    "two h1": (source("<h1>x</h1><h1>y</h1>"), "has 2 headings h1"),
    "skipped level": (source("<h1>x</h1><h3>y</h3>"), "h3 follows h1"),
    "link without words": (source('<h1>x</h1><a href="https://a.example/"> </a>'), "neither words"),
    "unsafe link in the text part": (source(text="http://a.example/ [[ heading ]]\n"), "test/text.txt: a link must be"),
    "name printed without a condition": (source("<h1>{{ first_name }}</h1>"), "a contact without a name"),
    "untranslated string": (
        replace(source(), strings={"sv": {"a": {"b": "x"}}, "fi": {"a": {"b": " "}}, "en": {"a": {"b": "x"}}}),
        "strings/fi.toml: there is no string a.b",
    ),
    "sample without merge data": (replace(source(), sample=SAMPLE | {"merge_data": {}}), "merge_data.sv.heading"),
    "sample without subject": (replace(source(), sample=SAMPLE | {"subject": {"sv": "x"}}), "subject.fi is missing"),
    "sample of another form": (replace(source(), sample={}), "must have the tables"),
    "template that does not compile": (source("\n{% if first_name %}"), "test/template.mjml:5:1: Unexpected end"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_check_finds(case: str) -> None:
    template, words = CASES[case]
    assert any(words in str(fault) for fault in check(template).faults), check(template).faults


def test_a_delimiter_that_no_phase_reads_is_found() -> None:
    faults = check(source(text="{{ '{' }}{{ '{' }}\n")).faults
    assert any("left over" in str(fault) for fault in faults)


def test_everything_is_listed_at_once() -> None:
    template = source('<h2>x</h2><img src="/x.png" /><mj-foo a="b" />', "{{ nope }}\n")
    assert len(check(template).faults) >= 4
