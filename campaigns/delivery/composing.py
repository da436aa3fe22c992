"""The letters of one campaign: its stored content, its sender, and the links that belong to one delivery.

Promise: everything that a letter shows comes from the campaign and from the one claimed row; links, return path and
Message-ID derive from the delivery, so they are equal on every attempt. Fails with `InputError` for the one recipient
whose message cannot be made.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from campaigns.content.compose import CampaignHead, Composer, RecipientView
from campaigns.content.language import as_language
from campaigns.content.model import CompiledContent
from campaigns.delivery.claimed_rows import ClaimedRow
from campaigns.delivery.dkim import Signer
from campaigns.delivery.transport import Envelope, Letter
from campaigns.errors import NotFound
from campaigns.store import schema
from campaigns.store.engine import reading
from campaigns.tokens import DeliveryTokens, TokenClaims, TokenMaker

#: What a return path and an address for leaving by mail begin with; the token follows.
RETURN_PATH_PREFIX = "b-"
UNSUBSCRIBE_PREFIX = "u-"


@dataclass(frozen=True)
class Author:
    """The visible author of a campaign, and what signs its messages where we do that ourselves."""

    name: str
    address: str
    reply_to: str | None
    signer: Signer | None = None


@dataclass(frozen=True)
class Stationery:
    """What all letters of an installation share."""

    tokens: TokenMaker
    public_url: str
    mail_domain: str
    reference_fields: tuple[tuple[str, str], ...] = ()


class Writer:
    """Writes the letters of one campaign. Immutable after construction; may be shared by threads."""

    def __init__(self, engine: sa.Engine, campaign_id: int, author: Author, stationery: Stationery) -> None:
        with reading(engine) as connection:
            table = schema.campaign
            campaign = connection.execute(sa.select(table).where(table.c.id == campaign_id)).one_or_none()
            content = schema.campaign_content
            rows = connection.execute(sa.select(content).where(content.c.campaign_id == campaign_id)).all()
        if campaign is None or campaign.expanded_at is None:
            raise NotFound(f"campaign {campaign_id} has not been expanded")
        self._stationery = stationery
        self._signer = author.signer
        self._composers = {
            row.language: Composer(
                CompiledContent(as_language(row.language), row.subject, row.html, row.text, row.digest),
                CampaignHead(
                    from_name=author.name,
                    from_address=author.address,
                    reply_to=author.reply_to,
                    date=campaign.expanded_at,
                    feedback_id=f"{campaign.id}:{campaign.key}:{campaign.kind}:utskick",
                    boundary_stem=f"{campaign.id:x}",
                    language=as_language(row.language),
                    reference_fields=stationery.reference_fields,
                ),
            )
            for row in rows
        }

    def letter(self, row: ClaimedRow) -> Letter:
        """The letter of a row.

        Raises:
            InputError: this recipient's message cannot be made.
        """
        tokens = self._stationery.tokens.for_delivery(_claims(row))
        content = self._composers[row.language].compose(self._view(row, tokens))
        if self._signer is not None:
            content = self._signer.signed(content)
        sender = f"{RETURN_PATH_PREFIX}{tokens.return_path}@{self._stationery.mail_domain}"
        return Letter(row.delivery, Envelope(sender, row.address or ""), content)

    def web_page(self, row: ClaimedRow) -> str:
        """The message of a row as a page for the browser."""
        tokens = self._stationery.tokens.for_delivery(_claims(row))
        return self._composers[row.language].html(self._view(row, tokens))

    def _view(self, row: ClaimedRow, tokens: DeliveryTokens) -> RecipientView:
        domain, base, person = self._stationery.mail_domain, self._stationery.public_url, row.person
        return RecipientView(
            address=row.address or "",
            first_name=person.get("first_name", ""),
            last_name=person.get("last_name", ""),
            title=person.get("title", ""),
            position=row.position,
            companies=row.companies,
            list_name=row.list_name,
            list_id=f"{row.list_key}.{domain}",
            unsubscribe_url=f"{base}/u/{tokens.unsubscribe}",
            unsubscribe_mailto=f"mailto:{UNSUBSCRIBE_PREFIX}{tokens.unsubscribe_by_mail}@{domain}",
            preferences_url=f"{base}/p/{tokens.preferences}",
            view_url=f"{base}/v/{tokens.view}",
            message_id=f"<{tokens.message_id}@{domain}>",
            source=row.source,
        )


def _claims(row: ClaimedRow) -> TokenClaims:
    return TokenClaims(row.delivery.campaign, row.delivery.number, row.list_id, row.contact)
