"""The web application with made-up settings, called in the process."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from starlette.testclient import TestClient

from campaigns.feedback.providers.base import Endpoint
from campaigns.store.engine import make_engine
from campaigns.tokens import TokenClaims
from tests.support.register import Register
from workers.web.app import WebContext, create_app
from workers.web.pages import Pages

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"fedcba9876543210fedcba9876543210").decode()
ENDPOINTS = {"post": Endpoint("generic", (SECRET, OLD_SECRET)), "mute": Endpoint("generic")}
CONTROLLER = {
    "name": "Timmerö Ab",
    "business_id": "0000000-0",
    "street": "Sågvägen 1",
    "postal_code": "00100",
    "city": "Helsingfors",
    "country": "Finland",
    "email": "register@timmero.example",
    "phone": "+358 00 000 0000",
    "register_name": "Kundregister",
    "privacy_url": "https://www.timmero.example/privacy",
    "contact_person": "Kim Exempel",
}


def view(claims: TokenClaims) -> str | None:
    """The message of delivery 1; all others are gone."""
    return "<!doctype html><p>Hej</p>" if claims.number == 1 else None


def context_for(register: Register, webhooks: Mapping[str, Endpoint] | None = None) -> WebContext:
    """What the application works with."""
    return WebContext(
        engine=register.engine,
        tokens=register.tokens,
        ring=register.ring,
        pages=_pages(),
        view=view,
        webhooks=ENDPOINTS if webhooks is None else webhooks,
        public_url="https://post.timmero.example",
        time_zone="Europe/Helsinki",
        opt_in_lists=frozenset({"sagen", "gone"}),
    )


def client_for(register: Register) -> TestClient:
    """A caller who follows no redirects and sees answers, not exceptions."""
    return _client(context_for(register))


def client_without_database(register: Register) -> TestClient:
    """The same, where the database is away."""
    nowhere = make_engine("postgresql://nobody@/none?host=/nonexistent")
    return _client(replace(context_for(register), engine=nowhere))


@cache
def _pages() -> Pages:
    """Read and compiled once, as in a process of the web."""
    return Pages(CONTROLLER, "en")


def _client(context: WebContext) -> TestClient:
    return TestClient(create_app(context), follow_redirects=False, raise_server_exceptions=False)
