"""A template examined before anybody relies on it, with its own sample in all three languages.

`check` compiles the sample, looks at what MJML lets pass, and renders for two made-up contacts: one of whom
everything is known and one of whom nothing is known but the address. Nothing is raised: all findings are
listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from campaigns.content import links, lint
from campaigns.content.compile import compile_content
from campaigns.content.language import LANGUAGES, Language
from campaigns.content.model import Brand, CampaignFacts, Compilation, TemplateSource
from campaigns.content.render import Fields, RecipientFault, Renderer
from campaigns.errors import Fault, FaultyInput, TemplateFault

SAMPLE_BRAND: Final = Brand(
    "https://mail.example",
    {
        "name": "Exempel Ab",
        "street": "Provgatan 1",
        "postal_code": "00100",
        "city": "Helsingfors",
        "country": "Finland",
        "business_id": "0000000-0",
        "email": "register@mail.example",
        "phone": "+358 00 000 0000",
        "register_name": "Kundregister",
        "privacy_url": "https://mail.example/privacy",
        "contact_person": "Kim Exempel",
    },
)
# Known of everybody a message is made for.
_STRANGER: Final[Fields] = {
    "email": "someone@customer.example",
    "companies": (),
    "list_name": "Nyheter",
    "unsubscribe_url": "https://mail.example/u/sample",
}
_ACQUAINTANCE: Final[Fields] = _STRANGER | {
    "first_name": "Åsa",
    "last_name": "O’Näslund & Søn",
    "title": "dipl.ing.",
    "position": "inköpschef",
    "company": "Ett Ab",
    "companies": ("Ett Ab", "Två & Co", "Tre Oy"),
    "source": "Företagsregistret",
    "preferences_url": "https://mail.example/p/sample",
    "view_url": "https://mail.example/v/sample",
}
_LEFTOVERS: Final = ("{{", "{%", "{#", "[[", "[%", "[#")


@dataclass(frozen=True)
class Findings:
    """What `check` found: faults stop a template from being used, warnings deserve a look."""

    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...] = ()


def check(source: TemplateSource, brand: Brand = SAMPLE_BRAND) -> Findings:
    """Examine a template with its sample. Never raises; an empty `faults` means that it can be used."""
    faults = [
        fault
        for name, text in source.files.items()
        if name.endswith(".mjml")
        for fault in lint.mjml_faults(name, text)
    ]
    faults += _untranslated(source)
    warnings: list[Fault] = []
    for language in LANGUAGES:
        try:
            compilation = _compiled(source, language, brand)
        except TemplateFault as error:
            faults.append(Fault(f"{error.file}:{error.line}:{error.column}", f"{error.problem} ({language})"))
        except FaultyInput as error:
            faults += (Fault(f"{source.key}/sample.json:{one.where}", one.problem) for one in error.faults)
        else:
            warnings += compilation.warnings
            faults += _rendered_faults(source, compilation)
    return Findings(tuple(dict.fromkeys(faults)), tuple(dict.fromkeys(warnings)))


def _compiled(source: TemplateSource, language: Language, brand: Brand) -> Compilation:
    subjects, merge_data = source.sample.get("subject"), source.sample.get("merge_data")
    place = f"{source.key}/sample.json"
    if not isinstance(subjects, dict) or not isinstance(merge_data, dict):
        raise TemplateFault("must have the tables subject and merge_data", file=place)
    subject = subjects.get(language)
    if not isinstance(subject, str):
        raise TemplateFault(f"subject.{language} is missing", file=place)
    facts = CampaignFacts("sample", "1", source.kind, subject, date(2026, 11, 24))
    return compile_content(source, language, merge_data, brand, facts)


def _rendered_faults(source: TemplateSource, compilation: Compilation) -> Iterator[Fault]:
    renderer = Renderer(compilation.content)
    language = compilation.content.language
    for fields, who in (
        (_ACQUAINTANCE, "a contact with all fields"),
        (_STRANGER, "a contact without a name"),
    ):
        try:
            html, text, subject = renderer.html(fields), renderer.text(fields), renderer.subject(fields)
        except RecipientFault as error:
            yield Fault(source.mjml_file, f"cannot be rendered for {who}: {error} ({language})")
            continue
        yield from lint.outline_faults(source.mjml_file, html)
        yield from _leftovers(source.mjml_file, html)
        yield from _leftovers(source.text_file, text)
        yield from _leftovers(f"{source.key}/sample.json:subject.{language}", subject)
        for link, problem in links.text_problems(text):
            yield Fault(source.text_file, f"{problem}: {link[:100]!r}")
        if not text.strip():
            yield Fault(source.text_file, f"is empty for {who}")


def _leftovers(place: str, rendered: str) -> Iterator[Fault]:
    """Delimiters that survived both phases: a tag written where no phase reads it."""
    for delimiter in _LEFTOVERS:
        if delimiter in rendered:
            at = rendered.index(delimiter)
            yield Fault(place, f"a tag is left over: {rendered[at : at + 40]!r}")


def _untranslated(source: TemplateSource) -> Iterator[Fault]:
    """Strings that exist in one language and are missing in another."""
    paths = {language: set(_paths(source.strings.get(language, {}))) for language in LANGUAGES}
    for path in sorted(set().union(*paths.values())):
        for language in LANGUAGES:
            if path not in paths[language]:
                yield Fault(f"strings/{language}.toml", f"there is no string {path}")


def _paths(table: Mapping[str, object], before: str = "") -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _paths(value, f"{before}{key}.")
        elif not isinstance(value, str) or value.strip():
            yield f"{before}{key}"
