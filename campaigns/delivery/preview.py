"""The messages of a submission before it is submitted: for one contact of the register, or for a made-up one.

Promise: composed by the very code that composes for delivery, from the submission and one contact; nothing is planned,
stored or sent, and the links for leaving belong to no delivery, so pressing them does nothing. Fails with
`SubmissionRefused` (all faults), `NotFound` (no such contact) or `InputError` (a contact that gets no e-mail).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from campaigns.access import Operation, demand
from campaigns.clock import utc_now
from campaigns.content.compose import CampaignHead, Composer, RecipientView, recipient_fields
from campaigns.content.model import Asset, Compilation
from campaigns.content.render import Renderer
from campaigns.delivery.composing import Author, Stationery
from campaigns.errors import InputError, NotFound
from campaigns.planning.campaign import Plan
from campaigns.principal import Principal
from campaigns.register import contacts
from campaigns.register.mailing_lists import MailingList
from campaigns.store.engine import reading, writing

_MADE_UP = {
    "sv": ("Åsa", "O’Näslund & Søn", "dipl.ing.", "Inköpschef"),
    "fi": ("Yrjö", "Äyräväinen", "DI", "Ostopäällikkö"),
    "en": ("Zoë", "O’Farrell-Smythe", "Dr", "Head of Purchasing"),
}


@dataclass(frozen=True)
class Preview:
    """One message: as octets, as a page for the browser, as text, with the pictures that it shows."""

    language: str
    subject: str
    message: bytes
    html: str
    text: str
    assets: tuple[Asset, ...]
    warnings: tuple[str, ...]


def previews(
    engine: sa.Engine,
    plan: Plan,
    author: Author,
    stationery: Stationery,
    principal: Principal,
    contact: int | None = None,
) -> list[Preview]:
    """The message for a contact in its language, or for a made-up contact in every language of the submission.

    Raises:
        NotAllowed, NotFound, InputError: not to this principal; no such contact, or it has no address.
    """
    demand(principal, Operation.CAMPAIGN_PREVIEW)
    if contact is None:
        return [
            _preview(plan, compiled, author, _made_up(plan.lists[0], compiled.content.language, stationery))
            for compiled in plan.compiled
        ]
    language, view = _known(engine, (contact, principal), plan.lists, stationery)
    wanted = {str(compiled.content.language): compiled for compiled in plan.compiled}
    chosen = wanted.get(language or "") or wanted[plan.submission.fallback_language]
    return [_preview(plan, chosen, author, view)]


def find_contact(engine: sa.Engine, keys: Sequence[bytes]) -> int:
    """The contact that has an address, by the address's fingerprints.

    Raises:
        NotFound: nobody has it.
    """
    with reading(engine) as connection:
        found = contacts.by_keys(connection, "email_key", keys)
    if not found:
        raise NotFound("there is no contact with this address")
    return min(int(contact["id"]) for contact in found.values())


def _preview(plan: Plan, compiled: Compilation, author: Author, view: RecipientView) -> Preview:
    part, content = plan.submission.campaign, compiled.content
    head = CampaignHead(
        from_name=author.name,
        from_address=author.address,
        reply_to=author.reply_to,
        date=utc_now(),
        feedback_id=f"0:{part.key}:{part.kind}:utskick",
        boundary_stem="0",
        language=content.language,
    )
    message = Composer(content, head).compose(view)
    renderer, fields = Renderer(content), recipient_fields(view)
    return Preview(
        content.language,
        renderer.subject(fields),
        author.signer.signed(message) if author.signer else message,
        renderer.html(fields),
        renderer.text(fields),
        compiled.assets,
        tuple(str(warning) for warning in compiled.warnings),
    )


def _made_up(mailing_list: MailingList, language: str, stationery: Stationery) -> RecipientView:
    first_name, last_name, title, position = _MADE_UP[language]
    return _nobody(mailing_list, stationery)._replace(
        address="somebody@customer.example",
        first_name=first_name,
        last_name=last_name,
        title=title,
        position=position,
        companies=("Ett Ab", "Två & Co", "Tre Oy"),
    )


def _known(
    engine: sa.Engine, asked: tuple[int, Principal], lists: Sequence[MailingList], stationery: Stationery
) -> tuple[str | None, RecipientView]:
    contact_id, principal = asked
    with writing(engine) as connection:
        contact = contacts.look_up(connection, contact_id, principal)
    if not contact["email"]:
        raise InputError(f"contact {contact_id} has no e-mail address")
    reached = {item["list"] for item in contact["subscriptions"] if item["status"] == "subscribed"}
    chosen = next((item for item in lists if item.key in reached), lists[0])
    view = _nobody(chosen, stationery)._replace(
        address=contact["email"],
        first_name=contact["first_name"] or "",
        last_name=contact["last_name"] or "",
        title=contact["title"] or "",
        position=next((place["position"] for place in contact["positions"] if place["position"]), ""),
        companies=tuple(place["company"] for place in contact["positions"]),
    )
    return contact["language"], view


def _nobody(mailing_list: MailingList, stationery: Stationery) -> RecipientView:
    base, domain = stationery.public_url, stationery.mail_domain
    return RecipientView(
        address="",
        first_name="",
        last_name="",
        title="",
        position="",
        companies=(),
        list_name=mailing_list.name,
        list_id=f"{mailing_list.key}.{domain}",
        unsubscribe_url=f"{base}/u/preview",
        unsubscribe_mailto=f"mailto:u-preview@{domain}",
        preferences_url=f"{base}/p/preview",
        view_url=f"{base}/v/preview",
        message_id=f"<preview@{domain}>",
    )
