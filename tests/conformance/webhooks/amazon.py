"""Amazon's SNS around SES, which signs with certificates of its own host."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, ClassVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from campaigns.feedback.providers.base import Endpoint
from tests.conformance.webhooks.sender import About, Key, Post, Sender
from tests.conformance.webhooks.signing import Items


@cache
def _amazons_keys() -> dict[str, rsa.RSAPrivateKey]:
    return {name: rsa.generate_private_key(65537, 2048) for name in ("new", "old", "foreign")}


class SesSender(Sender):
    """SNS around SES. The two keys are the certificates of one host; version 2 signs with SHA-256."""

    name = "ses"
    content_type: ClassVar[str] = "text/plain; charset=UTF-8"
    batches: ClassVar[bool] = False
    proof_in_body: ClassVar[bool] = True
    resubscribes: ClassVar[bool] = True
    topic: ClassVar[str] = "arn:aws:sns:eu-north-1:123456789012:ses-feedback"
    version: ClassVar[str] = "2"

    @property
    def keys(self) -> dict[str, rsa.RSAPrivateKey]:
        """The same for both versions of the signature."""
        return _amazons_keys()

    def url(self, key: str) -> str:
        """Where Amazon shows a certificate; one that is not Amazon's claims the place of one that is."""
        place = "new" if key == "foreign" else key
        return f"https://sns.eu-north-1.amazonaws.com/SimpleNotificationService-{place}.pem"

    def fetch(self, url: str) -> bytes:
        """What Amazon's host would answer."""
        return {self.url(name): self._certificate(name) for name in ("new", "old")}[url]

    def endpoint(self) -> Endpoint:
        return Endpoint(self.name, topics=frozenset({self.topic}))

    def body(self, items: Sequence[Any]) -> bytes:
        (item,) = items
        return json.dumps(self.envelope(json.dumps(item))).encode()

    def envelope(self, message: str, **more: str) -> dict[str, str]:
        """An SNS notification, not signed yet."""
        number = hashlib.sha256(message.encode()).hexdigest()
        return {
            "Type": "Notification",
            "MessageId": f"{number[:8]}-{number[8:12]}-{number[12:16]}-{number[16:28]}",
            "TopicArn": self.topic,
            "Message": message,
            "UnsubscribeURL": "https://attacker.example/?Action=Unsubscribe",
            **more,
        }

    def sign(self, post: Post, key: Key, moment: datetime) -> Post:
        try:
            envelope = json.loads(post.body)
        except (ValueError, RecursionError):
            return post
        if key == "none" or not isinstance(envelope, dict):
            return post
        envelope.setdefault("Timestamp", moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"))
        envelope.setdefault("SignatureVersion", self.version)
        envelope.setdefault("SigningCertURL", self.url(key))
        names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
        text = "".join(f"{name}\n{envelope[name]}\n" for name in names if name in envelope)
        chosen = hashes.SHA256() if self.version == "2" else hashes.SHA1()  # noqa: S303 (SNS does)
        signature = self.keys[key].sign(text.encode(), padding.PKCS1v15(), chosen)
        envelope["Signature"] = base64.b64encode(signature).decode()
        return replace(post, body=json.dumps(envelope).encode())

    def _certificate(self, key: str) -> bytes:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7)
        builder = builder.not_valid_before(now - timedelta(days=30)).not_valid_after(now + timedelta(days=30))
        signed = builder.public_key(self.keys[key].public_key()).sign(self.keys[key], hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)

    def items(self, about: About) -> Items:
        news = _SesNews(about)
        gone, later = "smtp; 550 5.1.1 user unknown", "smtp; 451 4.7.1 greylisted"
        spam, full = "smtp; 550 5.7.1 spam", "smtp; 552 5.2.2 mailbox full"
        return {
            "hard": (news.bounce("Permanent", "General", "5.1.1", gone), "hard"),
            "hard, no mailbox": (news.bounce("Permanent", "NoEmail", "5.1.1", gone), "hard"),
            "policy called permanent": (news.bounce("Permanent", "General", "5.7.1", spam), "policy"),
            "soft": (news.bounce("Transient", "General", "4.7.1", later), "soft"),
            "full": (news.bounce("Transient", "MailboxFull", "5.2.2", full), "full"),
            "undetermined": (news.bounce("Undetermined", "Undetermined", "", ""), "other"),
            "complaint": (news.complaint(complaintFeedbackType="abuse"), "complaint"),
            "taken back": (news.complaint(complaintFeedbackType="not-spam"), "not-spam"),
            "unsubscribe": (news.topics(left=True), "unsubscribe"),
            "resubscribe": (news.topics(left=False), "resubscribe"),
            "delivered": (news.event("Delivery", delivery={}), "delivered"),
            "delayed": (news.event("DeliveryDelay", deliveryDelay={}), "delayed"),
            "unwanted": (news.event("Open", open={"ipAddress": "192.0.2.1"}), None),
            "unknown": (news.event("Teleport"), "unknown"),
        }


class _SesNews:
    """What SES says of one message."""

    def __init__(self, about: About) -> None:
        self._about = about
        self._mail = {
            "timestamp": about.moment.isoformat(),
            "source": about.return_path,
            "messageId": about.event_id,
            "destination": [about.address],
            "headers": [{"name": "Message-ID", "value": about.message_id}],
            "commonHeaders": {"messageId": "<another@eu-north-1.amazonses.com>"},
        }

    def event(self, type_: str, **more: object) -> dict[str, Any]:
        return {"eventType": type_, "mail": self._mail, **more}

    def bounce(self, type_: str, sub_type: str, status: str, text: str) -> dict[str, Any]:
        recipient = {
            "emailAddress": self._about.address,
            "action": "failed",
            "status": status,
            "diagnosticCode": text,
        }
        what = {
            "bounceType": type_,
            "bounceSubType": sub_type,
            "bouncedRecipients": [recipient],
            "timestamp": self._about.moment.isoformat(),
        }
        return self.event("Bounce", bounce=what)

    def complaint(self, **more: str) -> dict[str, Any]:
        complained = [{"emailAddress": self._about.address}]
        what = {"complainedRecipients": complained, "userAgent": "FBL/1", **more}
        return {"notificationType": "Complaint", "mail": self._mail, "complaint": what}

    def topics(self, *, left: bool) -> dict[str, Any]:
        new = {"unsubscribeAll": left, "topicSubscriptionStatus": []}
        return self.event("Subscription", subscription={"contactList": "news", "newTopicPreferences": new})


class SesVersionOneSender(SesSender):
    """The same with SHA-1, which is what SNS does unless it is told otherwise."""

    version: ClassVar[str] = "1"
