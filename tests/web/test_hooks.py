"""Webhooks: signed or nothing, each event once, 200 only when it stands."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook
from starlette.testclient import TestClient

from tests.support.register import LIST_ID, Register
from tests.web.place import OLD_SECRET, SECRET, client_for, client_without_database

Answer = Any


def hand_in(client: TestClient, document: object, **more: Any) -> Answer:
    """A request signed by the reference library; `more` changes one thing about it."""
    body = document if isinstance(document, str) else json.dumps(document)
    event_id, moment = more.get("event_id", "msg_1"), more.get("moment", datetime.now(UTC))
    headers = {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(more.get("secret", SECRET)).sign(event_id, moment, body),
        "content-type": "application/json",
        **more.get("headers", {}),
    }
    headers = {name: value for name, value in headers.items() if value is not None}
    return client.post(f"/hooks/generic/{more.get('endpoint', 'post')}", content=body, headers=headers)


def bounce(register: Register, **more: str) -> dict[str, str]:
    return {"type": "bounce", "message_id": register.message_id(), "status": "5.1.1", **more}


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
def test_a_signed_bounce_stands_when_answered(register: Register, secret: str) -> None:
    answer = hand_in(client_for(register), bounce(register), secret=secret)
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "ignored": 0, "refused": []})
    assert register.noes() == {("hard_bounce", "email", 0)}


@pytest.mark.parametrize(
    "type_,no", [("complaint", ("complaint", "", 0)), ("unsubscribe", ("unsubscribed", "", LIST_ID))]
)
def test_complaints_and_unsubscriptions(register: Register, type_: str, no: tuple[str, str, int]) -> None:
    assert hand_in(client_for(register), bounce(register, type=type_)).status_code == 200
    assert register.noes() == {no}


def test_everything_unsigned_is_one_answer(register: Register) -> None:
    client, document = client_for(register), bounce(register)
    stale = datetime.now(UTC) - timedelta(seconds=400)
    early = datetime.now(UTC) + timedelta(seconds=400)
    foreign = "whsec_" + "A" * 44
    answers = [
        hand_in(client, document, secret=foreign),
        hand_in(client, document, moment=stale),
        hand_in(client, document, moment=early),
        hand_in(client, document, endpoint="mute"),
        hand_in(client, document, endpoint="nowhere"),
        hand_in(client, document, headers={"webhook-signature": None}),
        hand_in(client, document, headers={"webhook-id": "msg_2"}),
        hand_in(client, document, headers={"webhook-timestamp": "1e9"}),
        hand_in(client, document, headers={"webhook-signature": "v1,"}),
        client.post("/hooks/generic/post", content=b""),
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(401, answers[0].content)}
    assert register.events() == []


def test_the_same_request_again_changes_nothing(register: Register) -> None:
    client = client_for(register)
    hand_in(client, bounce(register))
    before = register.noes(), register.events()
    assert hand_in(client, bounce(register)).status_code == 200
    assert (register.noes(), register.events()) == before


def test_one_bad_event_does_not_lose_the_others(register: Register) -> None:
    events = [bounce(register), {"type": 7}, bounce(register, type="complaint")]
    answer = hand_in(client_for(register), {"events": events}).json()
    assert answer["accepted"] == 2
    assert [item["index"] for item in answer["refused"]] == [1]
    assert register.noes() == {("hard_bounce", "email", 0), ("complaint", "", 0)}


@pytest.mark.parametrize(
    "body,where",
    [
        ("{", "(body)"),
        ("[]", "(body)"),
        ("[" * 5000, "(body)"),
        ('{"message_id": "<a@b>"}', "type"),
        ('{"type": "bounce", "class": "deadly"}', "class"),
        ('{"type": "bounce", "occurred_at": "yesterday"}', "occurred_at"),
        ('{"events": {}}', "events"),
        ('{"events": [{"type": 7}]}', "events.0.type"),
    ],
)
def test_what_cannot_be_read_says_where(register: Register, body: str, where: str) -> None:
    answer = hand_in(client_for(register), body)
    assert answer.status_code == 400
    assert answer.json()["faults"][0]["where"] == where


def test_a_message_id_of_somebody_else_is_a_hint(register: Register) -> None:
    assert hand_in(client_for(register), bounce(register, message_id="<a@b.example>")).status_code == 200
    assert register.noes() == set()
    assert register.events() == [("hard", "hint")]


def test_a_provider_cannot_make_a_policy_refusal_hard(register: Register) -> None:
    refusal = bounce(register, status="5.7.1")
    refusal["class"] = "hard"
    assert hand_in(client_for(register), refusal).status_code == 200
    assert register.noes() == set()


def test_too_large_a_body_is_refused(register: Register) -> None:
    assert hand_in(client_for(register), " " * 1_000_001).status_code == 413


def test_a_database_that_is_away_is_503(register: Register) -> None:
    answer = hand_in(client_without_database(register), bounce(register))
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
