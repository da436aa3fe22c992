"""Providers that sign the body plainly, and those that show a secret."""

import base64
import hmac
import json
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from campaigns.feedback.providers.base import Endpoint
from tests.conformance.webhooks.sender import About, Key, Post, Sender, public_text, with_headers
from tests.conformance.webhooks.signing import SECRETS, Items


class ShowsSecret(Sender):
    """Basic authentication is all it can do; the other two ways have a test of their own."""

    batches: ClassVar[bool] = False
    covers_body: ClassVar[bool] = False

    def endpoint(self) -> Endpoint:
        return Endpoint(self.name, (SECRETS["new"], SECRETS["old"]))

    def sign(self, post: Post, key: Key, moment: datetime) -> Post:  # noqa: ARG002 (it proves nothing by time)
        if key == "none":
            return post
        shown = base64.b64encode(f"utskick:{SECRETS[key]}".encode()).decode()
        return with_headers(post, authorization=f"Basic {shown}")


class SignsBody(ShowsSecret):
    """HMAC-SHA256 of the body, in hexadecimal."""

    covers_body: ClassVar[bool] = True
    header: ClassVar[str]

    def sign(self, post: Post, key: Key, moment: datetime) -> Post:  # noqa: ARG002 (it proves nothing by time)
        if key == "none":
            return post
        made = hmac.new(SECRETS[key].encode(), post.body, "sha256").hexdigest()
        return with_headers(post, **{self.header: made})


class PostmarkSender(ShowsSecret):
    name = "postmark"
    resubscribes: ClassVar[bool] = True

    def items(self, about: About) -> Items:
        number = int.from_bytes(about.event_id.encode()[-6:], "big")

        def record(type_: str, **more: Any) -> dict[str, Any]:
            return {
                "RecordType": type_,
                "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
                "Metadata": {"delivery": about.message_id},
                "Recipient": about.address,
                "MessageStream": "broadcast",
                **more,
            }

        def bounce(type_: str, text: str) -> dict[str, Any]:
            when = about.moment.isoformat()
            return record("Bounce", Type=type_, ID=number, Details=text, BouncedAt=when, Inactive=True)

        def change(*, off: bool, reason: str | None, origin: str) -> dict[str, Any]:
            when = about.moment.isoformat()
            what = {"SuppressSending": off, "SuppressionReason": reason, "Origin": origin, "ChangedAt": when}
            return record("SubscriptionChange", **what, Tag=about.event_id)

        return {
            "hard": (bounce("HardBounce", "smtp;550 5.1.1 no such user"), "hard"),
            "bad address": (bounce("BadEmailAddress", ""), "hard"),
            "policy called hard": (bounce("HardBounce", "smtp;550 5.7.1 listed"), "policy"),
            "full called hard": (bounce("HardBounce", "smtp;552 5.2.2 mailbox full"), "full"),
            "soft": (bounce("SoftBounce", "smtp;452 4.2.2 over quota"), "soft"),
            "passing": (bounce("Transient", "smtp;450 try later"), "soft"),
            "no name server": (bounce("DnsError", ""), "network"),
            "blocked": (bounce("Blocked", "listed"), "policy"),
            "absent": (bounce("AutoResponder", "I am away"), "auto-reply"),
            "moved": (bounce("AddressChange", ""), "auto-reply"),
            "asks back": (bounce("ChallengeVerification", ""), "auto-reply"),
            "called spam": (bounce("SpamNotification", ""), "complaint"),
            "complaint": (record("SpamComplaint", ID=number, Type="SpamComplaint"), "complaint"),
            "unsubscribe": (change(off=True, reason="ManualSuppression", origin="Recipient"), "unsubscribe"),
            "operator's click": (change(off=True, reason="ManualSuppression", origin="Admin"), "policy"),
            "switched off": (change(off=True, reason="HardBounce", origin="Recipient"), "hard"),
            "resubscribe": (change(off=False, reason=None, origin="Recipient"), "resubscribe"),
            "delivered": (record("Delivery", DeliveredAt=about.moment.isoformat()), "delivered"),
            "unwanted": (record("Open", UserAgent="Mozilla/5.0"), None),
            "unknown": (record("Teleport", Tag=about.event_id), "unknown"),
            "unknown bounce": (bounce("Teleported", ""), "unknown"),
        }


class BrevoSender(ShowsSecret):
    name = "brevo"
    batches: ClassVar[bool] = True

    def items(self, about: About) -> Items:
        def event(word: str, **more: Any) -> dict[str, Any]:
            return {
                "event": word,
                "email": about.address,
                "id": 26224,
                "date": "2026-11-24 09:41:00",
                "message-id": f"<{about.event_id}@smtp-relay.brevo.example>",
                "X-Mailin-custom": about.message_id,
                "ts_epoch": about.seconds * 1000,
                **more,
            }

        return {
            "hard": (event("hard_bounce", reason="550 5.1.1 user unknown"), "hard"),
            "policy called hard": (event("hard_bounce", reason="550 5.7.1 blocked"), "policy"),
            "bad address": (event("invalid_email"), "hard"),
            "soft": (event("soft_bounce", reason="452 mailbox busy"), "soft"),
            "blocked": (event("blocked", reason="blocked : due to blacklist user"), "policy"),
            "delayed": (event("deferred", reason="spam"), "delayed"),
            "complaint": (event("spam"), "complaint"),
            "unsubscribe": (event("unsubscribe"), "unsubscribe"),
            "delivered": (event("delivered"), "delivered"),
            "unwanted": (event("unique_opened"), None),
            "unknown": (event("teleported"), "unknown"),
        }


