"""The interface for programs: a token or nothing; a "no" binds when it is answered; a submission is on the queue."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from campaigns.clock import boot_seconds, utc_now
from campaigns.principal import Level
from campaigns.register import access_tokens, accounts
from campaigns.register.permit import ANSWER_MS
from campaigns.store import schema
from campaigns.store.engine import make_engine, reading, writing
from tests.support.register import CAMPAIGN, MOMENT, TESTER, Register
from tests.web.place import context_for
from workers.web.app import create_app

TOKEN, OTHER = "shop-0123456789abcdef0123456789abcdef", "crm-0123456789abcdef0123456789abcdef"
LATER = utc_now() + timedelta(days=365)
KEY = {"Authorization": f"Bearer {TOKEN}"}
PATHS = [
    ("POST", "/api/v1/submissions"),
    ("GET", "/api/v1/campaigns"),
    ("GET", f"/api/v1/campaigns/{CAMPAIGN}"),
    ("POST", "/api/v1/suppressions"),
    ("POST", "/api/v1/suppressions/check"),
]


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def client_for(register: Register, taken: list[Mapping[str, Any]] | None = None, **more: Any) -> TestClient:
    queue = [] if taken is None else taken
    know(register)
    context = replace(context_for(register), submit=queue.append, **more)
    return TestClient(create_app(context), raise_server_exceptions=False)


def know(register: Register) -> None:
    """Give the two services their accounts and tokens, where they have none."""
    made = {"created_at": MOMENT, "created_by": "os:test"}
    with writing(register.engine) as connection:
        if accounts.is_known(connection, "service:shop"):
            return
        for name, token in (("shop", TOKEN), ("crm", OTHER)):
            accounts.add(connection, accounts.NewAccount(name, Level.SENDER, kind="service"), TESTER)
            found = sa.select(schema.account.c.id).where(schema.account.c.name == name).scalar_subquery()
            values = {
                "account_id": found,
                "digest": digest(token),
                "purpose": "api",
                "expires_at": LATER,
                **made,
            }
            connection.execute(sa.insert(schema.access_token).values(values))


def suppress(client: TestClient, **said: Any) -> Any:
    document = {"address": "Anna.Lind@kund.example", "evidence": "letter of 2026-11-12", **said}
    return client.post("/api/v1/suppressions", json=document, headers=KEY)


@pytest.mark.parametrize("method,path", PATHS)
def test_without_a_token_everything_is_one_answer(register: Register, method: str, path: str) -> None:
    client, before = client_for(register), register.contents()
    keys: list[dict[bytes, bytes]] = [{}, {b"Authorization": b"Bearer"}]
    keys.append({b"Authorization": f"Basic {TOKEN}".encode()})
    wrong = (TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "å", " ")
    keys += [{b"Authorization": f"Bearer {text}".encode()} for text in wrong]
    answers = [client.request(method, path, json={}, headers=key) for key in keys]
    assert {(answer.status_code, answer.content) for answer in answers} == {(401, answers[0].content)}
    assert register.contents() == before


def test_where_no_token_was_made_nobody_may_call(register: Register) -> None:
    client = TestClient(create_app(context_for(register)), raise_server_exceptions=False)
    assert client.get("/api/v1/campaigns", headers=KEY).status_code == 401
    assert client.get("/api/v1/campaigns", headers={"Authorization": "Bearer "}).status_code == 401


def test_a_no_binds_when_it_is_answered(register: Register) -> None:
    client, started = client_for(register), boot_seconds()
    assert suppress(client, kind="objection").json() == {"recorded": True}
    assert boot_seconds() - started >= ANSWER_MS / 1000
    assert register.noes() == {("objection", "", 0)}
    with reading(register.engine) as connection:
        assert connection.execute(sa.select(schema.suppression.c.recorded_by)).scalar_one() == "service:shop"
    again = boot_seconds()
    assert suppress(client, kind="objection").json() == {"recorded": False}
    assert boot_seconds() - again >= ANSWER_MS / 1000


def test_what_stands_is_told(register: Register) -> None:
    client = client_for(register)
    question = {"address": "anna.lind@kund.example"}
    asked = "/api/v1/suppressions/check"
    assert client.post(asked, json=question, headers=KEY).json() == {"suppressed": False, "suppressions": []}
    suppress(client, channel="post")
    told = client.post(asked, json=question, headers=KEY).json()
    assert (told["suppressed"], told["suppressions"][0]["channel"]) == (True, "post")


@pytest.mark.parametrize(
    "said,where",
    [
        ({"address": "no address"}, "address"),
        ({"kind": "unsubscribed"}, "kind"),
        ({"evidence": ""}, "evidence"),
        ({"more": 1}, "more"),
        ({"channel": 7}, "channel"),
    ],
)
def test_what_cannot_be_read_says_where_and_records_nothing(
    register: Register, said: dict[str, Any], where: str
) -> None:
    answer = suppress(client_for(register), **said)
    assert (answer.status_code, answer.json()["faults"][0]["where"]) == (400, where)
    assert register.noes() == set()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"[" * 5_000, b"\xff"])
def test_a_body_that_is_no_object_is_said_so(register: Register, body: bytes) -> None:
    for path in ("submissions", "suppressions", "suppressions/check"):
        answer = client_for(register).post(f"/api/v1/{path}", content=body, headers=KEY)
        assert (answer.status_code, answer.json()["faults"][0]["where"]) == (400, "(body)")


def test_a_submission_is_on_the_queue_in_the_name_of_its_service(register: Register) -> None:
    taken: list[Mapping[str, Any]] = []
    document = {"submission_id": "spring", "submitted_by": "service:somebody", "campaign": {"key": "x"}}
    client = client_for(register, taken)
    answer = client.post("/api/v1/submissions", json=document, headers={"Authorization": f"Bearer {OTHER}"})
    assert (answer.status_code, answer.json()) == (202, {"submission_id": "spring"})
    assert taken == [{**document, "submitted_by": "service:crm"}]
    assert client.post("/api/v1/submissions", json={"campaign": {}}, headers=KEY).status_code == 400
    assert len(taken) == 1


def test_campaigns_are_shown(register: Register) -> None:
    client = client_for(register)
    (campaign,) = client.get("/api/v1/campaigns", headers=KEY).json()["campaigns"]
    assert campaign["id"] == CAMPAIGN
    assert client.get("/api/v1/campaigns?refused=true", headers=KEY).json() == {"campaigns": []}
    assert client.get(f"/api/v1/campaigns/{CAMPAIGN}", headers=KEY).json()["recipients"] == 4
    for number in ("999", "x", "-1", "9" * 30):
        assert client.get(f"/api/v1/campaigns/{number}", headers=KEY).status_code == 404


def test_what_is_away_is_try_again(register: Register) -> None:
    nowhere = make_engine("postgresql://nobody@/none?host=/nonexistent")
    client = client_for(register, engine=nowhere)
    assert suppress(client).status_code == 503
    assert client.get("/api/v1/campaigns", headers=KEY).status_code == 503
    queueless = TestClient(create_app(context_for(register)), raise_server_exceptions=False)
    answer = queueless.post("/api/v1/submissions", json={"submission_id": "x"}, headers=KEY)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")


def test_the_interface_describes_itself(register: Register) -> None:
    told = client_for(register).get("/api/v1/openapi.json").json()
    assert {
        (method.upper(), path) for path in told["paths"] for method in told["paths"][path] if "/api/" in path
    } == {(method, path.replace(str(CAMPAIGN), "{campaign}")) for method, path in PATHS}
    assert told["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert "$ref" not in json.dumps(told["paths"]["/api/v1/suppressions"]["post"]["requestBody"])


def test_who_was_disabled_or_revoked_may_call_no_more(register: Register) -> None:
    client, other = client_for(register), {"Authorization": f"Bearer {OTHER}"}
    assert client.get("/api/v1/campaigns", headers=KEY).status_code == 200
    with writing(register.engine) as connection:
        accounts.disable(connection, "service:shop", TESTER)
        access_tokens.revoke(connection, 2, TESTER)
    assert client.get("/api/v1/campaigns", headers=KEY).status_code == 401
    assert client.get("/api/v1/campaigns", headers=other).status_code == 401


def test_a_token_may_only_what_its_level_and_scope_allow(register: Register) -> None:
    client = client_for(register)
    with writing(register.engine) as connection:
        accounts.set_level(connection, "service:shop", Level.REPORTER, TESTER)
        lasts = timedelta(days=1)
        narrow = access_tokens.issue(
            connection, access_tokens.NewToken("service:crm", lasts, ["campaign_see"]), TESTER
        )
    assert suppress(client).status_code == 200
    for method, path in PATHS[:3]:
        answer = client.request(method, path, json={"submission_id": "x"}, headers=KEY)
        assert (answer.status_code, "may not" in answer.json()["error"]) == (403, True), path
    other = {"Authorization": f"Bearer {narrow}"}
    assert client.get("/api/v1/campaigns", headers=other).status_code == 200
    assert client.post("/api/v1/submissions", json={"submission_id": "x"}, headers=other).status_code == 403
