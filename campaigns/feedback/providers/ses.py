"""Amazon SES, told by Amazon SNS: an envelope with an RSA signature around what SES says. Pure.

Promise: a certificate is believed only from Amazon's own host of the topic's region, and only for topics
that the endpoint names; who wants one that is not there yet gets `CertificateWanted`, after everything that
needs no network has passed. No URL that a request brings is ever followed: what confirms a subscription is
built from topic and token (`confirmation_url`). Sources: Amazon SNS, "Verifying the signatures of messages"
and "Confirm the subscription"; Amazon SES, "Event publishing" and "Notification contents".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar, Final
from urllib.parse import urlencode

from campaigns.errors import Fault, FaultyInput, InputError, UtskickError
from campaigns.feedback.event import plain
from campaigns.feedback.providers import proofs
from campaigns.feedback.providers.base import (
    Arrival,
    Endpoint,
    Failure,
    Meaning,
    NotAuthentic,
    Proof,
    Provider,
    ReportedEvent,
    Table,
    json_document,
    kind_of,
)
from campaigns.feedback.providers.items import Item
from campaigns.feedback.providers.public_keys import Hash, read_certificate, rsa_holds

_TOPIC: Final = re.compile(r"arn:aws(-[a-z-]+)?:sns:([a-z0-9-]{3,30}):[0-9]{12}:[A-Za-z0-9_.-]{1,256}")
_CERTIFICATE: Final = re.compile(
    r"https://(sns\.[a-z0-9-]{3,30}\.amazonaws\.com(?:\.cn)?)/SimpleNotificationService-[A-Za-z0-9]{1,64}\.pem"
)
_DIGESTS: Final[dict[str, Hash]] = {"1": "sha1", "2": "sha256"}
_ABOUT_SUBSCRIPTIONS: Final = ("SubscriptionConfirmation", "UnsubscribeConfirmation")
_NOTIFIED: Final = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_SUBSCRIBED: Final = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
#: What SES says once when a topic is chosen.
_GREETING: Final = "Successfully validated SNS topic"

_WORDS: Final[Table] = {
    "Delivery": "delivered",
    "DeliveryDelay": "delayed",
    "Reject": "content",
    "Send": None,
    "Open": None,
    "Click": None,
    "Rendering Failure": "content",
}
#: Sub-types of a bounce that say more than its type.
BOUNCE_SUB_TYPES: Final[Table] = {
    "MailboxFull": "full",
    "MessageTooLarge": "content",
    "ContentRejected": "content",
    "AttachmentRejected": "content",
}
BOUNCE_TYPES: Final[Table] = {
    "Permanent": Failure("hard"),
    "Transient": Failure("soft"),
    "Undetermined": Failure(),
}


class CertificateWanted(UtskickError):
    """A signature cannot be checked before this certificate is there; `url` is one of Amazon's own."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


class Ses(Provider):
    """Amazon SES through an SNS topic."""

    name = "ses"
    proof: ClassVar[Proof] = "topic"
    content_types: ClassVar[frozenset[str]] = frozenset({"text/plain", "application/json"})
    body_octets: ClassVar[int] = 300_000  # SNS carries 256 KiB
    #: What SNS could not deliver may come again for days.
    tolerance: ClassVar[int | None] = 7 * 86_400

    def check(self, endpoint: Endpoint) -> list[str]:
        """What is wrong with an endpoint's topics and keys."""
        wrong = [topic for topic in endpoint.topics if not _TOPIC.fullmatch(topic)]
        return super().check(endpoint) + [f"{topic} is no ARN of an SNS topic" for topic in wrong]

    def _check_key(self, key: str) -> None:
        proofs.check_plain_secret(key)

    def _authenticate(self, endpoint: Endpoint, arrival: Arrival) -> None:
        try:
            envelope = Item.of(json_document(arrival.body))
        except FaultyInput:
            raise NotAuthentic("no proof") from None
        topic = envelope.text("TopicArn")
        if topic not in endpoint.topics:
            raise NotAuthentic("wrong topic" if endpoint.topics else "no key")
        if endpoint.secrets:
            proofs.expect_shared_secret(endpoint, arrival)
        signature, digest = (
            envelope.text("Signature", limit=2_000),
            _DIGESTS.get(envelope.text("SignatureVersion")),
        )
        url = envelope.text("SigningCertURL") or envelope.text("SigningCertUrl")
        host = _CERTIFICATE.fullmatch(url)
        if not signature or digest is None or host is None or host[1] != _host(topic):
            raise NotAuthentic("no proof")
        moment = envelope.moment("Timestamp")
        if moment is None or abs((arrival.now - moment).total_seconds()) > (self.tolerance or 0):
            raise NotAuthentic("wrong time")
        _expect_signature(endpoint, arrival, url, (signature, _signed(envelope), digest))

    def _events(self, item: Item) -> Iterable[ReportedEvent]:
        type_, own_id = item.word("Type"), item.text("MessageId", limit=100)
        if type_ in _ABOUT_SUBSCRIPTIONS:
            return [ReportedEvent(own_id, "unknown", diagnostic=_what_to_do(item))]
        text = item.value("Message")
        if not isinstance(text, str) or text.startswith(_GREETING):
            return []
        return _news(Item.of(json_document(text)), own_id, text)


