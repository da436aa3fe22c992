"""Pictures, health and the description for programs."""

import hashlib
import re

import pytest
import sqlalchemy as sa

from campaigns.store import schema
from campaigns.store.engine import writing
from campaigns.tokens import TokenPurpose
from tests.support.register import MOMENT, Register
from tests.web.place import client_for, client_without_database

PICTURE = b"\x89PNG\r\n\x1a\nmade up"


def store(register: Register, extension: str = "png", media_type: str = "image/png") -> str:
    name = hashlib.sha256(PICTURE).hexdigest()[:32]
    with writing(register.engine) as connection:
        connection.execute(
            sa.insert(schema.asset).values(
                hash=name, extension=extension, media_type=media_type, content=PICTURE, stored_at=MOMENT
            )
        )
    return f"/a/{name}.{extension}"


def test_a_picture_of_a_message_is_kept_for_ever_by_whoever_asked(register: Register) -> None:
    answer = client_for(register).get(store(register))
    assert (answer.content, answer.headers["Content-Type"]) == (PICTURE, "image/png")
    assert "immutable" in answer.headers["Cache-Control"]
    assert "set-cookie" not in answer.headers


def test_who_has_it_is_not_sent_it_again(register: Register) -> None:
    client, path = client_for(register), store(register)
    tag = client.get(path).headers["ETag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_nothing_stored_is_run_by_a_browser(register: Register) -> None:
    answer = client_for(register).get(store(register, "html", "text/html"))
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "name", ["", "x.png", "../utskick.toml", "%2e%2e/page.css", "0" * 32 + ".png", "page.css"]
)
def test_what_is_not_there_is_not_found(register: Register, name: str) -> None:
    assert client_for(register).get(f"/a/{name}").status_code == 404


def test_the_pages_own_files_are_served(register: Register) -> None:
    client = client_for(register)
    page = client.get(f"/u/{register.link(TokenPurpose.UNSUBSCRIBE)}").text
    links = set(re.findall(r'"(/a/[^"]+)"', page))
    assert len(links) == 3
    for link in links:
        answer = client.get(link)
        assert answer.status_code == 200
        assert hashlib.sha256(answer.content).hexdigest().startswith(link[3:].partition(".")[0])


def test_health_readiness_metrics(register: Register) -> None:
    client, cut_off = client_for(register), client_without_database(register)
    assert [client.get(path).status_code for path in ("/healthz", "/readyz", "/metrics")] == [200, 200, 200]
    assert [cut_off.get(path).status_code for path in ("/healthz", "/readyz", "/metrics")] == [200, 503, 200]
    assert "@" not in client.get("/metrics").text


def test_programs_find_the_description_and_nothing_else(register: Register) -> None:
    client = client_for(register)
    described = client.get("/api/v1/openapi.json").json()
    assert "post" in described["paths"]["/hooks/{provider}/{endpoint}"]
    assert [client.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")] == [404] * 3
