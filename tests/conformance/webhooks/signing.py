"""Providers that sign what they say."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from standardwebhooks import Webhook

from campaigns.feedback.event import Kind
from campaigns.feedback.providers.base import Endpoint
from tests.conformance.webhooks.sender import (
    PUBLIC_URL,
    About,
    Key,
    Post,
    Sender,
    public_text,
    with_headers,
)

Items = dict[str, tuple[Any, Kind | None]]
#: The same for all who sign with a shared secret.
SECRETS = {
    "new": "new-0123456789abcdef0123456789abcdef",
    "old": "old-fedcba9876543210fedcba9876543210",
    "foreign": "foreign-aaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "none": "",
}
WEBHOOK_SECRETS = {
    name: "whsec_" + base64.b64encode(text.encode()).decode() if text else ""
    for name, text in SECRETS.items()
}


class StandardWebhooks(Sender):
    """Signed as the reference library does it."""

    batches: ClassVar[bool] = False
    prefix: ClassVar[str] = "webhook"

    def endpoint(self) -> Endpoint:
        return Endpoint(self.name, (WEBHOOK_SECRETS["new"], WEBHOOK_SECRETS["old"]))

    def sign(self, post: Post, key: Key, moment: datetime) -> Post:
        if key == "none":
            return post
        event_id = "msg_" + hashlib.sha256(post.body).hexdigest()[:20]
        signature = Webhook(WEBHOOK_SECRETS[key]).sign(event_id, moment, post.body.decode())
        values = {"id": event_id, "timestamp": str(int(moment.timestamp())), "signature": signature}
        return with_headers(post, **{f"{self.prefix}-{name}": value for name, value in values.items()})


class GenericSender(StandardWebhooks):
    name = "generic"
    batches: ClassVar[bool] = True

    def body(self, items: Sequence[Any]) -> bytes:
        return json.dumps({"events": list(items)}).encode()

    def items(self, about: About) -> Items:
        base = {"id": about.event_id, "message_id": about.message_id, "occurred_at": about.moment.isoformat()}
        return {
            "hard": ({**base, "type": "bounce", "status": "5.1.1"}, "hard"),
            "soft": ({**base, "type": "bounce", "class": "soft"}, "soft"),
            "complaint": ({**base, "type": "complaint"}, "complaint"),
            "unsubscribe": ({**base, "type": "unsubscribe"}, "unsubscribe"),
            "delivered": ({**base, "type": "delivered", "reference": about.return_path}, "delivered"),
            "unknown": ({**base, "type": "smoke-signal"}, "unknown"),
        }


class ResendSender(StandardWebhooks):
    name = "resend"
    prefix: ClassVar[str] = "svix"
    resubscribes: ClassVar[bool] = True

    def items(self, about: About) -> Items:
        def event(type_: str, **data: Any) -> dict[str, Any]:
            shared = {
                "email_id": about.event_id,
                "from": "Timmerö <news@timmero.example>",
                "to": [about.address],
                "subject": "Nyheter",
                "headers": [{"name": "Message-ID", "value": about.message_id}],
                **data,
            }
            return {"type": type_, "created_at": about.moment.isoformat(), "data": shared}

        def bounce(**what: str) -> dict[str, Any]:
            return event("email.bounced", bounce=what)

        return {
            "hard": (bounce(type="Permanent", subType="General", message="no such user"), "hard"),
            "soft": (bounce(type="Transient", subType="General", message="try later"), "soft"),
            "full": (bounce(type="Transient", subType="MailboxFull", message="the inbox was full"), "full"),
            "hard in prose": (bounce(message="The provider sent a hard bounce message."), "hard"),
            "unclear in prose": (bounce(message="The provider sent a bounce message."), "other"),
            "complaint": (event("email.complained"), "complaint"),
            "delivered": (event("email.delivered"), "delivered"),
            "delayed": (event("email.delivery_delayed"), "delayed"),
            "resubscribe": (event("suppression.removed"), "resubscribe"),
            "unwanted": (event("email.opened"), None),
            "unwanted domain": (event("domain.created"), None),
            "unknown": (event("email.teleported"), "unknown"),
        }


class SendGridSender(Sender):
    name = "sendgrid"
    resubscribes: ClassVar[bool] = True

    @cached_property
    def keys(self) -> dict[str, ec.EllipticCurvePrivateKey]:
        return {name: ec.generate_private_key(ec.SECP256R1()) for name in ("new", "old", "foreign")}

    def endpoint(self) -> Endpoint:
        return Endpoint(self.name, public_keys=(public_text(self.keys["new"]), public_text(self.keys["old"])))

    def sign(self, post: Post, key: Key, moment: datetime) -> Post:
        if key == "none":
            return post
        stamp = str(int(moment.timestamp()))
        signature = self.keys[key].sign(stamp.encode() + post.body, ec.ECDSA(hashes.SHA256()))
        mark = "x-twilio-email-event-webhook"
        proof = {f"{mark}-signature": base64.b64encode(signature).decode(), f"{mark}-timestamp": stamp}
        return with_headers(post, **proof)

    def items(self, about: About) -> Items:
        def event(word: str, **more: Any) -> dict[str, Any]:
            return {
                "email": about.address,
                "timestamp": about.seconds,
                "smtp-id": about.message_id,
                "event": word,
                "category": ["newsletter"],
                "sg_event_id": about.event_id,
                "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
                **more,
            }

        gone = {"reason": "550 5.1.1 The email account does not exist", "status": "5.1.1", "type": "bounce"}
        spam = {"reason": "550 5.7.1 message looks like spam", "status": "5.7.1", "type": "bounce"}
        blocked = {"reason": "554 message rejected due to local policy", "status": "5.5.4", "type": "blocked"}
        return {
            "hard": (event("bounce", **gone), "hard"),
            "policy called bounce": (event("bounce", **spam), "policy"),
            "blocked": (event("bounce", **blocked), "policy"),
            "soft": (event("bounce", reason="450 4.2.1 try later", status="4.2.1", type="bounce"), "soft"),
            "delayed": (event("deferred", response="400 try again later", attempt="5"), "delayed"),
            "dropped, bounced before": (event("dropped", reason="Bounced Address"), "hard"),
            "dropped, unsubscribed": (event("dropped", reason="Unsubscribed Address"), "unsubscribe"),
            "dropped, complained": (event("dropped", reason="Spam Reporting Address"), "complaint"),
            "dropped, other": (event("dropped", reason="Recipient List over Package Quota"), "policy"),
            "complaint": (event("spamreport"), "complaint"),
            "unsubscribe": (event("unsubscribe"), "unsubscribe"),
            "group": (event("group_unsubscribe", asm_group_id=10), "unsubscribe"),
            "resubscribe": (event("group_resubscribe", asm_group_id=10), "resubscribe"),
            "delivered": (event("delivered", response="250 OK"), "delivered"),
            "unwanted": (event("open", useragent="Mozilla/5.0", ip="192.0.2.1"), None),
            "unknown": (event("account_status_change"), "unknown"),
        }


class MailgunSender(Sender):
    name = "mailgun"
    batches: ClassVar[bool] = False
    covers_body: ClassVar[bool] = False
    proof_in_body: ClassVar[bool] = True

    def endpoint(self) -> Endpoint:
        return Endpoint(self.name, (SECRETS["new"], SECRETS["old"]))

    def body(self, items: Sequence[Any]) -> bytes:
        (item,) = items
        return json.dumps({"event-data": item}).encode()

    def sign(self, post: Post, key: Key, moment: datetime) -> Post:
        try:
            document = json.loads(post.body)
        except (ValueError, RecursionError):
            return post
        if key == "none" or not isinstance(document, dict) or "signature" in document:
            return post
        token, stamp = hashlib.sha256(post.body).hexdigest()[:50], str(int(moment.timestamp()))
        made = hmac.new(SECRETS[key].encode(), (stamp + token).encode(), "sha256").hexdigest()
        document["signature"] = {"timestamp": stamp, "token": token, "signature": made}
        return replace(post, body=json.dumps(document).encode())

    def items(self, about: About) -> Items:
        def event(word: str, **more: Any) -> dict[str, Any]:
            return {
                "event": word,
                "id": about.event_id,
                "timestamp": about.moment.timestamp(),
                "recipient": about.address,
                "message": {"headers": {"message-id": about.message_id.strip("<>"), "to": about.address}},
                **more,
            }

        def failed(severity: str, reason: str, code: str, text: str) -> dict[str, Any]:
            status = {"code": 550, "enhanced-code": code, "message": text}
            return event("failed", severity=severity, reason=reason, **{"delivery-status": status})

        return {
            "hard": (failed("permanent", "bounce", "5.1.1", "user unknown"), "hard"),
            "policy called permanent": (failed("permanent", "generic", "5.7.1", "blocked"), "policy"),
            "soft": (failed("permanent", "generic", "4.2.2", "try later"), "soft"),
            "delayed": (failed("temporary", "generic", "4.2.2", "try later"), "delayed"),
            "bounced before": (failed("permanent", "suppress-bounce", "", "Not delivering"), "hard"),
            "left before": (failed("permanent", "suppress-unsubscribe", "", "Not delivering"), "unsubscribe"),
            "complaint": (event("complained"), "complaint"),
            "unsubscribe": (event("unsubscribed"), "unsubscribe"),
            "delivered": (event("delivered"), "delivered"),
            "unwanted": (event("clicked", url="https://www.timmero.example"), None),
            "unknown": (event("teleported"), "unknown"),
        }


class MandrillSender(Sender):
    name = "mandrill"
    content_type: ClassVar[str] = "application/x-www-form-urlencoded"

    def endpoint(self) -> Endpoint:
        return Endpoint(self.name, (SECRETS["new"], SECRETS["old"]))

    def body(self, items: Sequence[Any]) -> bytes:
        return urlencode({"mandrill_events": json.dumps(list(items))}).encode()

    def raw(self, body: bytes, moment: datetime, key: Key = "new", endpoint: str = "") -> Post:
        form = body if b"mandrill_events=" in body else urlencode({"mandrill_events": body}).encode()
        return super().raw(form, moment, key, endpoint)

    def sign(self, post: Post, key: Key, moment: datetime) -> Post:  # noqa: ARG002 (it proves nothing by time)
        return post if key == "none" else self.signed_with(post, SECRETS[key])

    def signed_with(self, post: Post, secret: str) -> Post:
        """With the signature that a certain key makes."""
        form = dict(parse_qsl(post.body.decode(), keep_blank_values=True))
        text = PUBLIC_URL + post.path + "".join(name + form[name] for name in sorted(form))
        made = hmac.new(secret.encode(), text.encode(), "sha1").digest()
        return with_headers(post, x_mandrill_signature=base64.b64encode(made).decode())

    def items(self, about: About) -> Items:
        def event(word: str, **message: Any) -> dict[str, Any]:
            shared = {"email": about.address, "metadata": {"delivery": about.message_id}, **message}
            return {"event": word, "_id": about.event_id, "ts": about.seconds, "msg": shared}

        gone = {"bounce_description": "bad_mailbox", "diag": "smtp;550 5.1.1 user unknown"}
        full = {"bounce_description": "mailbox_full", "diag": "smtp;552 5.2.2 over quota"}
        return {
            "hard": (event("hard_bounce", **gone), "hard"),
            "soft": (event("soft_bounce", bounce_description="general", diag="smtp;451 later"), "soft"),
            "full": (event("soft_bounce", **full), "full"),
            "complaint": (event("spam"), "complaint"),
            "unsubscribe": (event("unsub"), "unsubscribe"),
            "refused by Mandrill": (event("reject"), "policy"),
            "delivered": (event("delivered"), "delivered"),
            "delayed": (event("deferral"), "delayed"),
            "unwanted": (event("open"), None),
            "unwanted news of lists": ({"type": "blacklist", "ts": about.seconds, "reject": {}}, None),
            "unknown": (event("teleport"), "unknown"),
        }
