"""Settings of how news comes back: webhooks and mailboxes."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from campaigns.register.processors import SELF
from workers import settings_checks as checks
from workers.mailbox_url import MailboxUrl, parse_mailbox_url

LongText = Annotated[str, Field(min_length=1, max_length=2_000)]
Folder = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f*%\"]+$")]


class Webhook(BaseModel):
    """An endpoint that reports what happened to our mail; its secrets are lines of `webhook-<key>.secret`."""

    model_config = checks.STRICT

    provider: checks.ProviderName = "generic"
    processor: checks.Key
    public_keys: tuple[LongText, ...] = ()
    topics: frozenset[LongText] = frozenset()
    source_ranges: tuple[checks.Network, ...] = ()
    confirm_subscriptions: bool = False


class Mailbox(BaseModel):
    """A mailbox that is read by IMAP; its password is the first line of `mailbox-<key>.secret`."""

    model_config = checks.STRICT

    url: SecretStr
    processor: checks.Key | None = None
    done_folder: Folder = "Utskick"
    seconds: Annotated[float, Field(ge=1, le=86_400)] = 60

    @model_validator(mode="after")
    def _usable(self) -> Self:
        """Refuse a URL that cannot be used, without repeating it."""
        if self.processor is None and not checks.is_loopback(self.place.host):
            raise ValueError("names no processor; say whose server it is and declare it under [processors]")
        return self

    @property
    def place(self) -> MailboxUrl:
        """Where the mailbox is."""
        return parse_mailbox_url(self.url.get_secret_value())

    @property
    def whose(self) -> str:
        """The processor whose server it is."""
        return self.processor or SELF
