"""What only one provider does."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import urlencode

import pytest

from tests.conformance.webhooks.amazon import SesSender
from tests.conformance.webhooks.cast import SENDERS
from tests.conformance.webhooks.conftest import Place
from tests.conformance.webhooks.sender import Post, with_headers
from tests.conformance.webhooks.signing import SECRETS, MandrillSender

TOKEN = "2336412f37fb687f5d51e6e241d09c805a5a57b30d712f794cc5f6a988666d92"
SES = cast(SesSender, SENDERS["ses"])


def now() -> datetime:
    return datetime.now(UTC)


def envelope(place: Place, label: str = "hard") -> dict[str, Any]:
    """A notification about a dead address, not signed yet."""
    return dict(json.loads(SES.body([SES.items(place.about())[label][0]])))


def subscription(**more: str) -> dict[str, str]:
    """A request to confirm a subscription, with URLs that are an attacker's."""
    return SES.envelope(
        "You have chosen to subscribe",
        Type="SubscriptionConfirmation",
        Token=TOKEN,
        SubscribeURL="https://attacker.example/?Action=ConfirmSubscription",
        **more,
    )


def signed(document: object, endpoint: str = "ses") -> Post:
    """As Amazon would sign it, whatever it says."""
    return SES.raw(json.dumps(document).encode(), now(), "new", endpoint)


@pytest.mark.parametrize(
    "url",
    [
        "https://sns.eu-north-1.amazonaws.com.attacker.example/SimpleNotificationService-new.pem",
        "https://attacker.example/SimpleNotificationService-new.pem",
        "http://sns.eu-north-1.amazonaws.com/SimpleNotificationService-new.pem",
        "https://sns.eu-north-1.amazonaws.com@attacker.example/SimpleNotificationService-new.pem",
        "https://sns.eu-north-1.amazonaws.com/bucket/SimpleNotificationService-new.pem",
        "https://sns.eu-north-1.amazonaws.com/SimpleNotificationService-new.pem?x=1",
        "https://sns.eu-north-1.amazonaws.com:8443/SimpleNotificationService-new.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-new.pem",  # not the topic's region
        "https://s3.amazonaws.com/SimpleNotificationService-new.pem",
        "file:///etc/passwd",
        "",
    ],
)
def test_a_certificate_from_elsewhere_is_not_even_asked_for(place: Place, url: str) -> None:
    fresh = replace(place, context=replace(place.context, certificates=type(place.context.certificates)()))
    answer = fresh.hand_in(signed({**envelope(place), "SigningCertURL": url}))
    assert answer.status_code == 401
    assert place.asked == []
    assert place.register.events() == []


@pytest.mark.parametrize(
    "topic",
    [
        "arn:aws:sns:eu-north-1:999999999999:ses-feedback",
        "arn:aws:sns:eu-north-1:123456789012:other",
        "arn:aws:sns:us-east-1:123456789012:ses-feedback",
        "",
    ],
)
def test_another_customers_topic_is_not_believed(place: Place, topic: str) -> None:
    assert place.hand_in(signed({**envelope(place), "TopicArn": topic})).status_code == 401
    assert place.register.events() == []
    assert place.asked == []


@pytest.mark.parametrize("name", ["Message", "MessageId", "Timestamp", "Type", "SignatureVersion"])
def test_every_signed_field_is_covered(place: Place, name: str) -> None:
    document = json.loads(signed(envelope(place)).body)
    other = {"Timestamp": (now() - timedelta(seconds=60)).isoformat(), "SignatureVersion": "1"}
    document[name] = other.get(name, document[name] + "x")
    post = Post("/hooks/ses/ses", json.dumps(document).encode(), {"content-type": "text/plain"})
    assert place.hand_in(post).status_code == 401
    assert place.register.events() == []


def test_a_subscription_is_kept_for_a_person_and_no_url_is_followed(place: Place) -> None:
    assert place.hand_in(signed(subscription())).status_code == 200
    assert [url for url in place.asked if "attacker" in url or "Confirm" in url] == []
    assert place.register.events() == [("unknown", "hint")]


def test_a_subscription_is_confirmed_by_a_url_of_our_own_where_that_is_wanted(place: Place) -> None:
    assert place.hand_in(signed(subscription(), "confirming")).status_code == 200
    query = urlencode({"Action": "ConfirmSubscription", "TopicArn": SES.topic, "Token": TOKEN})
    assert [url for url in place.asked if "Confirm" in url] == [
        f"https://sns.eu-north-1.amazonaws.com/?{query}"
    ]


def test_a_forged_subscription_asks_nobody(place: Place) -> None:
    forged = SES.raw(json.dumps(subscription()).encode(), now(), "foreign", "confirming")
    assert place.hand_in(forged).status_code == 401
    assert [url for url in place.asked if "Confirm" in url] == []


def test_the_greeting_of_ses_is_nothing(place: Place) -> None:
    text = "Successfully validated SNS topic for Amazon SES event publishing."
    answer = place.hand_in(signed(SES.envelope(text)))
    assert (answer.status_code, answer.json()["ignored"]) == (200, 1)


def test_a_report_of_ses_about_several_names_whom_it_means(place: Place) -> None:
    item = SES.items(place.about())["hard"][0]
    (recipient,) = item["bounce"]["bouncedRecipients"]
    item["bounce"]["bouncedRecipients"] = [{**recipient, "emailAddress": f"{n}@else.example"} for n in (1, 2)]
    assert place.hand_in(SES.post([item], now())).status_code == 200
    assert place.register.events() == [("hard", "others")] * 2


def test_a_token_of_mailgun_is_good_for_one_event(place: Place) -> None:
    """Its signature covers no more than the token: with other news it is a repetition."""
    mailgun = SENDERS["mailgun"]
    genuine = mailgun.post([mailgun.items(place.about(2))["delivered"][0]], now())
    assert place.hand_in(genuine).status_code == 200
    forged = json.loads(mailgun.post([mailgun.items(place.about())["hard"][0]], now(), "none").body)
    forged["signature"] = json.loads(genuine.body)["signature"]
    answer = place.hand_in(replace(genuine, body=json.dumps(forged).encode()))
    assert answer.status_code == 200
    assert place.register.events() == [("delivered", "recorded")]
    assert place.register.noes() == set()


@pytest.mark.parametrize("name", ["postmark", "brevo", "mailjet", "sparkpost"])
def test_a_secret_may_be_shown_in_three_ways(place: Place, name: str) -> None:
    sender, secret = SENDERS[name], SECRETS["new"]
    for label, header, query in (
        ("delivered", f"Bearer {secret}", ""),
        ("soft", "", f"?secret={secret}"),
        ("unwanted", f"Bearer {SECRETS['foreign']}", ""),
        ("unwanted", "", f"?secret={SECRETS['foreign']}"),
        ("unwanted", "Bearer", "?secret="),
        ("unwanted", "Basic !!!", "?secret"),
    ):
        post = sender.post([sender.items(place.about())[label][0]], now(), "none")
        more = with_headers(
            replace(post, path=post.path + query), **({"authorization": header} if header else {})
        )
        assert place.hand_in(more).status_code == (401 if label == "unwanted" else 200)


def test_mandrill_may_try_an_address_before_it_has_a_key(place: Place) -> None:
    mandrill = SENDERS["mandrill"]
    assert isinstance(mandrill, MandrillSender)
    answers = [
        place.hand_in(mandrill.signed_with(mandrill.raw(body, now(), "none"), "test-webhook"))
        for body in (b"mandrill_events=%5B%5D", b"mandrill_events=%5B7%5D")
    ]
    assert [answer.status_code for answer in answers] == [200, 401]