class MailjetSender(ShowsSecret):
    name = "mailjet"
    batches: ClassVar[bool] = True

    def items(self, about: About) -> Items:
        def event(word: str, **more: Any) -> dict[str, Any]:
            return {
                "event": word,
                "time": about.seconds,
                "MessageID": int.from_bytes(about.event_id.encode()[-6:], "big"),
                "Message_GUID": "1ab23cd4-e567-8901-2345-6789f0gh1i2j",
                "email": about.address,
                "mj_campaign_id": 7,
                "CustomID": about.message_id,
                "Payload": "",
                **more,
            }

        gone = {"hard_bounce": True, "error_related_to": "recipient", "error": "user unknown"}
        full = {"hard_bounce": False, "error_related_to": "recipient", "error": "quota exceeded"}
        return {
            "hard": (event("bounce", blocked=False, **gone), "hard"),
            "soft": (event("bounce", hard_bounce=False, error="duplicate"), "soft"),
            "full": (event("bounce", **full), "full"),
            "policy": (event("blocked", error_related_to="content", error="content blocked"), "content"),
            "greylisted": (event("blocked", error_related_to="domain", error="greylisted"), "delayed"),
            "complaint": (event("spam", source="JMRPP"), "complaint"),
            "unsubscribe": (event("unsub", mj_list_id=1), "unsubscribe"),
            "delivered": (event("sent", smtp_reply="250 OK"), "delivered"),
            "unwanted": (event("open", ip="192.0.2.1"), None),
            "unknown": (event("teleport"), "unknown"),
        }


class SparkPostSender(ShowsSecret):
    name = "sparkpost"
    batches: ClassVar[bool] = True
    resubscribes: ClassVar[bool] = True

    def items(self, about: About) -> Items:
        def event(word: str, wrapper: str = "message_event", **more: Any) -> dict[str, Any]:
            inner = {
                "type": word,
                "event_id": about.event_id,
                "msg_from": about.return_path,
                "raw_rcpt_to": about.address,
                "timestamp": str(about.seconds),
                "transmission_id": "65832150921904138",
                **more,
            }
            return {"msys": {wrapper: inner}}

        def bounce(number: str, text: str, word: str = "bounce") -> dict[str, Any]:
            return event(word, bounce_class=number, raw_reason=text, error_code="550")

        return {
            "hard": (bounce("10", "550 5.1.1 user unknown"), "hard"),
            "policy called hard": (bounce("10", "550 5.7.1 blocked"), "policy"),
            "hard, later": (bounce("30", "no such recipient", "out_of_band"), "hard"),
            "soft": (bounce("20", "450 try later"), "soft"),
            "full": (bounce("22", "552 mailbox full"), "full"),
            "blocked": (bounce("51", "554 spam"), "policy"),
            "absent": (bounce("60", "I am away"), "auto-reply"),
            "asks back": (bounce("100", "please confirm"), "auto-reply"),
            "left by mail": (bounce("90", "unsubscribe"), "unsubscribe"),
            "resubscribe": (bounce("80", "subscribe"), "resubscribe"),
            "undetermined": (bounce("1", "554 transaction failed"), "other"),
            "complaint": (event("spam_complaint", fbtype="abuse"), "complaint"),
            "taken back": (event("spam_complaint", fbtype="not-spam"), "not-spam"),
            "unsubscribe": (event("link_unsubscribe", "unsubscribe_event"), "unsubscribe"),
            "delivered": (event("delivery"), "delivered"),
            "delayed": (event("delay", raw_reason="451 later"), "delayed"),
            "unwanted": (event("initial_open", "track_event"), None),
            "sign of life": ({"msys": {}}, None),
            "unknown": (event("teleport"), "unknown"),
        }


class MailtrapSender(SignsBody):
    name = "mailtrap"
    batches: ClassVar[bool] = True
    header: ClassVar[str] = "mailtrap-signature"

    def body(self, items: Sequence[Any]) -> bytes:
        return json.dumps({"events": list(items)}).encode()

    def items(self, about: About) -> Items:
        def event(word: str, **more: Any) -> dict[str, Any]:
            return {
                "event": word,
                "email": about.address,
                "event_id": about.event_id,
                "message_id": "1df37d17-0286-4d8b-8edf-bc4ec5be86e6",
                "timestamp": about.seconds,
                "sending_stream": "bulk",
                "custom_variables": {"delivery": about.message_id},
                **more,
            }

        gone = {"bounce_category": "badmailbox", "response": "550 5.1.1 no such user", "response_code": 550}
        policy = {"bounce_category": "policy-related", "response": "[CS01] rejected due to local policy"}
        return {
            "hard": (event("bounce", **gone), "hard"),
            "hard, no category": (event("bounce", response="550 5.1.1 no such user"), "hard"),
            "policy": (event("bounce", **policy), "policy"),
            "full": (event("bounce", bounce_category="quota-issues"), "full"),
            "soft": (event("soft bounce", response="451 later"), "soft"),
            "not sent": (event("reject", reason="unknown"), "policy"),
            "complaint": (event("spam"), "complaint"),
            "unsubscribe": (event("unsubscribe"), "unsubscribe"),
            "delivered": (event("delivery"), "delivered"),
            "unwanted": (event("click", url="https://www.timmero.example"), None),
            "unknown": (event("teleport"), "unknown"),
        }


