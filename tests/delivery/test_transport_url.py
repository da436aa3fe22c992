"""How a smarthost is written in the settings."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.delivery.smarthost import open_transport
from campaigns.delivery.smarthost_url import Credentials, FolderUrl, ServerUrl, parse_smarthost_url
from campaigns.errors import InputError

SECRET = Credentials("anna", "s3/cr:t")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("smtp://mail.example", ServerUrl("smtp", "mail.example", 587, "starttls")),
        ("smtp://Mail.Example:25/", ServerUrl("smtp", "mail.example", 25, "starttls")),
        ("smtp://mail.example:25?tls=none", ServerUrl("smtp", "mail.example", 25, "none")),
        ("smtp://localhost:25", ServerUrl("smtp", "localhost", 25, "none")),
        ("smtp://127.0.0.9:25", ServerUrl("smtp", "127.0.0.9", 25, "none")),
        ("smtp://[::1]:25", ServerUrl("smtp", "::1", 25, "none")),
        ("smtp://localhost:25?tls=required", ServerUrl("smtp", "localhost", 25, "starttls")),
        ("smtp://localhost?cafile=ca.pem", ServerUrl("smtp", "localhost", 587, "starttls", Path("ca.pem"))),
        ("smtp://anna:s3%2Fcr%3At@localhost", ServerUrl("smtp", "localhost", 587, "starttls", None, SECRET)),
        (
            "smtps://anna:s3%2Fcr%3At@mail.example",
            ServerUrl("smtps", "mail.example", 465, "implicit", None, SECRET),
        ),
        ("smtps://mail.example:10465", ServerUrl("smtps", "mail.example", 10465, "implicit")),
        ("lmtp://localhost", ServerUrl("lmtp", "localhost", 24, "none")),
        ("lmtp://mail.example:2400", ServerUrl("lmtp", "mail.example", 2400, "starttls")),
        ("smtp://bücher.example", ServerUrl("smtp", "xn--bcher-kva.example", 587, "starttls")),
        ("file:var/outbox", FolderUrl(Path("var/outbox"))),
        ("file:/srv/ut%20skick", FolderUrl(Path("/srv/ut skick"))),
        ("file:///srv/utskick", FolderUrl(Path("/srv/utskick"))),
    ],
)
def test_good_addresses(text: str, expected: object) -> None:
    assert parse_smarthost_url(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "mail.example", "mail.example:25", "http://mail.example", "smtp:", "smtp://", "smtp://:25", "smtp://host:0",
        "smtp://host:99999", "smtp://host:port", "smtp://host/path", "smtp://host#part", "smtp://host?tls=maybe",
        "smtp://host?tls=none&tls=none", "smtp://host?colour=red", "smtp://host?cafile=", "smtps://host?tls=none",
        "smtp://anna:sesam@host?tls=none", "smtp://anna:sesam@localhost?tls=none", "lmtp://anna:sesam@localhost?tls=none",
        "smtp://localhost?tls=none&cafile=ca.pem", "smtp://anna@host", "smtp://:sesam@host", "smtp://[::1", "file:",
        "file://host/folder", "file:folder?a=b", "smtp://ho st", "smtp://host\r\nx", "smtp://anna:%00sesam@host",
    ],
)  # fmt: skip
def test_faulty_addresses_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InputError) as fault:
        parse_smarthost_url(text)
    assert "sesam" not in str(fault.value)
    assert len(str(fault.value)) > 20


@pytest.mark.parametrize(
    "text, local, warned",
    [
        ("smtp://mail.example?tls=none", False, True),
        ("lmtp://192.0.2.1?tls=none", False, True),
        ("smtp://mail.example", False, False),
        ("smtp://localhost", True, False),
        ("file:outbox", True, False),
    ],
)
def test_who_is_warned_and_what_is_this_machine(text: str, local: bool, warned: bool) -> None:
    url = parse_smarthost_url(text)
    assert url.is_local is local
    assert ("unencrypted" in (url.warning or "")) is warned


def test_no_text_of_an_address_shows_its_credentials() -> None:
    url = parse_smarthost_url("smtps://anna:sesam@mail.example:465")
    assert str(url) == "smtps://mail.example:465"
    assert not any(word in str(url) + repr(url) for word in ("anna", "sesam"))
    assert str(parse_smarthost_url("smtp://[2001:db8::1]:25")) == "smtp://[2001:db8::1]:25"


def test_credentials_given_apart_never_go_without_tls() -> None:
    local = parse_smarthost_url("smtp://localhost:25")
    open_road = parse_smarthost_url("smtp://mail.example?tls=none")
    assert isinstance(local, ServerUrl)
    assert isinstance(open_road, ServerUrl)
    assert local.with_credentials("anna", "sesam").tls == "starttls"
    with pytest.raises(InputError, match="without TLS"):
        open_road.with_credentials("anna", "sesam")


@given(st.text(max_size=60) | st.text(max_size=60).map("smtp://".__add__))
def test_any_text_is_an_address_or_a_clear_error(text: str) -> None:
    try:
        url = parse_smarthost_url(text)
    except InputError:
        return
    if isinstance(url, ServerUrl) and url.credentials is not None:
        assert url.tls != "none"


@pytest.mark.parametrize("name", ["", "a b", "a\r\nMAIL", "-a", "å.example", "a" * 300])
def test_our_own_name_has_to_be_one(name: str) -> None:
    with pytest.raises(InputError):
        open_transport(parse_smarthost_url("file:outbox"), ehlo_name=name, begun=lambda _: None)
