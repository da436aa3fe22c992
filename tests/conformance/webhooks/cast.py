"""Everybody who plays a part. A new provider joins by a class and a line here."""

from tests.conformance.webhooks.amazon import SesSender, SesVersionOneSender
from tests.conformance.webhooks.others import (
    BrevoSender,
    MailerSendSender,
    MailjetSender,
    MailtrapSender,
    PostalSender,
    PostmarkSender,
    SparkPostSender,
)
from tests.conformance.webhooks.sender import Sender
from tests.conformance.webhooks.signing import (
    GenericSender,
    MailgunSender,
    MandrillSender,
    ResendSender,
    SendGridSender,
)

SENDERS: dict[str, Sender] = {
    "generic": GenericSender(),
    "ses": SesSender(),
    "ses-sha1": SesVersionOneSender(),
    "sendgrid": SendGridSender(),
    "mailgun": MailgunSender(),
    "postmark": PostmarkSender(),
    "brevo": BrevoSender(),
    "mailjet": MailjetSender(),
    "sparkpost": SparkPostSender(),
    "postal": PostalSender(),
    "mailtrap": MailtrapSender(),
    "mailersend": MailerSendSender(),
    "resend": ResendSender(),
    "mandrill": MandrillSender(),
}
