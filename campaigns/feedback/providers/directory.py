"""The providers that we understand, by the name they have in the settings and in a webhook's path. Pure."""

from __future__ import annotations

from typing import Final

from campaigns.feedback.providers.base import Provider
from campaigns.feedback.providers.brevo import Brevo
from campaigns.feedback.providers.generic import Generic
from campaigns.feedback.providers.mailersend import MailerSend
from campaigns.feedback.providers.mailgun import Mailgun
from campaigns.feedback.providers.mailjet import Mailjet
from campaigns.feedback.providers.mailtrap import Mailtrap
from campaigns.feedback.providers.mandrill import Mandrill
from campaigns.feedback.providers.postal import Postal
from campaigns.feedback.providers.postmark import Postmark
from campaigns.feedback.providers.resend import Resend
from campaigns.feedback.providers.sendgrid import SendGrid
from campaigns.feedback.providers.ses import Ses
from campaigns.feedback.providers.sparkpost import SparkPost

_ALL: Final[tuple[Provider, ...]] = (
    Generic(),
    Ses(),
    SendGrid(),
    Mailgun(),
    Postmark(),
    Brevo(),
    Mailjet(),
    SparkPost(),
    Postal(),
    Mailtrap(),
    MailerSend(),
    Resend(),
    Mandrill(),
)
PROVIDERS: Final[dict[str, Provider]] = {provider.name: provider for provider in _ALL}
