"""What every provider's webhook keeps to. The security cases run for all: none can be left out or skipped."""

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.feedback.providers.directory import PROVIDERS
from campaigns.register.permit import ANSWER_MS
from tests.conformance.webhooks.cast import SENDERS
from tests.conformance.webhooks.conftest import OUTSIDE, Place
from tests.conformance.webhooks.sender import Key, Sender
from tests.support.register import LIST_ID

BOTH = pytest.mark.parametrize("place", ["sqlite", "postgres"], indirect=True)
NOES = {"hard": ("hard_bounce", "email", 0), "complaint": ("complaint", "", 0)}
REFUSED = b'{"error":"the request is not signed by this endpoint"}'


def now() -> datetime:
    return datetime.now(UTC)


def test_every_provider_takes_part() -> None:
    assert {sender.name for sender in SENDERS.values()} == set(PROVIDERS)
    for sender in SENDERS.values():
        assert PROVIDERS[sender.name].check(sender.endpoint()) == []


@BOTH
def test_a_no_stands_and_binds_when_it_is_answered(place: Place, sender: Sender) -> None:
    """Under both keys, while they change."""
    keys: list[tuple[Key, str]] = [("new", "hard"), ("old", "complaint")]
    for key, wanted in keys:
        items = sender.items(place.about())
        label = wanted if wanted in items else "hard"  # Postal knows no complaints
        epoch = place.epoch()
        answer = place.hand_in(sender.post([items[label][0]], now(), key))
        assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "ignored": 0, "refused": []})
        assert NOES[label] in place.register.noes()
        assert place.epoch() > epoch
        assert answer.extensions["seconds"] >= ANSWER_MS / 1000


def test_each_word_has_its_meaning(place: Place, sender: Sender) -> None:
    for label, (item, kind) in sender.items(place.about()).items():
        arrival_kinds = {event for event, _ in place.register.events()}
        before = len(place.register.events())
        fresh = sender.items(place.about())[label][0]
        answer = place.hand_in(sender.post([fresh], now()))
        assert answer.status_code == 200, (label, answer.content)
        events = place.register.events()[before:]
        assert [found for found, _ in events] == ([] if kind is None else [kind]), (
            label,
            item,
            arrival_kinds,
        )
        assert answer.json()["ignored"] == (kind is None)
        assert "hint" not in {consequence for _, consequence in events}, label


def test_only_a_no_is_a_no(place: Place, sender: Sender) -> None:
    for label, (item, kind) in sender.items(place.about()).items():
        if kind in {"hard", "complaint", "unsubscribe"}:
            continue
        assert place.hand_in(sender.post([item], now())).status_code == 200, label
    assert place.register.noes() == set()
    assert place.register.status() == "subscribed"


def test_nothing_of_a_provider_lifts_a_no(place: Place, sender: Sender) -> None:
    labels = [label for label in ("unsubscribe", "resubscribe") if label in sender.items(place.about())]
    assert ("resubscribe" in labels) == sender.resubscribes
    for label in ["hard", *labels, "delivered"]:
        answer = place.hand_in(sender.post([sender.items(place.about())[label][0]], now()))
        assert answer.status_code == 200
    assert NOES["hard"] in place.register.noes()
    if "unsubscribe" in labels:
        assert ("unsubscribed", "", LIST_ID) in place.register.noes()
        assert place.register.status() == "unsubscribed"


def test_what_is_not_proved_is_one_answer_and_changes_nothing(place: Place, sender: Sender) -> None:
    item, _ = sender.items(place.about())["hard"]
    before = place.register.contents()
    stranger = next(name for name in PROVIDERS if name != sender.name)
    posts = {
        "wrong key": sender.post([item], now(), "foreign"),
        "no proof": sender.post([item], now(), "none"),
        "no key": sender.post([item], now(), "new", f"mute-{sender.name}"),
        "no endpoint": sender.post([item], now(), "new", "nowhere"),
        "another provider's endpoint": sender.post([item], now(), "new", stranger),
        "nothing at all": sender.raw(b"", now(), "none"),
    }
    for case, post in posts.items():
        answer = place.hand_in(post)
        assert (answer.status_code, answer.content) == (401, REFUSED), case
    assert place.register.contents() == before


def test_a_changed_body_is_not_proved(place: Place, sender: Sender) -> None:
    """Where the provider's proof does not cover the body, nothing better exists."""
    about = place.about()
    post = sender.post([sender.items(about)["hard"][0]], now())
    changed = (
        post.body.replace(b"hard", b"lard").replace(b"ermanent", b"ermanont").replace(b"5.1.1", b"5.1.2")
    )
    assert changed != post.body
    answer = place.hand_in(type(post)(post.path, changed, post.headers))
    if sender.covers_body:
        assert (answer.status_code, answer.content) == (401, REFUSED)
        assert place.register.events() == []
    else:
        assert sender.name in {"mailgun", "postmark", "brevo", "mailjet", "sparkpost"}


