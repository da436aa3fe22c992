"""Callers who mean harm to the web entrance, or do not know better: no hold on it, nothing to learn, nothing kept."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import pytest
import uvicorn

from campaigns.tokens import TokenPurpose
from tests.support.register import Register
from tests.web.place import context_for
from tests.web.test_api import client_for
from workers.web.app import create_app
from workers.web.guard import HEADERS
from workers.web.patience import PatientProtocol

HOOK = "/hooks/generic/post"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database: nothing here is about it."""
    return sqlite_url


class Hasty(PatientProtocol):
    """The same, for tests that do not want to wait."""

    HEAD_SECONDS: ClassVar[float] = 0.5
    ANSWER_SECONDS: ClassVar[float] = 2.0


@contextmanager
def serving(register: Register) -> Iterator[int]:
    """The application on loopback, with the protocol that the process has; its port."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(context_for(register)), http=Hasty, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)


def heard(port: int, octets: bytes, drip: bytes = b"") -> tuple[bytes, float]:
    """What comes back until the connection is closed, and how long that took; `drip` goes after it octet by octet."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(octets)
        got = b""
        try:
            for octet in drip:
                client.sendall(bytes([octet]))
                time.sleep(0.1)
            while piece := client.recv(65_536):
                got += piece
        except ConnectionError:
            pass
    return got, time.monotonic() - began


def test_who_does_not_say_what_they_want_is_hung_up_on(register: Register) -> None:
    whole = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with serving(register) as port:
        for octets, drip in (
            (b"", b""),
            (b"GET /u/x HTT", b""),
            (b"GET /u/x", b"a" * 40),
            (whole, b"GET /u/x" + b"a" * 40),
        ):
            _, seconds = heard(port, octets, drip)
            assert seconds < 3
        assert heard(port, whole.replace(b"x\r\n\r\n", b"x\r\nConnection: close\r\n\r\n"))[0].endswith(
            b'{"status":"up"}'
        )


def test_a_request_that_ends_in_two_places_is_refused_and_nothing_behind_it_is_read(
    register: Register,
) -> None:
    hidden = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    head = f"POST {HOOK} HTTP/1.1\r\nHost: x\r\n".encode()
    with serving(register) as port:
        for lengths in (
            b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
            b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            b"Transfer-Encoding : chunked\r\n",
            b"Content-Length: 0\r\nContent-Length: 6\r\n",
            b"Content-Length: +0\r\n",
        ):
            got, _ = heard(port, head + lengths + b"\r\n0\r\n\r\n" + hidden)
            assert got.startswith(b"HTTP/1.1 400 ")
            assert got.count(b"HTTP/1.1") == 1


def test_every_answer_says_that_it_is_nobody_elses(register: Register) -> None:
    client = client_for(register)
    paths = [
        f"/u/{register.link(TokenPurpose.UNSUBSCRIBE)}",
        f"/p/{register.link(TokenPurpose.PREFERENCES)}",
        f"/v/{register.link(TokenPurpose.VIEW)}",
        *("/u/x", "/s/sagen", "/c/x", "/a/x.png", "/a/../../etc/passwd", "/a/%2e%2e%2fx", HOOK, "/nowhere"),
        *("/healthz", "/readyz", "/metrics", "/api/v1/openapi.json", "/api/v1/campaigns"),
    ]
    for path in paths:
        shown, asked = client.get(path), client.head(path)
        assert set(map(str.lower, HEADERS)) <= set(shown.headers), path
        assert shown.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in shown.headers["content-security-policy"]
        if path != HOOK:  # which only looks whether it is there
            assert (asked.status_code, asked.content) == (shown.status_code, b"")
            assert {**asked.headers, "content-length": ""} == {**shown.headers, "content-length": ""}, path


def test_no_other_method_does_anything(register: Register) -> None:
    client = client_for(register)
    before = register.contents()
    for purpose, page in (
        (TokenPurpose.UNSUBSCRIBE, "u"),
        (TokenPurpose.PREFERENCES, "p"),
        (TokenPurpose.VIEW, "v"),
    ):
        for method in ("PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND"):
            assert client.request(method, f"/{page}/{register.link(purpose)}").status_code == 405
    for method in ("GET", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS"):
        assert client.request(method, HOOK, content=b"{}").status_code == 405
    assert register.contents() == before
