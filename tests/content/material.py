"""Made-up templates, people and campaigns for the tests of the content engine."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from email.message import EmailMessage

from campaigns.content.catalogue import Catalogue
from campaigns.content.compile import compile_content
from campaigns.content.compose import CampaignHead, Composer, RecipientView
from campaigns.content.language import Language
from campaigns.content.model import Brand, CampaignFacts, CompiledContent, MergeField, TemplateSource

BRAND = Brand(
    "https://mail.timmero.example",
    {
        "name": "Timmero Ab",
        "street": "Sågvägen 1",
        "postal_code": "00100",
        "city": "Helsingfors",
        "country": "Finland",
        "business_id": "0000000-0",
        "email": "register@timmero.example",
        "phone": "+358 00 000 0000",
        "register_name": "Kundregister",
        "privacy_url": "https://www.timmero.example/privacy?lang=sv&v=2",
        "contact_person": "Kim Exempel",
    },
)
FACTS = CampaignFacts("autumn", "2026-11", "newsletter", "Nyheter", date(2026, 11, 24))
HEAD = CampaignHead(
    from_name="Från sågen",
    from_address="news@mail.timmero.example",
    reply_to="helmi@timmero.example",
    date=datetime(2026, 11, 24, 7, 5, 9, tzinfo=UTC),
    feedback_id="17:autumn:newsletter:utskick",
    boundary_stem="11",
    language="sv",
)
VIEW = RecipientView(
    address="asa@kund.example",
    first_name="Åsa",
    last_name="Näslund",
    title="",
    position="inköpschef",
    companies=("Ett & Två Ab", "Tre Oy"),
    list_name="Nyheter",
    list_id="news.mail.timmero.example",
    unsubscribe_url="https://mail.timmero.example/u/" + "aB3_-" * 21,
    unsubscribe_mailto="mailto:u-abcdef@mail.timmero.example",
    preferences_url="https://mail.timmero.example/p/" + "cD4_-" * 21,
    view_url="https://mail.timmero.example/v/" + "eF5_-" * 21,
    message_id="<k1.abc@mail.timmero.example>",
)

_WAY_OUT = '<a href="{{ unsubscribe_url }}">out</a> <a href="[[ controller.privacy_url ]]">privacy</a>'


def mjml(body: str, head: str = "") -> str:
    """A whole MJML file around `body`, which stands inside one mj-text, on line 3."""
    return (
        f"<mjml><mj-head>{head}</mj-head><mj-body>\n<mj-section><mj-column><mj-text>\n"
        f"{body}\n</mj-text><mj-text>{_WAY_OUT}</mj-text></mj-column></mj-section></mj-body></mjml>"
    )


def source(
    body: str = "<h1>[[ heading ]]</h1>",
    text: str = "[[ heading ]]\n",
    *,
    files: Mapping[str, str] | None = None,
    strings: Mapping[str, object] | None = None,
    assets: Mapping[str, bytes] | None = None,
    whole: str | None = None,
) -> TemplateSource:
    """A template folder in memory. It declares the merge fields heading (required), items and link."""
    way_out = "{{ unsubscribe_url }} [[ controller.privacy_url ]]\n"
    table = strings or {}
    return TemplateSource(
        key="test",
        name="test",
        kind="newsletter",
        description="for tests",
        merge_fields={
            "heading": MergeField("heading", "the heading", required=True),
            "items": MergeField("items", "a list"),
            "link": MergeField("link", "a link"),
        },
        files={"test/template.mjml": whole or mjml(body), "test/text.txt": text + way_out, **(files or {})},
        strings={"sv": table, "fi": table, "en": table},
        assets=assets or {},
        sample={
            "subject": dict.fromkeys(("sv", "fi", "en"), "Ämne"),
            "merge_data": {"heading": "Rubrik"},
        },
    )


def compiled(
    template: TemplateSource,
    merge_data: Mapping[str, object] | None = None,
    *,
    language: Language = "sv",
    subject: str = "Nyheter",
) -> CompiledContent:
    """The content of a template with `heading` set, unless `merge_data` says otherwise."""
    data = {"heading": "Rubrik", **(merge_data or {})}
    return compile_content(template, language, data, BRAND, replace(FACTS, subject=subject)).content


def shipped(key: str, language: Language = "sv") -> CompiledContent:
    """The content of a template of this installation, with its own sample."""
    template = Catalogue().load(key)
    merge_data = template.sample["merge_data"]
    assert isinstance(merge_data, dict)
    return compile_content(template, language, merge_data, BRAND, FACTS).content


def composer(content: CompiledContent) -> Composer:
    return Composer(content, replace(HEAD, language=content.language))


def parsed(message: bytes) -> EmailMessage:
    result = email.message_from_bytes(message, policy=email.policy.default)
    assert isinstance(result, EmailMessage)
    return result


def parts(message: bytes) -> tuple[str, str]:
    """The text and the HTML part, decoded, exactly as they stand between the boundaries."""
    text, html = parsed(message).iter_parts()
    return _decoded(text), _decoded(html)


def _decoded(part: object) -> str:
    assert isinstance(part, EmailMessage)
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode("utf-8").replace("\r\n", "\n")
