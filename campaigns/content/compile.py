"""A template folder, merge data and a language in; the recipient-level sources of one campaign out.

Two phases. Now, once per campaign and language: the campaign-level tags are run, then MJML becomes HTML.
Later, once per recipient: what this module returns is rendered by `campaigns.content.render`. Deterministic:
the same inputs give the same content on every machine.

Fails with TemplateFault (file, line, column) for a template, with SubjectFault for a subject, and with
MergeDataFault for data that do not fit the template. A content that compiles has the unsubscribe link and the
privacy notice in both parts, links to nothing unsafe, and is small enough not to be clipped by mailbox
providers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from jinja2 import TemplateSyntaxError, meta
from markupsafe import escape

from campaigns.content import links
from campaigns.content.language import Language
from campaigns.content.model import (
    RECIPIENT_FIELDS,
    Brand,
    CampaignFacts,
    Compilation,
    CompiledContent,
    TemplateSource,
)
from campaigns.content.sandbox import recipient_environment, recipient_form_fault, unknown_fields
from campaigns.content.workshop import Workshop
from campaigns.errors import Fault, FaultyInput, TemplateFault

# Mailbox providers clip HTML at about 102 kB; the footer with the way out would be in what is cut off.
MAX_HTML: Final = 95_000
LARGE_HTML: Final = 80_000
MAX_SUBJECT: Final = 300

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_MANY_BLANK_LINES: Final = re.compile(r"\n{4,}")


class SubjectFault(FaultyInput):
    """The subject of a campaign cannot be used."""


def compile_content(
    source: TemplateSource,
    language: Language,
    merge_data: Mapping[str, object],
    brand: Brand,
    campaign: CampaignFacts,
) -> Compilation:
    """Compile one campaign in one language.

    Raises:
        TemplateFault: the template is wrong, or the result may not be sent (size, links, missing way out).
        MergeDataFault, SubjectFault: the campaign's own data are wrong; all faults are listed.
    """
    _check_subject(campaign.subject, language)
    workshop = Workshop(source, language, merge_data, brand, campaign)
    html = workshop.html()
    text = _MANY_BLANK_LINES.sub("\n\n\n", workshop.text().strip("\n")) + "\n"
    privacy_url = brand.controller.get("privacy_url", "")
    _check_part(html, source.mjml_file, str(escape(privacy_url)))
    _check_part(text, source.text_file, privacy_url)
    for value, problem in links.html_problems(html):
        raise workshop.fault_about(value, problem)
    content = CompiledContent.of(language, campaign.subject, html, text)
    return Compilation(content, workshop.assets, tuple(_size_warnings(html, source.mjml_file)))


def _check_part(content: str, file: str, privacy_url: str) -> None:
    """The last word on a part: it parses, names only what exists, and shows the way out."""
    environment = recipient_environment(html=True)
    try:
        environment.compile(content)
        tree = environment.parse(content)
    except TemplateSyntaxError as error:
        raise TemplateFault(f"recipient-level tags: {error.message}", file=file) from None
    for name in unknown_fields(tree):
        raise TemplateFault(f"there is no recipient field {name!r}", file=file)
    if found := recipient_form_fault(tree):
        raise TemplateFault(found[1], file=file)
    if "unsubscribe_url" not in meta.find_undeclared_variables(tree):
        raise TemplateFault("must show {{ unsubscribe_url }}", file=file)
    if not privacy_url or privacy_url not in content:
        raise TemplateFault("must show the privacy notice, [[ controller.privacy_url ]]", file=file)


def _size_warnings(html: str, file: str) -> list[Fault]:
    size = len(html.encode())
    if size > MAX_HTML:
        raise TemplateFault(
            f"the HTML is {size} bytes; over {MAX_HTML} mailbox providers clip it and hide the unsubscribe link",
            file=file,
        )
    if size > LARGE_HTML:
        return [Fault(file, f"the HTML is {size} bytes; keep it under {LARGE_HTML}")]
    return []


def _check_subject(subject: str, language: Language) -> None:
    """A subject is one line of text in which recipient-level tags work."""
    if problem := _subject_problem(subject):
        raise SubjectFault([Fault(f"subject.{language}", problem)])


def _subject_problem(subject: str) -> str:
    if not subject.strip() or len(subject) > MAX_SUBJECT:
        return f"must have 1 to {MAX_SUBJECT} characters"
    if _CONTROL.search(subject):
        return "must be one line without control characters"
    environment = recipient_environment(html=False)
    try:
        environment.compile(environment.parse(subject))
    except TemplateSyntaxError as error:
        return f"has a faulty tag: {error.message}"
    tree = environment.parse(subject)
    for name in unknown_fields(tree):
        return f"names {name!r}; a subject may name {', '.join(sorted(RECIPIENT_FIELDS))}"
    found = recipient_form_fault(tree)
    return found[1] if found else ""
