"""The kinds of text that settings are made of, each refusing what cannot work with a sentence that says why."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from campaigns.address import parse_domain, parse_email
from campaigns.delivery.smarthost_url import parse_smarthost_url
from campaigns.errors import InputError
from campaigns.feedback.providers.directory import PROVIDERS

#: Names that a table does not know are faults, and nothing is changed once read.
STRICT = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

Key = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]


def _named(given: object) -> object:
    """An empty path would be the folder itself."""
    if isinstance(given, str) and not given.strip():
        raise ValueError("must not be empty; take it away to have the default")
    return given


NamedPath = Annotated[Path, BeforeValidator(_named)]


def _mailbox(text: str) -> str:
    try:
        return parse_email(text).wire
    except InputError as error:
        raise ValueError(str(error)) from None


def _domain(text: str) -> str:
    try:
        return parse_domain(text)
    except InputError as error:
        raise ValueError(str(error)) from None


def _https(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError("must be a complete https URL")
    return text


def _public(text: str) -> str:
    parts = urlsplit(text.rstrip("/"))
    if not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("must be a URL such as https://mail.company.example")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ValueError("must be https (http only on loopback)")
    return text.rstrip("/")


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError("is no time zone; write for instance Europe/Helsinki") from None
    return text


def _provider(text: str) -> str:
    if text not in PROVIDERS:
        raise ValueError(f"must be one of {', '.join(PROVIDERS)}")
    return text


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise ValueError("is no network; write for instance 192.0.2.0/24") from None


Mailbox = Annotated[str, AfterValidator(_mailbox)]
Domain = Annotated[str, AfterValidator(_domain)]
HttpsUrl = Annotated[str, AfterValidator(_https)]
PublicUrl = Annotated[str, AfterValidator(_public)]
ZoneName = Annotated[str, AfterValidator(_zone)]
ProviderName = Annotated[str, AfterValidator(_provider)]
Network = Annotated[ipaddress.IPv4Network | ipaddress.IPv6Network, BeforeValidator(_network)]


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def stays_here(url: str) -> bool:
    """Whether what is handed to this smarthost URL stays on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "file" or is_loopback(parts.hostname or "")


def smarthost_problem(url: str) -> str | None:
    """Why a smarthost URL cannot be used, or None; never repeats the URL, which may hold a password."""
    try:
        parse_smarthost_url(url)
    except InputError as error:
        return str(error)
    return None