def confirmation_url(arrival: Arrival) -> str | None:
    """The call that confirms a verified subscription, made from its topic and token; None for all else."""
    envelope = Item.of(json_document(arrival.body))
    topic, token = envelope.text("TopicArn"), envelope.text("Token", limit=1_000)
    if envelope.text("Type") != "SubscriptionConfirmation" or not token or not _TOPIC.fullmatch(topic):
        return None
    query = urlencode({"Action": "ConfirmSubscription", "TopicArn": topic, "Token": token})
    return f"https://{_host(topic)}/?{query}"


def _host(topic: str) -> str:
    """Amazon's host for the region of a topic."""
    found = _TOPIC.fullmatch(topic)
    if found is None:
        return ""
    return f"sns.{found[2]}.amazonaws.com{'.cn' if found[1] == '-cn' else ''}"


def _signed(envelope: Item) -> bytes:
    """What the signature covers: names and values, a line each."""
    names = _SUBSCRIBED if envelope.text("Type") in _ABOUT_SUBSCRIPTIONS else _NOTIFIED
    lines = []
    for name in names:
        value = envelope.value(name)
        if isinstance(value, str):
            lines += [name, value]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _expect_signature(endpoint: Endpoint, arrival: Arrival, url: str, proof: tuple[str, bytes, Hash]) -> None:
    pem = endpoint.certificates.get(url)
    if pem is None:
        raise CertificateWanted(url)
    try:
        certificate = read_certificate(pem)
    except InputError:
        raise NotAuthentic("wrong proof") from None
    in_time = certificate.not_valid_before_utc <= arrival.now <= certificate.not_valid_after_utc
    if not in_time or not rsa_holds(certificate.public_key(), *proof):
        raise NotAuthentic("wrong proof")


def _news(news: Item, own_id: str, text: str) -> Iterator[ReportedEvent]:
    word = news.text("eventType") or news.text("notificationType")
    if not word:
        raise FaultyInput([Fault("Message.eventType", "is missing")])
    if word == "Bounce":
        recipients, meaning = news.list("bounce", "bouncedRecipients"), _bounce(news.inner("bounce"))
    elif word == "Complaint":
        recipients, meaning = (
            news.list("complaint", "complainedRecipients"),
            _complaint(news.inner("complaint")),
        )
    else:
        recipients, meaning = (
            [],
            _subscription(news) if word == "Subscription" else _WORDS.get(word, "unknown"),
        )
    if meaning is None:
        return
    mail = news.inner("mail")
    places = (mail.text("source"), mail.text("commonHeaders", "messageId"), *_message_ids(mail))
    moment = next(
        filter(None, (news.moment(part, "timestamp") for part in ("bounce", "complaint", "delivery"))), None
    )
    several = len(recipients) > 1
    for number, value in enumerate(recipients or [{}]):
        recipient = Item(value if isinstance(value, dict) else {})
        status, said = recipient.text("status", limit=20), recipient.text("diagnosticCode")
        yield ReportedEvent(
            f"{own_id}:{number}",
            kind_of(meaning, status, said),
            places,
            status or None,
            said or None,
            moment,
            (recipient.text("emailAddress"),) if several else (),
            text,
        )


def _bounce(bounce: Item) -> Meaning:
    special = BOUNCE_SUB_TYPES.get(bounce.text("bounceSubType"))
    return special or BOUNCE_TYPES.get(bounce.text("bounceType"), Failure())


def _complaint(complaint: Item) -> Meaning:
    """`not-spam` takes a complaint back; that is for a person to decide."""
    return "not-spam" if complaint.text("complaintFeedbackType") == "not-spam" else "complaint"


def _subscription(news: Item) -> Meaning:
    """SES' own contact lists; leaving single topics of theirs says nothing about a list of ours."""
    left = news.is_true("subscription", "newTopicPreferences", "unsubscribeAll")
    return "unsubscribe" if left else "resubscribe"


def _message_ids(mail: Item) -> Iterator[str]:
    for value in mail.list("headers")[:200]:
        header = Item(value if isinstance(value, dict) else {})
        if header.text("name").lower() == "message-id":
            yield header.text("value")


def _what_to_do(item: Item) -> str:
    """For the operator: how to confirm by hand, without any URL that came with the request."""
    topic, token = item.text("TopicArn"), item.text("Token", limit=300)
    if item.text("Type") == "UnsubscribeConfirmation":
        return plain(f"the subscription of {topic} has ended")
    return plain(f"to confirm: aws sns confirm-subscription --topic-arn {topic} --token {token}")
