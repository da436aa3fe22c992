"""One register and one application for the whole suite, on each database; emptied of events before each test."""

import ipaddress
import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from campaigns.clock import boot_seconds
from campaigns.feedback.providers.base import Endpoint
from campaigns.store import schema
from campaigns.store.engine import make_engine, reading
from tests.conformance.webhooks.amazon import SesSender
from tests.conformance.webhooks.cast import SENDERS
from tests.conformance.webhooks.sender import About, Post, Sender
from tests.support.databases import migrated_file
from tests.support.postgres import fresh_database
from tests.support.register import Register, made_register
from tests.web.place import context_for
from workers.web.app import WebContext, create_app
from workers.web.sns import Certificates

INSIDE, OUTSIDE = "192.0.2.7", "203.0.113.9"
Makes = Callable[[str], "Place"]
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Place:
    """Where requests are handed in, and what they left behind."""

    register: Register
    context: WebContext
    asked: list[str]

    def about(self, number: int = 1) -> About:
        """A new event about a delivery."""
        moment = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=5)
        return About(
            self.register.message_id(number),
            self.register.return_path(number),
            f"person{number}@kund.example",
            f"evt{next(_numbers):09}",
            moment,
        )

    def hand_in(self, post: Post, caller: str = INSIDE) -> Any:
        """The answer, and how long it took in seconds."""
        client = TestClient(
            create_app(self.context),
            raise_server_exceptions=False,
            follow_redirects=False,
            client=(caller, 1),
        )
        started = boot_seconds()
        answer = client.post(post.path, content=post.body, headers=dict(post.headers))
        answer.extensions["seconds"] = boot_seconds() - started
        return answer

    def without_database(self) -> "Place":
        """The same where the database is away."""
        nowhere = make_engine("postgresql://nobody@/none?host=/nonexistent")
        return replace(self, context=replace(self.context, engine=nowhere))

    def epoch(self) -> int:
        """The gate's epoch."""
        with reading(self.register.engine) as connection:
            return int(connection.execute(sa.select(schema.gate.c.epoch)).scalar_one())

    def raw_words(self) -> list[str | None]:
        """What is kept of the sources' own words."""
        with reading(self.register.engine) as connection:
            return list(connection.execute(sa.select(schema.feedback_event.c.raw)).scalars())


@pytest.fixture(params=list(SENDERS))
def sender(request: pytest.FixtureRequest) -> Sender:
    """Every provider in turn."""
    return SENDERS[request.param]


@pytest.fixture(scope="session")
def _made(
    postgres_server: str, postgres_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Makes]:
    made: dict[str, Place] = {}
    with ExitStack() as stack:

        def make(database: str) -> Place:
            if database not in made:
                folder = tmp_path_factory.mktemp(f"webhooks-{database}")
                if database == "postgres":
                    url = stack.enter_context(fresh_database(postgres_server, template=postgres_template))
                else:
                    url = migrated_file(folder / "utskick.sqlite")
                made[database] = _place(stack.enter_context(made_register(url, Path(folder) / "secrets")))
            return made[database]

        yield make


@pytest.fixture(params=["sqlite"])
def place(request: pytest.FixtureRequest, _made: Makes) -> Place:
    """An application on SQLite; tests about the database take both."""
    found = _made(request.param)
    with found.register.engine.begin() as connection:
        connection.execute(sa.delete(schema.suppression))
        connection.execute(sa.delete(schema.feedback_event))
        connection.execute(sa.update(schema.subscription).values(status="subscribed"))
    found.asked.clear()
    return found


def _place(register: Register) -> Place:
    asked: list[str] = []
    ses = SENDERS["ses"]
    assert isinstance(ses, SesSender)

    def fetch(url: str) -> bytes:
        asked.append(url)
        return b"<ok/>" if "ConfirmSubscription" in url else ses.fetch(url)

    endpoints = {}
    for sender in SENDERS.values():
        endpoint = sender.endpoint()
        endpoints[sender.name] = endpoint
        endpoints[f"mute-{sender.name}"] = Endpoint(sender.name)
        ranges = (ipaddress.ip_network("192.0.2.0/24"),)
        endpoints[f"ranged-{sender.name}"] = replace(endpoint, source_ranges=ranges)
    endpoints["confirming"] = SENDERS["ses"].endpoint()
    context = replace(
        context_for(register, endpoints),
        certificates=Certificates(fetch),
        confirming=frozenset({"confirming"}),
    )
    return Place(register, context, asked)
