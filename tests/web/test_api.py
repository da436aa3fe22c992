"""The interface for programs: a token or nothing; a "no" binds when it is answered; a submission is on the queue."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from campaigns.clock import boot_seconds
from campaigns.errors import KeysFault
from campaigns.register.permit import ANSWER_MS
from campaigns.store import schema
from campaigns.store.engine import make_engine, reading
from tests.support.register import CAMPAIGN, Register
from tests.web.place import context_for
from workers.web.api_tokens import api_tokens
from workers.web.app import create_app

TOKEN, OTHER = "shop-0123456789abcdef0123456789abcdef", "crm-0123456789abcdef0123456789abcdef"
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
    context = replace(
        context_for(register),
        api_tokens={"shop": (digest(TOKEN),), "crm": (digest(OTHER),)},
        submit=queue.append,
        **more,
    )
    return TestClient(create_app(context), raise_server_exceptions=False)


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


def test_without_a_file_of_tokens_nobody_may_call(register: Register) -> None:
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
    without = replace(context_for(register), api_tokens={"shop": (digest(TOKEN),)})
    queueless = TestClient(create_app(without), raise_server_exceptions=False)
    answer = queueless.post("/api/v1/submissions", json={"submission_id": "x"}, headers=KEY)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")


def test_the_interface_describes_itself(register: Register) -> None:
    told = client_for(register).get("/api/v1/openapi.json").json()
    assert {
        (method.upper(), path) for path in told["paths"] for method in told["paths"][path] if "/api/" in path
    } == {(method, path.replace(str(CAMPAIGN), "{campaign}")) for method, path in PATHS}
    assert told["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert "$ref" not in json.dumps(told["paths"]["/api/v1/suppressions"]["post"]["requestBody"])


def test_tokens_come_from_files_of_their_own(tmp_path: Path) -> None:
    assert api_tokens(tmp_path / "none") == {}
    path = tmp_path / "api-shop.secret"
    path.touch(0o600)
    path.write_text(f"{TOKEN}\n\n{OTHER}\n")
    assert api_tokens(tmp_path) == {"shop": (digest(TOKEN), digest(OTHER))}
    path.write_text("short\n")
    with pytest.raises(KeysFault, match="32 characters"):
        api_tokens(tmp_path)
    path.write_text(TOKEN)
    path.chmod(0o640)
    with pytest.raises(KeysFault, match="can be read by others"):
        api_tokens(tmp_path)
    path.unlink()
    (tmp_path / "api-Shop.secret").touch(0o600)
    with pytest.raises(KeysFault, match="name must be"):
        api_tokens(tmp_path)