def test_old_and_early_requests_are_not_believed(place: Place, sender: Sender) -> None:
    """Where the scheme signs a time; everywhere else the event's id is what makes a replay harmless."""
    tolerance = PROVIDERS[sender.name].tolerance
    item, _ = sender.items(place.about())["hard"]
    if tolerance is None:
        assert place.hand_in(sender.post([item], now())).status_code == 200
        assert place.hand_in(sender.post([item], now() + timedelta(days=400))).status_code == 200
        assert len(place.register.events()) == 1
        return
    for moment in (now() - timedelta(seconds=tolerance + 60), now() + timedelta(seconds=tolerance + 60)):
        answer = place.hand_in(sender.post([item], moment))
        assert (answer.status_code, answer.content) == (401, REFUSED)
    assert place.register.events() == []


@BOTH
def test_a_replay_changes_nothing_and_is_answered_like_the_first(place: Place, sender: Sender) -> None:
    post = sender.post([sender.items(place.about())["hard"][0]], now())
    first = place.hand_in(post)
    before = place.register.noes(), place.register.events(), place.register.status()
    again = place.hand_in(post)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert (place.register.noes(), place.register.events(), place.register.status()) == before
    assert again.extensions["seconds"] >= ANSWER_MS / 1000  # the first may not bind yet


def test_too_much_is_refused_before_anything_is_read(place: Place, sender: Sender) -> None:
    limit = PROVIDERS[sender.name].body_octets
    answer = place.hand_in(sender.raw(b" " * (limit + 1), now(), "none"))
    assert answer.status_code == 413
    assert place.register.events() == []


@pytest.mark.parametrize(
    "text", [b"[" * 100_000, b'{"a":' * 5_000, b"{", b"\xff\xfe", b'"text"', b"7", b"null"]
)
def test_what_cannot_be_read_is_said_so(place: Place, sender: Sender, text: bytes) -> None:
    post = sender.raw(text, now()) if text != b"\xff\xfe" else sender.raw(text, now(), "none")
    answer = place.hand_in(post)
    assert answer.status_code == (401 if sender.proof_in_body or text == b"\xff\xfe" else 400)
    assert place.register.events() == []


def test_a_body_of_another_type_is_refused(place: Place, sender: Sender) -> None:
    post = sender.post([sender.items(place.about())["hard"][0]], now())
    for type_ in ("multipart/form-data; boundary=x", "application/xml"):
        answer = place.hand_in(type(post)(post.path, post.body, {**post.headers, "content-type": type_}))
        assert answer.status_code == 415
    assert place.register.events() == []


@BOTH
def test_one_bad_event_does_not_lose_the_others(place: Place, sender: Sender) -> None:
    first, second = (sender.items(place.about(number))["hard"][0] for number in (1, 2))
    if not sender.batches:
        for item in (first, second):
            assert place.hand_in(sender.post([item], now())).status_code == 200
        return
    answer = place.hand_in(sender.post([first, 7, second, {}], now()))
    assert answer.status_code == 200
    told = answer.json()
    # SparkPost's empty wrapper is a sign of life.
    assert [fault["index"] for fault in told["refused"]] == ([1] if sender.name == "sparkpost" else [1, 3])
    assert told["accepted"] == 2
    assert place.register.events() == [("hard", "hard_bounce")] * 2


def test_a_body_with_only_bad_events_says_where(place: Place, sender: Sender) -> None:
    if not sender.batches:
        return
    answer = place.hand_in(sender.post([7, "x"], now()))
    assert answer.status_code == 400
    assert [fault["where"] for fault in answer.json()["faults"]] == ["events.0.(event)", "events.1.(event)"]


def test_the_same_event_twice_in_a_body_is_one(place: Place, sender: Sender) -> None:
    item, _ = sender.items(place.about())["delivered"]
    if sender.batches:
        assert place.hand_in(sender.post([item, item], now())).json()["accepted"] == 2
    else:
        moment = now()
        for _ in range(2):
            assert place.hand_in(sender.post([item], moment)).status_code == 200
    assert place.register.events() == [("delivered", "recorded")]


def test_what_is_not_known_is_kept_with_its_words(place: Place, sender: Sender) -> None:
    item, _ = sender.items(place.about())["unknown"]
    assert place.hand_in(sender.post([item], now())).status_code == 200
    assert place.register.events() == [("unknown", "recorded")]
    (words,) = place.raw_words()
    assert words is not None
    assert "eleport" in words or "smoke" in words or "account_status" in words


def test_somebody_elses_message_is_a_hint(place: Place, sender: Sender) -> None:
    about = place.about()
    foreign = type(about)("<1@other.example>", "b@other.example", about.address, about.event_id, about.moment)
    answer = place.hand_in(sender.post([sender.items(foreign)["hard"][0]], now()))
    assert answer.status_code == 200
    assert place.register.events() == [("hard", "hint")]
    assert place.register.noes() == set()


def test_callers_from_elsewhere_are_not_believed(place: Place, sender: Sender) -> None:
    item, _ = sender.items(place.about())["hard"]
    post = sender.post([item], now(), endpoint=f"ranged-{sender.name}")
    assert (place.hand_in(post, OUTSIDE).status_code, place.hand_in(post).status_code) == (401, 200)


def test_a_database_that_is_away_is_try_again(place: Place, sender: Sender) -> None:
    for label in ("hard", "delivered"):
        post = sender.post([sender.items(place.about())[label][0]], now())
        answer = place.without_database().hand_in(post)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert place.hand_in(post).status_code == 200