class MailerSendSender(SignsBody):
    name = "mailersend"
    header: ClassVar[str] = "signature"

    def items(self, about: About) -> Items:
        def event(word: str, **meta: Any) -> dict[str, Any]:
            data = {
                "object": "activity",
                "id": about.event_id,
                "type": word,
                "recipient": about.address,
                "message_id": "62fb66bef54a112e920b5493",
                "tags": ["newsletter", about.message_id],
                "meta": meta or [],
            }
            return {"type": f"activity.{word}", "created_at": about.moment.isoformat(), "data": data}

        def older(word: str, reason: str) -> dict[str, Any]:
            email = {"message": {"id": "62fb66bef54a112e920b5493"}, "tags": [about.message_id]}
            data = {"id": about.event_id, "type": word, "email": email, "morph": {"reason": reason}}
            return {"type": f"activity.{word}", "created_at": about.moment.isoformat(), "data": data}

        return {
            "hard": (event("hard_bounced", bounce_reason="550 5.1.1 no such user", bounce_code=550), "hard"),
            "policy called hard": (event("hard_bounced", bounce_reason="550 5.7.1 listed"), "policy"),
            "older hard": (older("hard_bounced", "Host or domain name not found"), "hard"),
            "soft": (event("soft_bounced", bounce_reason="unknown reason"), "soft"),
            "complaint": (event("spam_complaints"), "complaint"),
            "older complaint": (older("spam_complaint", ""), "complaint"),
            "unsubscribe": (event("unsubscribed", unsubscribe_reason="no reason"), "unsubscribe"),
            "not sent": (event("suppressed", suppression_reason="on the list"), "policy"),
            "delivered": (event("delivered"), "delivered"),
            "delayed": (event("deferred"), "delayed"),
            "unwanted": (event("opened", ip="192.0.2.1"), None),
            "unwanted trial": ({"type": "webhook.test"}, None),
            "unknown": (event("teleported"), "unknown"),
        }


class PostalSender(Sender):
    name = "postal"
    batches: ClassVar[bool] = False

    @cached_property
    def keys(self) -> dict[str, rsa.RSAPrivateKey]:
        return {name: rsa.generate_private_key(65537, 2048) for name in ("new", "old", "foreign")}

    def endpoint(self) -> Endpoint:
        return Endpoint(self.name, public_keys=(public_text(self.keys["new"]), public_text(self.keys["old"])))

    def sign(self, post: Post, key: Key, moment: datetime) -> Post:  # noqa: ARG002 (it proves nothing by time)
        if key == "none":
            return post
        made = self.keys[key].sign(post.body, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 (Postal does)
        return with_headers(post, x_postal_signature=base64.b64encode(made).decode())

    def items(self, about: About) -> Items:
        message = {
            "id": 12345,
            "token": "abcdef123",
            "direction": "outgoing",
            "message_id": about.message_id.strip("<>"),
            "to": about.address,
            "from": "news@timmero.example",
            "subject": "Nyheter",
        }

        def event(word: str, **payload: Any) -> dict[str, Any]:
            told = {"message": message, **payload}
            return {"event": word, "timestamp": about.seconds, "payload": told, "uuid": about.event_id}

        def failed(text: str) -> dict[str, Any]:
            return event("MessageDeliveryFailed", status="HardFail", details="Permanent failure", output=text)

        bounced = {"original_message": message, "bounce": {"id": 7, "from": "", "to": about.return_path}}
        return {
            "hard": (failed("550 5.1.1 user unknown"), "hard"),
            "policy": (failed("554 5.7.1 blocked"), "policy"),
            "unclear": (failed("554 transaction failed"), "other"),
            "soft": (
                {"event": "MessageBounced", "timestamp": 1, "payload": bounced, "uuid": about.event_id},
                "soft",
            ),
            "delayed": (event("MessageDelayed", status="SoftFail", output="451 later"), "delayed"),
            "held": (event("MessageHeld", status="Held"), "policy"),
            "delivered": (event("MessageSent", status="Sent"), "delivered"),
            "unwanted": (event("MessageLinkClicked", url="https://www.timmero.example"), None),
            "unwanted incoming": (
                event("MessageSent", message={**message, "direction": "incoming"}, status="Sent"),
                None,
            ),
            "unknown": (event("MessageTeleported"), "unknown"),
        }
